"""Expressions. Chains of one precedence (`a + b - c`) are flat, so that a long sum is not a deep tree."""

from __future__ import annotations

from typing import ClassVar

from archdsl.frozen_record import record
from archdsl.syntax.nodes.base import Node, walk


@record
class Expr(Node):
    """Base of every expression."""


@record
class Missing(Expr):
    """A part that an unfinished statement lacks; its span is empty. Its value is unknown, and nothing follows from it."""


@record
class Literal(Expr):
    """A number, a string, `true`, `false` or `none`; its span holds the spelling."""

    value: int | float | str | bool | None


@record
class Unread(Expr):
    """A number that was refused, and reported: it has no value, and nothing follows from it."""


@record
class Template(Expr):
    """A label string: plain text and expressions in braces, in turn."""

    parts: ClassVar = ("expressions",)

    pieces: tuple[str | Expr, ...]

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """The expressions in braces."""
        return tuple(piece for piece in self.pieces if not isinstance(piece, str))


@record
class Name(Expr):
    """A name: a parameter, a `let`, a loop variable, a label, `x`, a block or an op."""

    id: str


@record
class Parenthesized(Expr):
    """`(expression)`; the span includes the parentheses."""

    parts: ClassVar = ("inner",)

    inner: Expr


@record
class ListExpr(Expr):
    """`[a, b, c]`."""

    parts: ClassVar = ("items",)

    items: tuple[Expr, ...]


@record
class Chain(Expr):
    """Operands joined by operators of one precedence: arithmetic, comparison, `and`, `or`.

    `a < b < c` means `a < b and b < c`.
    """

    parts: ClassVar = ("operands",)

    operands: tuple[Expr, ...]
    operators: tuple[str, ...]


@record
class Unary(Expr):
    """`-a`, `+a` or `not a`."""

    parts: ClassVar = ("operand",)

    operator: str
    operand: Expr


@record
class Choice(Expr):
    """`then if condition else other`."""

    parts: ClassVar = ("then", "condition", "other")

    then: Expr
    condition: Expr
    other: Expr


@record
class RangeExpr(Expr):
    """`start..stop by step`, half open; without a step, it is 1."""

    parts: ClassVar = ("start", "stop", "step")

    start: Expr
    stop: Expr
    step: Expr | None = None


@record
class Pattern(Node):
    """What an element is bound to: a name, or `[a, b]` for its parts, where the name is none."""

    parts: ClassVar = ("items",)

    name: str | None
    items: tuple[Pattern, ...] = ()

    @property
    def leaves(self) -> list[Pattern]:
        """The names in it, in order."""
        return [self] if self.name is not None else [leaf for item in self.items for leaf in item.leaves]


@record
class Comprehension(Expr):
    """`[element for targets in iterable if condition]`; of two targets, the first counts from 0."""

    parts: ClassVar = ("element", "targets", "iterable", "condition")

    element: Expr
    targets: tuple[Pattern, ...]
    iterable: Expr
    condition: Expr | None


@record
class Attribute(Expr):
    """`base.name`: a size of a value, or a definition of an import."""

    parts: ClassVar = ("base",)

    base: Expr
    name: str


@record
class Index(Expr):
    """`base[index]`."""

    parts: ClassVar = ("base", "index")

    base: Expr
    index: Expr


@record
class Parameter(Node):
    """`name: kind = default`, or `name: kind in domain = default`, where the default may be left out."""

    parts: ClassVar = ("domain", "default")

    name: str
    kind: str | None
    domain: Expr | None
    default: Expr | None

    @property
    def is_optional(self) -> bool:
        """Whether a call may leave it out."""
        return self.default is not None or self.domain is not None


@record
class Domain(Expr):
    """`in choices = default` in a recipe: what a search may choose from."""

    parts: ClassVar = ("choices", "default")

    choices: Expr
    default: Expr | None


@record
class Argument(Node):
    """One argument of a call; `name` is none for one by position."""

    parts: ClassVar = ("value",)

    name: str | None
    value: Expr


@record
class CallExpr(Expr):
    """`callee(arguments)`."""

    parts: ClassVar = ("callee", "arguments")

    callee: Expr
    arguments: tuple[Argument, ...]


def bare(expression: Expr) -> Expr:
    """Return the expression without the parentheses around it."""
    while isinstance(expression, Parenthesized):
        expression = expression.inner
    return expression


def names(*roots: Node | None) -> list[Name]:
    """Return every name that stands in an expression at or below the roots."""
    return [node for node in walk(*roots) if isinstance(node, Name)]
