"""Comparisons of sizes that hold, or fail, for every value of their symbols."""

from __future__ import annotations

from typing import Any

from archdsl.shapes import Dim, symbols_of
from archdsl.size_bounds import lower_bound
from archdsl.sizes import ALL, compared, equal


def always_equal(left: Dim, right: Dim) -> bool | None:
    """Return whether two sizes are equal, of which one is symbolic; None if that depends on the symbols, or is not known."""
    if len(symbols_of(left, right)) == 1:
        where = equal(left, right)
        return True if where == ALL else None if where else False
    difference: Any = left - right
    if isinstance(difference, int):
        return difference == 0
    return False if _reaches(difference, 1) or _reaches(-difference, 1) else None


def always_ordered(sign: str, left: Dim, right: Dim) -> bool | None:
    """Return whether an order holds between sizes of which one is symbolic; None if that depends on the symbols."""
    if len(symbols_of(left, right)) == 1:
        where = compared(sign, left, right)
        return True if where == ALL else None if where else False
    high, low = (left, right) if sign in (">", ">=") else (right, left)
    return _reaches(high - low, 1 if sign in (">", "<") else 0)


def _reaches(size: Any, least: int) -> bool | None:
    """Return whether a size of several symbols is at least a number; None if that depends on the symbols, or is not known."""
    if isinstance(size, int):
        return size >= least
    every = dict.fromkeys(size.symbols, ALL)
    if lower_bound(size, every) >= least:
        return True
    return False if lower_bound(-size, every) > -least else None
