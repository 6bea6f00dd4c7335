"""Exact sets of sizes: the values of a symbolic size for which a network is valid.

Every condition of a network on a symbolic size compares two quasi-linear functions (see `shapes`). For a
common period and one remainder, both are linear in the quotient. An equation then holds always, never or
once, and an inequality from one point on, up to one point, always or never. For each remainder, the set of
solutions is therefore everything from some size on, or nothing, and finitely many other sizes. Sets of this
form are closed under intersection, union and complement, so that the conditions are decided exactly, without
trying sizes. (They are the sets definable in Presburger arithmetic with one variable: Presburger 1929; that
they are eventually periodic: Ginsburg & Spanier 1966.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from itertools import chain, pairwise
from math import gcd, lcm

from archdsl.frozen_record import record
from archdsl.limits import remedy
from archdsl.session import Session
from archdsl.shapes import Dim, LinearSize, SizeError, SymbolicSize, smallest_period
from archdsl.size_formulas import formula, linear_text


@record
class SizeSet:
    """All `n >= 1` with `n >= least[n % len(least)]`, and the `points`; a remainder without a least size is out.

    Build sets with `equal`, `at_least` and the operators, which return the canonical form: the smallest period of the members
    among large sizes, and the earliest possible start for each remainder. Equal sets therefore compare equal.

    Like a symbolic size, a set carries its session, whose limits and caches the operators use; `ALL` and `NONE` have none.
    """

    least: tuple[int | None, ...]
    points: frozenset[int] = frozenset()
    session: Session | None = field(default=None, compare=False, repr=False)

    def __eq__(self, other: object) -> bool:
        return self.least == other.least and self.points == other.points if isinstance(other, SizeSet) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.least, self.points))

    def __contains__(self, n: int) -> bool:
        start = self.least[n % len(self.least)]
        return n >= 1 and ((start is not None and n >= start) or n in self.points)

    def __bool__(self) -> bool:
        """Return whether any size is in the set."""
        return bool(self.points) or any(start is not None for start in self.least)

    def __len__(self) -> int:
        """Return how many numbers represent the set."""
        return len(self.least) + len(self.points)

    def __and__(self, other: SizeSet) -> SizeSet:
        """Return the intersection."""
        return _session(self, other).cached(_intersection, self, other)

    def __or__(self, other: SizeSet) -> SizeSet:
        """Return the union."""
        return _session(self, other).cached(_union, self, other)

    def __invert__(self) -> SizeSet:
        """Return the complement."""
        return _session(self, self).cached(_complement, self)

    def __le__(self, other: SizeSet) -> bool:
        """Return whether the set is a subset of the other."""
        return self & other == self

    @property
    def is_finite(self) -> bool:
        """Whether the set is finite."""
        return all(start is None for start in self.least)

    def first_outside(self, other: SizeSet) -> int | None:
        """Return the least size in the set that is not in the other; None if it is a subset."""
        if self <= other:
            return None
        near = next((n for n in range(1, 2 * _session(self, other).limits.period) if n in self and n not in other), None)
        return near if near is not None else (self & ~other).smallest()

    def smallest(self) -> int:
        """Return the least size in the set, which must not be empty."""
        return min([*self.points, *(start for start in self.least if start is not None)])


ALL = SizeSet((1,))
NONE = SizeSet((None,))


def equal(left: Dim, right: Dim) -> SizeSet:
    """Return the sizes at which two functions of one symbol are equal."""
    difference = left - right
    if isinstance(difference, int):
        return NONE if difference else ALL
    if not isinstance(difference, LinearSize):
        return _where(difference, (0,))
    return difference.session.cached(_zeros, difference.slope, difference.offsets, difference.session)


def at_least(size: Dim, least: int) -> SizeSet:
    """Return the sizes at which a function is at least a number."""
    difference = size - least
    if isinstance(difference, int):
        return ALL if difference >= 0 else NONE
    if not isinstance(difference, LinearSize):
        return _where(difference, (0, 1))
    return difference.session.cached(_not_negative, difference.slope, difference.offsets, difference.session)


def compared(sign: str, left: Dim, right: Dim) -> SizeSet:
    """Return the sizes at which a comparison of two functions of one symbol holds."""
    if sign in ("==", "!="):
        same = equal(left, right)
        return same if sign == "==" else ~same
    high, low = (left, right) if sign in (">", ">=") else (right, left)
    return at_least(high - low, 1 if sign in (">", "<") else 0)


def _zeros(slope: int, offsets: tuple[int, ...], session: Session) -> SizeSet:
    """Return the sizes `n = P * q + r` at which `slope * q + offsets[r]` is zero."""
    period = len(offsets)
    if slope == 0:  # for each remainder always or never; sizes begin at 1, so that remainder 0 begins at the period
        return _canonical([(r or period) if offset == 0 else None for r, offset in enumerate(offsets)], (), session)
    # otherwise once at most for each remainder, at q = -offset / slope, if that is an integer
    solutions = ((r, *divmod(-offset, slope)) for r, offset in enumerate(offsets))
    return _canonical([None], (period * q + r for r, q, rest in solutions if rest == 0 and period * q + r >= 1), session)


def _not_negative(slope: int, offsets: tuple[int, ...], session: Session) -> SizeSet:
    """Return the sizes `n = P * q + r` at which `slope * q + offsets[r]` is zero or more."""
    period = len(offsets)
    if slope < 0:  # f >= 0 is the opposite of -f - 1 >= 0
        return ~_not_negative(-slope, tuple(-offset - 1 for offset in offsets), session)
    if slope == 0:
        return _canonical([(r or period) if offset >= 0 else None for r, offset in enumerate(offsets)], (), session)
    # from q = ceil(-offset / slope) on
    return _canonical([max(r or period, period * -(offset // slope) + r) for r, offset in enumerate(offsets)], (), session)


def _where(size: SymbolicSize, signs: tuple[int, ...]) -> SizeSet:
    """Return the sizes at which a polynomial of one symbol has one of these signs."""
    from archdsl.size_pieces import pieces, sign_runs  # here: most networks have none
    from archdsl.size_polynomials import terms_of

    if len(size.symbols) > 1:
        raise SizeError(f"{size} depends on {' and '.join(size.symbols)}, and each symbolic size has its own condition")
    table = pieces([(c, factors) for factors, c in terms_of(size).items()], size.symbols[0])
    period, points = len(table), list[Iterable[int]]()
    starts: list[int | None] = [None] * period
    for r, polynomial in enumerate(table):
        runs = sign_runs(polynomial, 0 if r else 1)
        for (first, sign), (end, _) in pairwise(runs):
            points.append(range(period * first + r, period * end + r, period) if sign in signs else ())
        first, sign = runs[-1]
        starts[r] = period * first + r if sign in signs else None
    return _canonical(starts, chain.from_iterable(points), size.session)


def _intersection(a: SizeSet, b: SizeSet) -> SizeSet:
    least = [None if x is None or y is None else x if x > y else y for x, y in _aligned_starts(a, b)]
    return _canonical(least, (n for n in chain(a.points, b.points) if n in a and n in b), _session(a, b))


def _union(a: SizeSet, b: SizeSet) -> SizeSet:
    least = [y if x is None else x if y is None or x < y else y for x, y in _aligned_starts(a, b)]
    return _canonical(least, chain(a.points, b.points), _session(a, b))


def _aligned_starts(a: SizeSet, b: SizeSet) -> Iterable[tuple[int | None, int | None]]:
    """Yield the starts of both sets for each remainder of a common period."""
    period, most = lcm(len(a.least), len(b.least)), _session(a, b).limits.period
    if period > most:
        raise SizeError(
            f"the sizes that work repeat only after {period:,} values, over the limit of {most:,}; {remedy('period')}"
        )
    return zip(_at_period(a.least, period), _at_period(b.least, period), strict=True)


def _complement(a: SizeSet) -> SizeSet:
    """Return the complement: a remainder that is out is in from its last point on; one that is in is out before its start."""
    # `last` is the greatest point of each remainder, or, if it has none, the number one period before its first size.
    # A remainder that is out of the set is in the complement from there on; `before` are the sizes below the
    # start, or up to the last point, of each remainder: those that are no points are points of the complement.
    period = len(a.least)
    last = [r - period for r in range(period)]
    for point in a.points:
        last[point % period] = max(last[point % period], point)
    least = [None if start is not None else after + period for start, after in zip(a.least, last, strict=True)]
    ends = (start if start is not None else after for start, after in zip(a.least, last, strict=True))
    before = chain.from_iterable(range(r or period, end, period) for r, end in enumerate(ends))
    starts = [n if n is None else max(n, 1) if n % period else n or period for n in least]
    return _canonical(starts, (n for n in before if n not in a.points), _session(a, a))


def _at_period(least: tuple[int | None, ...], period: int) -> list[int | None]:
    """Return the same starts for a multiple of their period."""
    if len(least) == period:
        return list(least)
    starts = least * (period // len(least))
    return [None if start is None else start + (r - start) % period for r, start in enumerate(starts)]


def period_limit(sizes: SizeSet) -> int:
    """Return the longest period that the limits of a set's session allow."""
    return _session(sizes, sizes).limits.period


