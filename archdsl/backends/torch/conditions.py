"""Sizes and sets of sizes as Python expressions: exact for every set, and short for simple ones.

PyTorch takes each truth that is asked for of a symbolic size for a guard, so a test that a good size may pass in several ways
is one truth (`(n != 4) & (n % 8 != 0)`): with `and` the guard would be that of the way which the first input passes. What
PyTorch 2.13 cannot turn round, several alternatives inside of `&`, has `and` all the same: it then compiles for each way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from math import gcd
from typing import NamedTuple, TypeAlias

from archdsl.shapes import Dim, LinearSize
from archdsl.size_polynomials import terms_of
from archdsl.sizes import SizeSet

_FEW = 8
"""So many numbers are listed rather than described."""
_MANY = 100
"""So many tests make one expression, which Python nests to the left."""
_SPAN = 1 << 18
"""Over how many sizes it is looked whether single ones repeat."""


class Compared(NamedTuple):
    """A comparison of a value with a number."""

    value: str
    sign: str
    number: int

    def __str__(self) -> str:
        return self.value if (self.sign, self.number) == ("!=", 0) else f"{self.value} {self.sign} {self.number}"


class Beyond(NamedTuple):
    """A test of whether a value is outside of a range."""

    first: int
    value: str
    last: int

    def __str__(self) -> str:
        return f"not {self.first} <= {self.value} <= {self.last}"


class OneOf(NamedTuple):
    """A test of whether a value is one of several numbers, or, if `absent`, none of them."""

    value: str
    numbers: tuple[int, ...]
    absent: bool = False

    def __str__(self) -> str:
        return f"{self.value} {'not in' if self.absent else 'in'} {list(self.numbers)}"


class AnyOf(NamedTuple):
    """A test of whether one of several tests holds."""

    tests: tuple[Test, ...]

    def __str__(self) -> str:
        return " or ".join(map(str, self.tests))


class AllOf(NamedTuple):
    """A test of whether all of several tests hold."""

    tests: tuple[Test, ...]

    def __str__(self) -> str:
        deep = [test for test in self.tests if not isinstance(test, Compared)]
        if len(deep) > 1 or not all(map(_is_flat, deep)):
            return " and ".join(f"({test})" if isinstance(test, AnyOf) else str(test) for test in self.tests)
        return " & ".join(map(_operand, self.tests))


Test: TypeAlias = Compared | Beyond | OneOf | AnyOf | AllOf
"""A condition; its text is what follows `if`."""


def any_of(tests: Iterable[Test]) -> Test:
    """Return one test that holds if one of these does."""
    flat = [part for test in tests for part in (test.tests if isinstance(test, AnyOf) else (test,))]
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))


def all_of(tests: Iterable[Test]) -> Test:
    """Return one test that holds if all of these do."""
    flat = [part for test in tests for part in (test.tests if isinstance(test, AllOf) else (test,))]
    return flat[0] if len(flat) == 1 else AllOf(tuple(flat))


def _is_flat(test: Test) -> bool:
    return not isinstance(test, AnyOf | AllOf) or all(isinstance(part, Compared | Beyond) for part in test.tests)


def _operand(test: Test) -> str:
    """Return a test as an operand of `&`, which binds more tightly than comparisons, and joins only truth values."""
    return f"({' | '.join(_alternatives(test))})" if isinstance(test, AnyOf | Beyond | OneOf) else _alternatives(test)[0]


def _alternatives(test: Test) -> list[str]:
    """Return the operands of `|`, in brackets."""
    match test:
        case Compared(value, sign, number):
            return [f"({value} {sign} {number})"]
        case Beyond(first, value, last):
            return [f"({value} < {first})", f"({value} > {last})"]
        case OneOf(value, numbers, absent) if not absent and len(numbers) <= _FEW:
            return [f"({value} == {number})" for number in numbers]
        case AnyOf(tests):
            return [text for part in tests for text in _alternatives(part)]
    return [f"({test})"]


def formula(size: Dim, symbols: Mapping[str, str]) -> str:
    """Return a size as an expression, given those of the symbolic sizes."""
    if isinstance(size, int):
        return str(size)
    if isinstance(size, LinearSize):
        return _quasi_linear(size, symbols[size.symbol])
    terms = []
    for factors, c in terms_of(size).items():
        factor_texts = [_bracketed(_quasi_linear(factor, symbols[factor.symbol])) for factor in factors]
        terms.append((c, " * ".join(factor_texts)))
    return _sum(terms)


def _quasi_linear(size: LinearSize, symbol: str) -> str:
    """Return a size as an expression of the symbolic one: a single floor if possible, else a sum of floors."""
    slope, offsets, period = size.slope, size.offsets, len(size.offsets)
    common = gcd(slope, *[offset - offsets[0] for offset in offsets])
    inner = [(offset - offsets[0]) // common for offset in offsets]
    least = max(period * offset - slope // common * r for r, offset in enumerate(inner))
    if least < period and all((slope // common * r + least) // period == offset for r, offset in enumerate(inner)):
        return _sum([(common, _floor(_sum([(slope // common, symbol), (least, "")]), period)), (offsets[0], "")])
    steps = [b - a for a, b in pairwise([*offsets, offsets[0] + slope])]
    ((usual, _),) = Counter(steps).most_common(1)
    jumps = [(step - usual, _floor(_sum([(1, symbol), (period - at, "")]), period)) for at, step in enumerate(steps, 1)]
    return _sum([(usual, symbol), *jumps, (offsets[0], "")])


def _floor(numerator: str, divisor: int) -> str:
    return numerator if divisor == 1 else f"{_bracketed(numerator)} // {divisor}"


def _bracketed(text: str) -> str:
    return f"({text})" if " " in text else text


def _sum(terms: list[tuple[int, str]]) -> str:
    """Return multiples of expressions, and of one, added up; in brackets by the hundred, since Python nests sums to the left."""
    texts = []
    for factor, text in terms:
        if factor:
            times = abs(factor)
            whole = (
                str(times)
                if not text
                else f"{times} * {_bracketed(text)}"
                if times > 1
                else text
                if factor > 0
                else _bracketed(text)
            )
            texts.append(f"+ {whole}" if factor > 0 else f"- {whole}")
    groups = [" ".join(texts[i : i + _MANY]).removeprefix("+ ") for i in range(0, len(texts), _MANY)]
    return groups[0] if len(groups) == 1 else " + ".join(f"({group})" for group in groups) or "0"


def outside(sizes: SizeSet, n: str) -> Test | None:
    """Return the test of whether a size is outside of the set; None if no size is."""
    starts = [start for start in sizes.least if start is not None]
    if len(starts) == len(sizes.least) == 1 and starts[0] - 1 - len(sizes.points) <= _FEW:
        missing = [size for size in range(1, starts[0]) if size not in sizes.points]
        if not missing:
            return None
        if len(missing) < starts[0] - 1:
            return Compared(n, "==", missing[0]) if len(missing) == 1 else OneOf(n, tuple(missing))
    tests = [_none_of(sorted(sizes.points), n)] if sizes.points else []
    return all_of([*tests, *(_from(start, residues, len(sizes.least), n) for start, residues in _levels(sizes.least))])


def _levels(least: tuple[int | None, ...]) -> list[tuple[int, set[int]]]:
    """Group remainders by where they start: those of a level are all in the set from one size on."""
    period, found = len(least), list[tuple[int, set[int]]]()
    for start in sorted(start for start in least if start is not None):
        if not found or start >= found[-1][0] + period:
            found.append((start, set()))
        found[-1][1].add(start % period)
    return found


def _from(start: int, residues: set[int], period: int, n: str) -> Test:
    """Return the test of whether a size has none of these remainders, or is too small."""
    tests = [] if len(residues) == period else [_not_modulo(residues, period, n)]
    if period == 1 or any(size % period in residues for size in range(1, min(start, period + 1))):
        tests.append(Compared(n, "<", start))
    return any_of(tests)


def _not_modulo(residues: set[int], period: int, n: str) -> Test:
    """Return the test of whether a size has none of these remainders, in the shortest of several forms."""
    others = set(range(period)) - residues
    ways = [_remainder(residues, period, n)]
    if factors := _factors(residues, period):
        ways.append(any_of(_remainder(kept, divisor, n) for divisor, kept in factors))
    if factors := _factors(others, period):
        ways.append(all_of(_remainder(set(range(divisor)) - kept, divisor, n) for divisor, kept in factors))
    return min(ways, key=lambda way: len(str(way)))


def _factors(residues: set[int], period: int) -> list[tuple[int, set[int]]]:
    """Return remainders modulo divisors of a period that together are equivalent; empty if there are none."""
    found: list[tuple[int, set[int]]] = []
    left = set(range(period))
    for divisor in range(2, period // 2 + 1):
        if period % divisor == 0:
            kept = {r % divisor for r in residues}
            narrower = {r for r in left if r % divisor in kept}
            if narrower != left:
                found, left = [*found, (divisor, kept)], narrower
    if left != residues:
        return []
    for factor in list(found):
        rest = [other for other in found if other is not factor]
        if {r for r in range(period) if all(r % divisor in kept for divisor, kept in rest)} == residues:
            found = rest
    return found


def _remainder(residues: set[int], period: int, n: str) -> Test:
    """Return the test of whether the remainder is none of these."""
    value, kept = f"{n} % {period}", sorted(residues)
    others = [r for r in range(period) if r not in residues]
    if len(others) == 1 and period > 2:
        return Compared(value, "==", others[0])
    if _is_run(kept):
        if kept[0] == 0 and len(kept) > 1:
            return Compared(value, ">", kept[-1])
        if kept[-1] == period - 1 and len(kept) > 1:
            return Compared(value, "<", kept[0])
        return Compared(value, "!=", kept[0]) if len(kept) == 1 else Beyond(kept[0], value, kept[-1])
    if _is_run(others):
        return all_of([Compared(value, ">=", others[0]), Compared(value, "<=", others[-1])])
    if len(kept) <= _FEW < len(others):
        return all_of(Compared(value, "!=", number) for number in kept)
    return OneOf(value, tuple(others))


def _none_of(points: list[int], n: str) -> Test:
    """Return the test of whether a size is none of these points."""
    if len(points) == 1:
        return Compared(n, "!=", points[0])
    if _is_run(points):
        return Beyond(points[0], n, points[-1])
    if len(points) <= _FEW:
        return all_of(Compared(n, "!=", point) for point in points)
    if period := _repeats(points):
        return any_of([Beyond(points[0], n, points[-1]), _not_modulo({point % period for point in points}, period, n)])
    if len(runs := _runs(points)) > _MANY:
        return OneOf(n, tuple(points), absent=True)
    return all_of(Beyond(first, n, last) if first != last else Compared(n, "!=", first) for first, last in runs)


def _repeats(points: list[int]) -> int:
    """Return the period of the pattern of the points, from the first to the last; 0 if it does not repeat twice."""
    first, span = points[0], points[-1] - points[0] + 1
    if span > _SPAN:
        return 0
    inside = bytearray(span)
    for point in points:
        inside[point - first] = 1
    border, borders = 0, [0] * span  # Knuth, Morris & Pratt 1977: the longest prefix that ends here, too
    for i in range(1, span):
        while border and inside[i] != inside[border]:
            border = borders[border - 1]
        border += inside[i] == inside[border]
        borders[i] = border
    period = span - borders[-1]
    return period if 2 * period <= span else 0


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Return the first and the last of each run of consecutive numbers."""
    breaks = [i for i, (a, b) in enumerate(pairwise(numbers), 1) if b != a + 1]
    return [(numbers[a], numbers[b - 1]) for a, b in pairwise([0, *breaks, len(numbers)])]


def _is_run(numbers: list[int]) -> bool:
    return numbers[-1] - numbers[0] == len(numbers) - 1
