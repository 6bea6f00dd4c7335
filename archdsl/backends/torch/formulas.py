"""Numbers that remember how they were computed, so that a constructor can compute them the same way.

A `TracedInt` (or `TracedFloat`) behaves as the number that it is, and carries a formula of `Symbol`s, which stand for
what may become parameters of a class. The rules of the ops are plain arithmetic: applied to traced attributes and
shapes they give traced results. So `width` as the channels of one convolution is `width` again where the next one takes
them, and padding that keeps the size of a window of `k` is `(k - 1) // 2`, without a table of who depends on whom.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

_OPERATORS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "/": operator.truediv,
    "%": operator.mod,
    "**": operator.pow,
}
_BINDING: Final = {"+": 1, "-": 1, "*": 2, "//": 2, "/": 2, "%": 2, "**": 4}
_NODES: Final = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.FloorDiv: "//",
    ast.Div: "/",
    ast.Mod: "%",
    ast.Pow: "**",
}
_LARGEST_EXPONENT: Final = 64


class InputSize(NamedTuple):
    """The size of an axis of an input, by positions."""

    position: int
    axis: int


class Symbol:
    """A value that differs between the instances of a class: `column` has it for each of them.

    `hint` is what a parameter for it is called. `origin` says whether it is the size of an input, or an argument of the
    block by name; None is a number of the class's own.
    """

    __slots__ = ("column", "hint", "origin")

    def __init__(self, hint: str, column: tuple[Any, ...], origin: InputSize | str | None = None) -> None:
        self.hint = hint
        self.column = column
        self.origin = origin

    def __repr__(self) -> str:
        return self.hint


class Spelled(NamedTuple):
    """A number with the text that the spec has for it."""

    value: float
    text: str


class Binary(NamedTuple):
    """Two formulas joined by an operator."""

    sign: str
    left: Formula
    right: Formula


Formula: TypeAlias = Symbol | Spelled | Binary | int | float
"""How a number is computed; a plain number is itself."""


class TracedInt(int):
    """An integer with its formula."""

    formula: Formula


class TracedFloat(float):
    """A float with its formula."""

    formula: Formula


def traced(value: Any, formula: Formula) -> Any:
    """Return a number with a formula; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    made: Any = TracedInt(value) if isinstance(value, int) else TracedFloat(value)
    made.formula = formula
    return made


def formula_of(value: Any) -> Formula | None:
    """Return how a number is computed; None if it is plain."""
    return getattr(value, "formula", None)


def untraced(value: Any) -> Any:
    """Return a value without formulas."""
    if isinstance(value, TracedInt):
        return int(value)
    if isinstance(value, TracedFloat):
        return float(value)
    return tuple([untraced(item) for item in value]) if type(value) is tuple else value


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, int) else float(value)


def _define(cls: type, name: str, sign: str) -> None:
    compute = _OPERATORS[sign]

    def forward(self: Any, other: Any) -> Any:
        if not isinstance(other, int | float):
            return NotImplemented
        return traced(compute(_plain(self), _plain(other)), binary(sign, self.formula, getattr(other, "formula", other)))

    def reflected(self: Any, other: Any) -> Any:
        if not isinstance(other, int | float):
            return NotImplemented
        return traced(compute(_plain(other), _plain(self)), binary(sign, getattr(other, "formula", other), self.formula))

    setattr(cls, f"__{name}__", forward)
    setattr(cls, f"__r{name}__", reflected)


for _cls in (TracedInt, TracedFloat):
    for _name, _sign in (("add", "+"), ("sub", "-"), ("mul", "*"), ("floordiv", "//"), ("truediv", "/"), ("mod", "%")):
        _define(_cls, _name, _sign)


def _value(formula: Formula) -> int | float | None:
    """Return the number of a constant formula."""
    return formula.value if isinstance(formula, Spelled) else None if isinstance(formula, Symbol | Binary) else formula


