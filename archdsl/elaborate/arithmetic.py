"""Arithmetic and comparison of values, with what can go wrong in them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.elaborate.values import Callee, bounded, length, within
from archdsl.limits import Limits
from archdsl.literals import show
from archdsl.shapes import LinearSize, SizeError, SymbolicSize
from archdsl.source import Span
from archdsl.syntax import nodes as ast

COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "^": operator.pow,
}  # fmt: skip
_NUMBERS: Final = frozenset({int, float})
"""The classes of what is no bool and no symbolic size."""


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
        raise SpecError(codes.symbolic_sizes.NoFormula(str(error)).at(span)) from None
    symbols = list(dict.fromkeys([*_symbols(left), *_symbols(right)]))
    if symbols:
        raise SpecError(codes.symbolic_sizes.UndecidedComparison(span.text, symbols).at(span))
    for value in (left, right):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SpecError(codes.expressions.NotANumber(sign, value).at(span))
    return bool(COMPARE[sign](left, right))


def _ordered(sign: str, left: Any, right: Any) -> bool | None:
    """Return whether the order holds for every size of the input; None if that depends on it, or neither size is symbolic."""
    if sign in ("==", "!=") or any(isinstance(side, bool) or not isinstance(side, int | SymbolicSize) for side in (left, right)):
        return None
    if not isinstance(left, SymbolicSize) and not isinstance(right, SymbolicSize):
        return None
    from archdsl.size_comparison import always_ordered  # here: most networks have fixed sizes

    return always_ordered(sign, left, right)


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
    from archdsl.size_comparison import always_equal  # here: most networks have fixed sizes

    return always_equal(left, right)


def _symbols(value: Any) -> list[str]:
    """Return the symbolic sizes in a value."""
    if isinstance(value, tuple):
        return [symbol for item in value for symbol in _symbols(item)]
    return list(value.symbols) if isinstance(value, SymbolicSize) else []


def arithmetic(sign: str, left: Any, right: Any, e: ast.Expr, operand: ast.Expr, limits: Limits) -> Any:
    """Return the result of an operator. Raise `SpecError` if it has none."""
    numbers = left.__class__ in _NUMBERS and right.__class__ in _NUMBERS
    for value in () if numbers else (left, right):
        if isinstance(value, bool) or not isinstance(value, int | float | SymbolicSize):
            if sign == "+" and isinstance(left, tuple) and isinstance(right, tuple):
                return within(bounded, left + right, limits, e.span)
            raise SpecError(codes.expressions.NotANumber(sign, value).at(e.span))
    if sign in ("/", "//", "%") and right.__class__ in _NUMBERS and right == 0:
        raise SpecError(codes.expressions.DivisionByZero(left, sign, right).at(operand.span))
    whole = left.__class__ is int and right.__class__ is int
    if not whole or sign == "/" or (sign == "^" and right < 0):
        return _careful(sign, left, right, e, opened=not numbers)
    result = _ARITHMETIC[sign](left, right)
    if result.bit_length() > limits.integer_bits:
        raise SpecError(codes.magnitudes.IntegerTooLarge("this number", limits.integer_bits).at(e.span))
    return result


def power(base: Any, exponent: Any, e: ast.Chain, limits: Limits) -> Any:
    """Return a power, unless it would have far more bits than a number may have."""
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and abs(base) > 1 and exponent * base.bit_length() > 2 * limits.integer_bits:
        raise SpecError(codes.magnitudes.IntegerTooLarge(f"`{base}^{exponent}`", limits.integer_bits).at(e.span))
    return arithmetic("^", base, exponent, e, e.operands[1], limits)


def _careful(sign: str, left: Any, right: Any, e: ast.Expr, *, opened: bool) -> Any:
    """Return the result for floats and, if `opened`, for symbolic sizes, with which more can go wrong."""
    if opened and sign == "^":
        from archdsl.size_polynomials import MOST_FACTORS  # here: most networks have fixed sizes

        if right.__class__ is not int or not 0 <= right <= MOST_FACTORS:
            raise SpecError(codes.symbolic_sizes.SymbolicPower().at(e.span))
    if opened and (sign == "/" or isinstance(left, float) or isinstance(right, float)):
        raise SpecError(codes.symbolic_sizes.FractionalSize(sign).at(e.span))
    try:
        result = _ARITHMETIC[sign](left, right)
    except SizeError as error:
        raise SpecError(_no_formula(error, left, right, e.span.text).at(e.span)) from None
    except ZeroDivisionError:
        raise SpecError(codes.expressions.DivisionByZero(left, sign, right).at(e.span)) from None
    except OverflowError:
        raise SpecError(codes.magnitudes.ResultTooLarge(f"{show(left)} {sign} {show(right)}").at(e.span)) from None
    if isinstance(result, complex) or result != result or result in (float("inf"), float("-inf")):
        raise SpecError(codes.expressions.NotReal(left, sign, right).at(e.span))
    return result


def _no_formula(error: SizeError, left: Any, right: Any, text: str) -> Diagnostic:
    if isinstance(left, LinearSize) and isinstance(right, LinearSize) and left.symbol != right.symbol:
        return codes.symbolic_sizes.TwoSymbolicSizes(text, left.symbol, right.symbol)
    return codes.symbolic_sizes.NoFormula(str(error))


def part_of(base: tuple[Any, ...] | range, part: range, span: Span) -> Any:
    """Return the elements of a list in a range of places: `layers[0..i]`, `layers[0..8 by 2]`."""
    if part.step < 0:
        return part_of(base, part[::-1], span)[::-1]
    stop = part.stop if part.step == 1 or not part else part[-1] + 1
    if part.start < 0 or stop > length(base) or part.start > stop:
        raise SpecError(codes.expressions.PartOutOfRange(part, length(base)).at(span))
    return base[part.start : stop : part.step]