def _session(a: SizeSet, b: SizeSet) -> Session:
    """Return the session that two sets belong to; a fresh one for sets without any."""
    return a.session or b.session or Session()


# Different starts and points can represent one set. The canonical form has the smallest period with which remainders are in or
# out for all large sizes. The finer remainders r, r + P, r + 2P, ... of one remainder r then form a group, whose starts may
# differ; `_start` merges them into one. Points at or above the start of their remainder are redundant.
def _canonical(least: list[int | None], points: Iterable[int], session: Session) -> SizeSet:
    """Return the canonical form of a set."""
    left = _counted(points, session)
    period = smallest_period([start is None for start in least])
    starts: list[int | None] = []
    for r in range(period):
        group = least[r::period]
        starts.append(None if group[0] is None else _start(group, left, period, session))
    kept = (n for n in left if (start := starts[n % period]) is None or n < start)
    return SizeSet(tuple(starts), frozenset(kept), session)


def _start(group: list[int | None], points: set[int], step: int, session: Session) -> int:
    """Return the size from which on every `step`-th size is in the set; add members below it to the points."""
    given = [start for start in group if start is not None]
    first, period = min(given), step * len(group)
    # If all starts are within one finer period from the first, nothing is missing from there on. It only remains to
    # go back over points that precede it without a gap.
    if len(given) == 1 or max(given) < first + period:
        start = first
        while start - step in points:
            start -= step
        return start
    # Otherwise everything is in from the last start on. Go back as long as each step is a point, or is in by the start of its
    # own finer remainder. What those starts contribute below the result becomes points.
    residues = {n % period: n for n in given}
    start = max(given)
    while start - step >= 1 and (start - step in points or start - step >= residues[(start - step) % period]):
        start -= step
    points |= _counted(chain.from_iterable(range(n, start, period) for n in given), session)
    return start