def binary(sign: str, left: Formula, right: Formula) -> Formula:
    """Return two formulas joined, as short as the same number can be written.

    A division counts as exact if it is multiplied back: where it is not, the formula does not give the number of the instance.
    """
    a, b = _value(left), _value(right)
    if a is not None and b is not None:
        result: int | float = _OPERATORS[sign](a, b)
        return result
    if (b == 0 and sign in ("+", "-")) or (b == 1 and type(b) is int and sign in ("*", "//", "**")):
        return left
    if (a == 0 and sign == "+") or (a == 1 and type(a) is int and sign == "*"):
        return right
    for rule in (_undone, _cancelled):
        shorter = rule(sign, left, right)
        if shorter is not None:
            return shorter
    return Binary(sign, left, right)


def _undone(sign: str, left: Formula, right: Formula) -> Formula | None:
    """Return what is left of an operation that takes back an earlier one; None if it does not."""
    if sign == "-":
        return _without(left, right)
    inverse = {"+": "-", "*": "//"}.get(sign)
    for total, taken in ((left, right), (right, left)) if inverse is not None else ():
        if isinstance(total, Binary) and total.sign == inverse and total.right == taken:
            return total.left  # half + (width - half), and heads * (width // heads), are width
    return None


def _cancelled(sign: str, left: Formula, right: Formula) -> Formula | None:
    """Return an operation with the constants of both sides joined; None if that is impossible."""
    if not isinstance(left, Binary):
        return None
    b, c = _value(right), left.right
    if type(b) is int:
        if sign in ("+", "-") and left.sign in ("+", "-") and type(c) is int:  # n + 2 - 1 is n + 1
            total = (c if left.sign == "+" else -c) + (b if sign == "+" else -b)
            return binary("+", left.left, total) if total >= 0 else binary("-", left.left, -total)
        if sign == "//" and left.sign == "*" and b > 0 and _value(c) == b:  # n * 64 // 64 is n
            return left.left
    if sign == "//" and isinstance(right, Binary) and left.sign == right.sign == "*" and left.left == right.left:
        factor = _value(left.left)
        if type(factor) is int and factor > 0:  # 3 * width // (3 * heads) is width // heads
            return binary("//", left.right, right.right)
    return None


def _without(total: Formula, term: Formula) -> Formula | None:
    """Return a sum without one of its terms; None if that is not one of them: `width + inc - width` is `inc`."""
    if total == term:
        return 0
    if not isinstance(total, Binary) or total.sign not in ("+", "-"):
        return None
    if total.sign == "+" and total.right == term:
        return total.left
    rest = _without(total.left, term)
    return None if rest is None else binary(total.sign, rest, total.right)


def evaluate(formula: Formula, instance: int) -> Any:
    """Return what a formula gives for an instance. Raise `ArithmeticError` or `TypeError` if it gives nothing."""
    if isinstance(formula, Symbol):
        return formula.column[instance]
    if isinstance(formula, Spelled):
        return formula.value
    if isinstance(formula, Binary):
        return _OPERATORS[formula.sign](evaluate(formula.left, instance), evaluate(formula.right, instance))
    return formula


def column_of(formula: Formula, count: int) -> tuple[Any, ...] | None:
    """Return what a formula gives for each instance; None if it does not work for one of them."""
    try:
        return tuple([evaluate(formula, i) for i in range(count)])
    except (ArithmeticError, TypeError):
        return None


def confirmed(formula: Formula | None, column: tuple[Any, ...]) -> bool:
    """Return whether a formula gives the number of every instance."""
    found = None if formula is None else column_of(formula, len(column))
    return found is not None and all(map(same, found, column))


def is_constant(column: Sequence[Any]) -> bool:
    """Return whether all values of a column are the same."""
    first = column[0]
    kind = type(first)
    for value in column:
        if value is not first and (type(value) is not kind or value != first):
            return False
    return True


def same(a: Any, b: Any) -> bool:
    """Return whether two values are equal, and of one type: 1, 1.0 and true are three values."""
    return a is b or (type(a) is type(b) and bool(a == b))


def symbols(formula: Formula) -> Iterator[Symbol]:
    """Yield the symbols in a formula."""
    if isinstance(formula, Symbol):
        yield formula
    elif isinstance(formula, Binary):
        yield from symbols(formula.left)
        yield from symbols(formula.right)


