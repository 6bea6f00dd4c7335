"""Bounds of sizes of several symbols, over a set of values for each symbol."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from math import lcm
from typing import Final, TypeAlias

from archdsl.shapes import Dim, LinearSize
from archdsl.size_polynomials import terms_of
from archdsl.sizes import SizeSet

Sets: TypeAlias = Mapping[str, SizeSet]

UNBOUNDED: Final = -(1 << 200)
"""Less than any size: the bound of what has none."""


def lower_bound(size: Dim, work: Sets) -> int:
    """Return a lower bound for sizes in these sets; `UNBOUNDED` if none is known."""
    if isinstance(size, int):
        return size
    if not all(work[symbol] for symbol in size.symbols):
        return UNBOUNDED
    total = 0
    for factors, c in terms_of(size).items():
        lows = [_extreme(factor, work[factor.symbol], low=c > 0 or len(factors) > 1) for factor in factors]
        if any(low is None for low in lows) or (len(factors) > 1 and (c < 0 or min(low or 0 for low in lows) < 0)):
            return UNBOUNDED
        total += c * reduce(lambda a, b: a * (b or 0), lows, 1)
    return total


def _extreme(size: LinearSize, sizes: SizeSet, *, low: bool) -> int | None:
    """Return the least or greatest value of a function over a set; None if there is none."""
    if not sizes.is_finite and (size.slope < 0 if low else size.slope > 0):
        return None
    period = lcm(len(size.offsets), len(sizes.least))
    if period > size.session.limits.period:
        return None
    starts = [n for start in sizes.least if start is not None for n in range(start, start + period, len(sizes.least))]
    values = [size.at(n) for n in (*sizes.points, *starts)]
    return min(values) if low else max(values)