def _counted(numbers: Iterable[int], session: Session) -> set[int]:
    found: set[int] = set()
    for n in numbers:
        found.add(n)
        if len(found) > session.limits.single_sizes:
            raise SizeError(
                f"more than {session.limits.single_sizes:,} single sizes would have to be told apart; {remedy('single_sizes')}"
            )
    return found


def nearest(sizes: SizeSet, n: int) -> int | None:
    """Return the least size of a set from `n` on, else the greatest below it; None for an empty set."""
    above = [point for point in sizes.points if point >= n]
    period = len(sizes.least)
    above += [max(start, n + (r - n) % period) for r, start in enumerate(sizes.least) if start is not None]
    return min(above) if above else max(sizes.points, default=None)


def simplified(size: Dim, valid: Mapping[str, SizeSet]) -> str:
    """Return a size as a formula that is right for valid sizes: `H/16` for `floor(H/16)` if H is a multiple of 16."""
    if isinstance(size, LinearSize):
        linear = linear_over(size, valid[size.symbol])
        return str(size) if linear is None else linear_text(size.symbol, *linear)
    if isinstance(size, int):
        return str(size)
    from archdsl.size_polynomials import terms_of  # here: most networks have none

    return formula(terms_of(size), lambda factor: linear_over(factor, valid[factor.symbol]))


def linear_over(size: LinearSize, sizes: SizeSet) -> tuple[int, int, int] | None:
    """Return `slope, scale, shift` if a size is `(slope * n + shift) / scale` for these sizes; None if it is no such formula."""
    if len(size.offsets) == 1:
        return size.slope, 1, size.offsets[0]
    if sizes.is_finite:
        values = {size.at(n) for n in sizes.points}
        return (0, 1, values.pop()) if len(values) == 1 else None
    period = lcm(len(size.offsets), len(sizes.least))
    slope, scale = size.slope, len(size.offsets)
    residues = (n for r, start in enumerate(sizes.least) if start is not None for n in range(r, period, len(sizes.least)))
    shift: int | None = None
    for n in chain(residues, sizes.points):
        found = size.at(n) * scale - slope * n
        if shift is not None and found != shift:
            return None
        shift = found
    assert shift is not None
    common = gcd(slope, shift, scale)
    return slope // common, scale // common, shift // common
