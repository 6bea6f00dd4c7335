"""The syntax tree: frozen records with spans, without behaviour.

Chains of one precedence (`a + b - c`) are flat, so that a long sum is not a deep tree.
"""

from __future__ import annotations

from dataclasses import field, fields
from typing import Any, ClassVar

from archdsl.records import record
from archdsl.source import SourceFile, Span
from archdsl.syntax.damage import Damage


class _Node:
    """What dataclasses would write for each of these again, which takes longer than to parse a file."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def _values(self) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in self.__dataclass_fields__])

    def __eq__(self, other: object) -> bool:
        return (
            self._values() == other._values()
            if isinstance(other, _Node) and other.__class__ is self.__class__
            else NotImplemented
        )

    def __hash__(self) -> int:
        return hash(self._values())


_LEAVES = {"Span", "Span | None", "SourceFile", "str", "str | None", "bool", "int | float | str | bool | None"}
_parts: dict[type, tuple[str, ...]] = {}
"""The fields that may hold nodes, of each kind met so far."""


def names(*roots: Expr | Body | Statement | None) -> list[Name]:
    """Every name that stands in an expression below these."""
    return names_and_constants(*roots)[0]


def names_and_constants(*roots: Expr | Body | Statement | None) -> tuple[list[Name], list[Let]]:
    """Every name that stands in an expression below these, and every constant that they define."""
    found: list[Name] = []
    constants: list[Let] = []
    pending: list[Any] = list(roots)
    while pending:
        item = pending.pop()
        if isinstance(item, Name):
            found.append(item)
            continue
        if isinstance(item, Let):
            constants.append(item)
        if isinstance(item, tuple):
            if not isinstance(item, Span):
                pending += item
        elif hasattr(item, "__dataclass_fields__"):
            kind = item.__class__
            if kind not in _parts:
                _parts[kind] = tuple(field.name for field in fields(kind) if field.type not in _LEAVES)
            pending += [getattr(item, part) for part in _parts[kind]]
    return found, constants


# ---- Expressions -----------------------------------------------------------------------------


@record
class Expr(_Node):
    """Base of every expression."""

    span: Span


@record
class Literal(Expr):
    """A number, a string, `true`, `false` or `none`."""

    value: int | float | str | bool | None


@record
class Unread(Expr):
    """A number that was refused, and reported: it has no value, and nothing follows from it."""


@record
class Template(Expr):
    """A label string: plain text and expressions in braces, in turn."""

    pieces: tuple[str | Expr, ...]


@record
class Name(Expr):
    """A name: a parameter, a `let`, a loop variable, a label, `x`, a block or an op."""

    id: str


@record
class ListExpr(Expr):
    """`[a, b, c]`."""

    items: tuple[Expr, ...]


@record
class Chain(Expr):
    """Operands joined by operators of one precedence: arithmetic, comparison, `and`, `or`.

    `a < b < c` means `a < b and b < c`.
    """

    operands: tuple[Expr, ...]
    operators: tuple[str, ...]


@record
class Unary(Expr):
    """`-a`, `+a` or `not a`."""

    operator: str
    operand: Expr


@record
class Choice(Expr):
    """`then if condition else other`."""

    then: Expr
    condition: Expr
    other: Expr


@record
class RangeExpr(Expr):
    """`start..stop`, half open."""

    start: Expr
    stop: Expr


@record
class Attribute(Expr):
    """`base.name`: a size of a value, or a definition of an import."""

    base: Expr
    name: str


@record
class Index(Expr):
    """`base[index]`."""

    base: Expr
    index: Expr


@record
class Argument(_Node):
    """One argument of a call; `name` is none for one by position."""

    span: Span
    name: str | None
    value: Expr


@record
class CallExpr(Expr):
    """`callee(arguments)`."""

    callee: Expr
    arguments: tuple[Argument, ...]


# ---- Stages and statements ---------------------------------------------------------------------


@record
class Body(_Node):
    """Statements in braces."""

    span: Span
    statements: tuple[Statement, ...]


@record
class Stage(_Node):
    """Base of what stands between arrows."""

    span: Span


@record
class CallStage(Stage):
    """An op, a block, or a value's name."""

    call: Expr


