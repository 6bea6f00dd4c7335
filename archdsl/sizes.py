"""Sets of sizes, exactly: for which values of an open size a network works.

Every condition that a network puts on an open size compares two quasi-linear functions (see `shapes`).
For a common period and one remainder both are linear in the quotient, so an equation holds always, never
or once, and an inequality from one point on, up to one point, always or never. Such a set is therefore,
for each remainder, everything from some size on or nothing, and finitely many sizes besides; and the sets
of this form are closed under intersection, union and complement. So what a network demands is decided,
not tried. (These are the sets definable in Presburger arithmetic with one variable: Presburger 1929.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import gcd, lcm

from archdsl.shapes import MAX_PERIOD, Dim, OpenSize, SizeError

MAX_POINTS = 1 << 20
"""The most single sizes that a set is computed with."""


@dataclass(frozen=True, slots=True)
class SizeSet:
    """All `n >= 1` with `n >= least[n % len(least)]`, and the `points`; a remainder without a least size is out."""

    least: tuple[int | None, ...]
    points: frozenset[int] = frozenset()

    def __contains__(self, n: int) -> bool:
        start = self.least[n % len(self.least)]
        return n >= 1 and ((start is not None and n >= start) or n in self.points)

    def __bool__(self) -> bool:
        """Whether any size is in it."""
        return bool(self.points) or any(start is not None for start in self.least)

    def __and__(self, other: SizeSet) -> SizeSet:
        """What is in both."""
        return self._combine(other, lambda a, b: a and b)

    def __or__(self, other: SizeSet) -> SizeSet:
        """What is in one of them."""
        return self._combine(other, lambda a, b: a or b)

    def __invert__(self) -> SizeSet:
        """What is not in it."""
        return self._combine(ALL, lambda a, _: not a)

    def __le__(self, other: SizeSet) -> bool:
        """Whether everything in it is in the other."""
        return not self & ~other

    def smallest(self) -> int:
        """The least size in it; the set must not be empty."""
        return min([*self.points, *(start for start in self.least if start is not None)])

    def _combine(self, other: SizeSet, rule: Callable[[bool, bool], bool]) -> SizeSet:
        """The set of `n` with `rule(n in self, n in other)`: settled by remainder beyond the last exception."""
        period = lcm(len(self.least), len(other.least))
        if period > MAX_PERIOD:
            raise SizeError(f"the sizes that work repeat only after {period}, over the limit of {MAX_PERIOD}")
        bound = max(self._settled, other._settled)
        if bound > MAX_POINTS:
            raise SizeError(f"what works is settled only from {bound} on, over the limit of {MAX_POINTS}")
        later = [bound + (r - bound) % period for r in range(period)]
        least = [n if rule(n in self, n in other) else None for n in later]
        return _canonical(least, (n for n in range(1, bound) if rule(n in self, n in other)))

    @property
    def _settled(self) -> int:
        """From here on the remainder alone decides."""
        return max([1, *(p + 1 for p in self.points), *(start for start in self.least if start is not None)])

    def __str__(self) -> str:
        """The set as words that follow a symbol: `at least 29`, `a multiple of 16`."""
        return describe(self)


def _canonical(least: list[int | None], points: Iterable[int]) -> SizeSet:
    """The same set with each remainder as early as its points allow, at the smallest period."""
    period = len(least)
    left = set(points)
    starts: list[int | None] = []
    for start in least:
        while start is not None and start - period in left:
            start -= period
            left.discard(start)
        starts.append(start)
    for smaller in (p for p in range(1, period) if period % p == 0):
        reduced = _at_period(starts, smaller)
        if reduced is not None:
            return SizeSet(reduced, frozenset(left))
    return SizeSet(tuple(starts), frozenset(left))


def _at_period(starts: list[int | None], period: int) -> tuple[int | None, ...] | None:
    """The least sizes at a smaller period, where that says the same."""
    found: list[int | None] = []
    for r in range(period):
        group = starts[r::period]
        given = [start for start in group if start is not None]
        if given and len(given) < len(group):
            return None
        first = min(given, default=None)
        expected = {first + period * k for k in range(len(group))} if first is not None else set()
        if given and set(given) != expected:
            return None
        found.append(first)
    return tuple(found)


ALL = SizeSet((1,))
NONE = SizeSet((None,))


def equal(left: Dim, right: Dim) -> SizeSet:
    """Where two functions of one symbol are equal."""
    return _where(left - right, zero=True)


def at_least(size: Dim, least: int) -> SizeSet:
    """Where a function is at least a number."""
    return _where(size - least, zero=False)


def _where(difference: Dim, *, zero: bool) -> SizeSet:
    """Where a function is zero, or where it is not negative."""
    if isinstance(difference, int):
        return ALL if difference == 0 or (difference > 0 and not zero) else NONE
    period, slope = len(difference.offsets), difference.slope
    least: list[int | None] = [None] * period
    points: list[int] = []
    for r, offset in enumerate(difference.offsets):
        first = r if r else period
        if slope == 0:
            least[r] = first if offset == 0 or (offset > 0 and not zero) else None
        elif zero:
            q, rest = divmod(-offset, slope)
            points += [period * q + r] if rest == 0 and period * q + r >= 1 else []
        elif slope > 0:
            least[r] = max(first, period * -(offset // slope) + r)
        else:
            points += _counted(n for n in range(first, period * (offset // -slope) + r + 1, period))
    return _canonical(least, points)


def _counted(numbers: Iterator[int]) -> list[int]:
    found = []
    for n in numbers:
        found.append(n)
        if len(found) > MAX_POINTS:
            raise SizeError(f"more than {MAX_POINTS} single sizes would have to be told apart")
    return found


def describe(sizes: SizeSet) -> str:
    """The set as words that follow a symbol and "must be"."""
    if not sizes:
        return "nothing: no size works"
    missing = ~sizes
    if len(missing.points) <= 8 and not any(start is not None for start in missing.least) and missing.points != frozenset(range(1, len(missing.points) + 1)):
        return f"anything but {_listed(sorted(missing.points))}"
    period = len(sizes.least)
    residues = [r for r, start in enumerate(sizes.least) if start is not None]
    starts = [start for start in sizes.least if start is not None]
    points = sorted(sizes.points)
    if not residues:
        if points == list(range(1, points[-1] + 1)):
            return f"at most {points[-1]}"
        return f"one of {_listed(points)}" if len(points) > 1 else str(points[0])
    first = min(starts)
    holes = [n for n in range(first, max(starts) + 1) if n not in sizes and n % period in residues]
    if period == 1:
        text = f"at least {first}" if first > 1 else "anything"
    elif residues == [0]:
        text = f"a multiple of {period}" + (f", at least {first}" if first > period else "")
    elif len(residues) == 1:
        text = f"{residues[0]} more than a multiple of {period}" + (f", at least {first}" if first > residues[0] else "")
    else:
        text = f"{_listed(residues)} over a multiple of {period}" + (f", at least {first}" if first > min(r or period for r in residues) else "")
    if holes:
        text += f", and not {_listed(holes)}"
    extra = [p for p in points if p not in holes]
    return text + (f", or {_listed(extra)}" if extra else "")


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:8])) + (", ..." if len(numbers) > 8 else "")


def simplified(size: Dim, sizes: SizeSet) -> str:
    """A size as a formula that is right for these sizes: `H/16` for `floor(H/16)` where H is a multiple of 16."""
    if isinstance(size, int) or len(size.offsets) == 1:
        return str(size)
    period = lcm(len(size.offsets), len(sizes.least))
    slope, scale = size.slope, len(size.offsets)
    residues = [r for r in range(period) if sizes.least[r % len(sizes.least)] is not None]
    shifts = {size.at(r) * scale - slope * r for r in residues}
    if len(shifts) != 1 or any(p not in SizeSet(sizes.least) and size.at(p) * scale - slope * p not in shifts for p in sizes.points):
        return str(size)
    return _linear(size.symbol, slope, scale, shifts.pop())


def _linear(symbol: str, slope: int, scale: int, shift: int) -> str:
    """`(slope * n + shift) / scale`, in lowest terms where the shift allows it."""
    common = gcd(slope, shift, scale)
    slope, shift, scale = slope // common, shift // common, scale // common
    whole, rest = divmod(shift, scale)
    top = symbol if slope == 1 else f"{slope}*{symbol}"
    if rest:
        return f"({top} {'+' if shift > 0 else '-'} {abs(shift)})/{scale}"
    text = top if scale == 1 else f"{top}/{scale}"
    return text + (f" + {whole}" if whole > 0 else f" - {-whole}" if whole < 0 else "")
