"""Statements, and the stages that pipelines are made of.

A name that an unfinished statement lacks is the empty string; any other part is `Missing`.
"""

from __future__ import annotations

from typing import ClassVar

from archdsl.frozen_record import record
from archdsl.source import Span
from archdsl.syntax.nodes.base import Node
from archdsl.syntax.nodes.expressions import Argument, Expr, ListExpr, Parameter, Pattern, Template


@record
class Statement(Node):
    """Base of every statement."""


@record
class Body(Node):
    """Statements in braces."""

    parts: ClassVar = ("statements",)

    statements: tuple[Statement, ...]


# ---- Stages ----------------------------------------------------------------------------------


@record
class Stage(Node):
    """Base of what stands between arrows."""


@record
class CallStage(Stage):
    """An op, a block, or a value's name."""

    parts: ClassVar = ("call",)

    call: Expr


@record
class Group(Stage):
    """`{ ... }`."""

    parts: ClassVar = ("body",)

    body: Body


@record
class Skip(Stage):
    """`skip(arguments) { body } via { shortcut }`."""

    parts: ClassVar = ("arguments", "body", "via")

    arguments: tuple[Argument, ...]
    body: Body
    via: Body | None
    keyword: Span


@record
class Join(Stage):
    """The branches in the body, joined by the op that `kind` names, such as `concat`."""

    parts: ClassVar = ("arguments", "body")

    kind: str
    arguments: tuple[Argument, ...]
    body: Body
    keyword: Span


@record
class Repeat(Stage):
    """`repeat count { ... }`."""

    parts: ClassVar = ("count", "body")

    count: Expr
    body: Body


@record
class For(Stage):
    """`for i in list { ... }`; of two targets, the first counts from 0; further ones are an error, and unknown."""

    parts: ClassVar = ("targets", "iterable", "body")

    targets: tuple[Pattern, ...]
    iterable: Expr
    body: Body

    @property
    def names(self) -> tuple[str, ...]:
        """All names that it binds."""
        return tuple([leaf.name for target in self.targets for leaf in target.leaves if leaf.name is not None])


@record
class Arm(Node):
    """A condition and a body of an `if`; the condition of `else` is none."""

    parts: ClassVar = ("condition", "body")

    condition: Expr | None
    body: Body


@record
class If(Stage):
    """`if c { } else if d { } else { }`."""

    parts: ClassVar = ("arms",)

    arms: tuple[Arm, ...]


# ---- Statements ------------------------------------------------------------------------------


@record
class Label(Node):
    """`name:`, `name[index]:`, `"template":` or `[one, other]:`; the span is without the colon.

    `each` are the names in brackets, for the outputs of the last stage.
    """

    parts: ClassVar = ("indices", "template", "each")

    name: str | None
    indices: tuple[Expr, ...] = ()
    template: Template | None = None
    each: tuple[Label, ...] = ()


@record
class Pipeline(Statement):
    """Stages joined by arrows, with or without a label."""

    parts: ClassVar = ("label", "stages")

    label: Label | None
    stages: tuple[Stage, ...]


@record
class Aux(Statement):
    """`aux(weight = 0.3) name: stages`."""

    parts: ClassVar = ("arguments", "pipeline")

    arguments: tuple[Argument, ...]
    pipeline: Pipeline


@record
class Output(Statement):
    """`output name: stages`."""

    parts: ClassVar = ("pipeline",)

    pipeline: Pipeline


@record
class Declaration(Statement):
    """`module name: stages`. The label of the pipeline is none if what stands there is no label."""

    parts: ClassVar = ("pipeline",)

    pipeline: Pipeline
    keyword: Span


@record
class Input(Statement):
    """`input name: kind [sizes] where condition`."""

    parts: ClassVar = ("sizes", "condition")

    name: str
    kind: str | None
    sizes: ListExpr
    condition: Expr | None


@record
class Let(Statement):
    """`let name = value`, or `let name(parameters) = value`, a function; without parentheses, `parameters` is none."""

    parts: ClassVar = ("parameters", "value")

    name: str
    name_span: Span
    parameters: tuple[Parameter, ...] | None
    value: Expr


@record
class Expect(Statement):
    """`expect claim if condition`."""

    parts: ClassVar = ("claim", "condition")

    claim: Expr
    condition: Expr | None


@record
class Setting(Node):
    """`name = value` in `init { }` or `train { }`."""

    parts: ClassVar = ("value",)

    name: str
    name_span: Span
    value: Expr


@record
class Skipped(Statement):
    """Text that could not be understood, after a syntax error: it may have defined or changed anything."""


@record
class Init(Statement):
    """`init { op = rule; ... }`."""

    parts: ClassVar = ("entries",)

    entries: tuple[Setting | Skipped, ...]

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What is set."""
        return tuple(entry for entry in self.entries if isinstance(entry, Setting))