def size_of(formula: Formula) -> int:
    """Return how many operators a formula has."""
    return 1 + size_of(formula.left) + size_of(formula.right) if isinstance(formula, Binary) else 0


def substitute(formula: Formula, known: Mapping[Symbol, Formula | None]) -> Formula | None:
    """Return a formula with others in place of its symbols; None if one of them is not known."""
    if isinstance(formula, Symbol):
        return known.get(formula)
    if isinstance(formula, Binary):
        left, right = substitute(formula.left, known), substitute(formula.right, known)
        return None if left is None or right is None else binary(formula.sign, left, right)
    return formula


def text_of(formula: Formula, names: Callable[[Symbol], str], binding: int = 0) -> str:
    """Return a formula as Python source, in parentheses if what is around it binds as tightly."""
    if isinstance(formula, Symbol):
        return names(formula)
    if isinstance(formula, Spelled):
        return formula.text
    if not isinstance(formula, Binary):
        return repr(formula) if formula >= 0 or binding == 0 else f"({formula!r})"
    own = _BINDING[formula.sign]
    left = own + 1 if formula.sign == "**" else own
    right = own if formula.sign in ("+", "*") and _chains(formula) else own + 1
    text = f"{text_of(formula.left, names, left)} {formula.sign} {text_of(formula.right, names, right)}"
    return f"({text})" if own < binding else text


def _chains(formula: Binary) -> bool:
    """Return whether the right operand needs no parentheses: `a + (b + c)` is `a + b + c`."""
    return isinstance(formula.right, Binary) and formula.right.sign == formula.sign


def parse(text: str, names: Callable[[str], Formula | None]) -> Formula | tuple[Formula | None, ...] | None:
    """Return the formula of an expression of a spec: numbers, names such as `width` and `x.c`, and arithmetic.

    A list gives a formula for each element, a range `a..b` for both ends. None if the text is something else, or if a name
    has no formula.
    """
    text = text.replace("^", "**")
    start, points, stop = text.partition("..")
    if points:
        text = f"[{start}, {stop}]"
    try:
        body = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return None
    if isinstance(body, ast.List):
        return tuple([_converted(item, text, names) for item in body.elts])
    return _converted(body, text, names)


def _converted(node: ast.expr, text: str, names: Callable[[str], Formula | None]) -> Formula | None:
    match node:
        case ast.Constant(value) if type(value) is float:
            return Spelled(value, ast.get_source_segment(text, node) or repr(value)) if text.isascii() else value
        case ast.Constant(value) if type(value) is int:
            return value
        case ast.Name(name):
            return names(name)
        case ast.Attribute(ast.Name(owner), name):
            return names(f"{owner}.{name}")
        case ast.Subscript(ast.Attribute(ast.Name(owner), "shape"), index):
            axis = _converted(index, text, names)
            return names(f"{owner}.shape[{axis}]") if isinstance(axis, int) else None
        case ast.UnaryOp(ast.USub(), operand):
            inner = _converted(operand, text, names)
            return None if inner is None else -number if (number := _value(inner)) is not None else binary("*", -1, inner)
        case ast.BinOp(first, sign, second) if type(sign) in _NODES:
            left, right = _converted(first, text, names), _converted(second, text, names)
            return None if left is None or right is None else _joined(_NODES[type(sign)], left, right)
    return None


def _joined(sign: str, left: Formula, right: Formula) -> Formula | None:
    """Return a formula as the spec has it. A power needs a known small exponent, so that nothing grows beyond bounds."""
    exponent = _value(right)
    if sign == "**" and (exponent is None or abs(exponent) > _LARGEST_EXPONENT):
        return None
    try:
        return binary(sign, left, right)
    except ArithmeticError:
        return None


def single(formula: Formula | tuple[Formula | None, ...] | None) -> Formula | None:
    """Return a formula of one number; None for a list of them."""
    return None if type(formula) is tuple else formula  # type: ignore[return-value]
