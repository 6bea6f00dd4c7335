"""Arithmetic and comparison of values, with what can go wrong in them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from archdsl.elaborate.values import Callee, bounded, length, problem, within
from archdsl.limits import Limits, remedy
from archdsl.literals import show, type_name
from archdsl.shapes import SizeError, SymbolicSize
from archdsl.sizes import ALL, compared, equal
from archdsl.source import Span
from archdsl.syntax import nodes as ast

COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "^": operator.pow,
}  # fmt: skip


_FIX: Final = "fix the size in `input`"


def compare(sign: str, left: Any, right: Any, span: Span) -> bool:
    """Compare two values. A symbolic size compares only with what it always or never equals."""
    if left.__class__ is int and right.__class__ is int:
        return COMPARE[sign](left, right)  # type: ignore[no-any-return]
    try:
        same = _equal(left, right) if sign in ("==", "!=") else None
        if same is not None:
            return same is (sign == "==")
        ordered = _ordered(sign, left, right)
        if ordered is not None:
            return ordered
    except SizeError as error:
        raise problem("E0307", str(error), span) from None
    symbols = " and ".join(dict.fromkeys([*_symbols(left), *_symbols(right)]))
    if symbols:
        message = f"whether `{span.text}` holds depends on {symbols}, which the input leaves open"
        raise problem("E0307", message, span, "fix the size in `input`, or decide by something that is known")
    for value in (left, right):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise problem("E0408", f"`{sign}` compares numbers, and {show(value)} is {type_name(value)}", span)
    return bool(COMPARE[sign](left, right))


def _ordered(sign: str, left: Any, right: Any) -> bool | None:
    """Return whether the order holds for every size of the input; None if that depends on it, or neither size is symbolic."""
    if sign in ("==", "!=") or any(isinstance(side, bool) or not isinstance(side, int | SymbolicSize) for side in (left, right)):
        return None
    if len({*_symbols(left), *_symbols(right)}) != 1:
        return None
    where = compared(sign, left, right)
    return True if where == ALL else None if where else False


def _equal(left: Any, right: Any) -> bool | None:
    """Return whether two values are equal; None if a symbolic size decides it. A range equals the list of its elements."""
    if isinstance(left, range) != isinstance(right, range) and all(isinstance(side, range | tuple) for side in (left, right)):
        if length(left) != length(right):
            return False
        left, right = tuple(left), tuple(right)
    if isinstance(left, tuple) and isinstance(right, tuple):
        items = [_equal(a, b) for a, b in zip(left, right, strict=False)]
        return False if len(left) != len(right) or False in items else None if None in items else True
    if isinstance(left, Callee) and isinstance(right, Callee):
        return left.target is right.target
    if not isinstance(left, SymbolicSize) and not isinstance(right, SymbolicSize):
        return bool(left == right)
    if any(isinstance(side, bool) or not isinstance(side, int | SymbolicSize) for side in (left, right)):
        return False
    if len({*_symbols(left), *_symbols(right)}) > 1:
        return None
    where = equal(left, right)
    return True if where == ALL else None if where else False


def _symbols(value: Any) -> list[str]:
    """Return the symbolic sizes in a value."""
    if isinstance(value, tuple):
        return [symbol for item in value for symbol in _symbols(item)]
    return [value.symbol] if isinstance(value, SymbolicSize) else []


def arithmetic(sign: str, left: Any, right: Any, e: ast.Expr, operand: ast.Expr, limits: Limits) -> Any:
    """Return the result of an operator. Raise `SpecError` if it has none."""
    plain = left.__class__ is int and right.__class__ is int
    for value in () if plain else (left, right):
        if isinstance(value, bool) or not isinstance(value, int | float | SymbolicSize):
            if sign == "+" and isinstance(left, tuple) and isinstance(right, tuple):
                return within(bounded, left + right, limits, e.span)
            raise problem("E0408", f"`{sign}` takes numbers, and {show(value)} is {type_name(value)}", e.span)
    if sign in ("/", "//", "%") and isinstance(right, int | float) and right == 0:
        raise problem("E0405", f"division by zero: {show(left)} {sign} {show(right)}", operand.span)
    if not plain or sign == "/" or (sign == "^" and right < 0):
        return _careful(sign, left, right, e)
    result = _ARITHMETIC[sign](left, right)
    if result.bit_length() > limits.integer_bits:
        raise problem("E0409", f"this number has more than {limits.integer_bits} bits", e.span, remedy("integer_bits"))
    return result


def _careful(sign: str, left: Any, right: Any, e: ast.Expr) -> Any:
    """Return the result for floats and symbolic sizes, with which more can go wrong."""
    opened = isinstance(left, SymbolicSize) or isinstance(right, SymbolicSize)
    if opened and sign == "^":
        raise problem("E0307", "a power with an open size is not linear in it", e.span, _FIX)
    if opened and (sign == "/" or isinstance(left, float) or isinstance(right, float)):
        message = f"`{sign}` of an open size is not a whole number for every size"
        raise problem("E0307", message, e.span, f"use `//`, or {_FIX}" if sign == "/" else _FIX)
    try:
        result = _ARITHMETIC[sign](left, right)
    except SizeError as error:
        two = isinstance(left, SymbolicSize) and isinstance(right, SymbolicSize) and left.symbol != right.symbol
        message = f"`{e.span.text}` depends on two open sizes, {left.symbol} and {right.symbol}" if two else str(error)
        help = "give both one name, `[3, N, N]`, or fix one in `input`" if two else _FIX
        raise problem("E0307", message, e.span, help) from None
    except (OverflowError, ZeroDivisionError) as error:
        raise problem(
            "E0405" if isinstance(error, ZeroDivisionError) else "E0409",
            f"{show(left)} {sign} {show(right)} has no value",
            e.span,
        ) from None
    if isinstance(result, complex) or result != result or result in (float("inf"), float("-inf")):
        raise problem("E0408", f"{show(left)} {sign} {show(right)} is not a real number", e.span)
    return result


def part_of(base: tuple[Any, ...] | range, part: range, span: Span) -> Any:
    """Return the elements of a list in a range of places: `layers[0..i]`."""
    if part.start < 0 or part.stop > length(base) or part.start > part.stop:
        raise problem(
            "E0407",
            f"the part {part.start}..{part.stop} of a list of {length(base)}",
            span,
            "a part is `from..to`, without `to` itself, and both count from the start of the list",
        )
    return base[part.start : part.stop]