@record
class Group(Stage):
    """`{ ... }`."""

    body: Body


@record
class Skip(Stage):
    """`skip(arguments) { body } via { shortcut }`."""

    arguments: tuple[Argument, ...]
    body: Body
    via: Body | None
    keyword: Span


@record
class Join(Stage):
    """`concat`, `add`, `mul` or `shake` of the branches in the body."""

    kind: str
    arguments: tuple[Argument, ...]
    body: Body
    keyword: Span


@record
class Repeat(Stage):
    """`repeat count { ... }`."""

    count: Expr
    body: Body


@record
class For(Stage):
    """`for i in list { ... }`; with two names, the first counts from 0; further ones are an error, and unknown."""

    names: tuple[str, ...]
    iterable: Expr
    body: Body


@record
class If(Stage):
    """`if c { } else if d { } else { }`; the last arm's condition is none for `else`."""

    arms: tuple[tuple[Expr | None, Body], ...]


@record
class Statement(_Node):
    """Base of every statement."""

    span: Span


@record
class Label(_Node):
    """`name:`, `name[index]:` or `"template":`."""

    span: Span
    name: str | None
    index: Expr | None = None
    template: Template | None = None


@record
class Pipeline(Statement):
    """Stages joined by arrows, with or without a label."""

    label: Label | None
    stages: tuple[Stage, ...]


@record
class Aux(Statement):
    """`aux(weight = 0.3) name: stages`."""

    arguments: tuple[Argument, ...]
    pipeline: Pipeline


@record
class Output(Statement):
    """`output name: stages`."""

    pipeline: Pipeline


@record
class Input(Statement):
    """`input name: kind [sizes] where condition`."""

    name: str
    kind: str | None
    sizes: ListExpr
    condition: Expr | None


@record
class Let(Statement):
    """`let name = value`."""

    name: str
    value: Expr


@record
class Expect(Statement):
    """`expect claim if condition`."""

    claim: Expr
    condition: Expr | None


@record
class Setting(_Node):
    """`name = value` in `init { }` or `train { }`."""

    span: Span
    name: str
    name_span: Span
    value: Expr


@record
class Init(Statement):
    """`init { op = rule; ... }`."""

    settings: tuple[Setting, ...]


@record
class Damaged(Statement):
    """Where a syntax error was: nothing is known of what stood there."""


# ---- Definitions -------------------------------------------------------------------------------


@record
class Parameter(_Node):
    """`name: kind = default`."""

    span: Span
    name: str
    kind: str | None
    default: Expr | None


@record
class Definition:
    """Base of what a file defines. `doc` is the text of the `##` lines right above."""

    span: Span
    name: str
    name_span: Span
    doc: str


@record
class Block(Definition):
    """`block name(parameters) { ... }`."""

    parameters: tuple[Parameter, ...]
    body: Body


@record
class Network(Definition):
    """`network name(parameters) { ... }`."""

    parameters: tuple[Parameter, ...]
    body: Body


@record
class Alias(Definition):
    """`network name = target expect ...`."""

    target: Expr
    claims: tuple[Expect, ...]


@record
class Import(_Node):
    """`import "path" as name`."""

    span: Span
    path: str
    path_span: Span
    name: str
    name_span: Span


@record
class Train(_Node):
    """`train { ... }`."""

    span: Span
    settings: tuple[Setting, ...]


@record
class File(_Node):
    """A whole file, with its comments in order; `damage` is what syntax errors did to it, none where there are none.

    It is `hidden` where one hid a definition, or the file could not be read at all.
    """

    source: SourceFile
    imports: tuple[Import, ...]
    definitions: tuple[Definition, ...]
    recipes: tuple[Train, ...]
    comments: tuple[Span, ...]
    damage: Damage | None = field(default=None, repr=False)
    hidden: bool = False

    @property
    def damaged(self) -> bool:
        """Whether not all of it is known."""
        return self.damage is not None or self.hidden
