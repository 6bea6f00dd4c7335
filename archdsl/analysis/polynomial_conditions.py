"""Conditions on sizes that depend on several symbols, such as `H*W`, as conditions on each symbol.

Each symbolic size has its own set of valid values, so a condition that relates two of them has no place. Four rules
decide those that occur in practice, exactly:

* A lower bound that follows from the conditions so far holds: `H*W + 1` is at least 1.
* A product of factors that are never negative is at least one if each factor is, and at least two if one of them is, too.
* Two products are equal if their parts are, symbol by symbol, provided that none of them is larger on one side and smaller
  on the other: `H*W = 49*floor(H/7)*floor(W/7)` if `H = 7*floor(H/7)` and `W = 7*floor(W/7)`.
* A prime divides a product if it divides a part: a coupling.

A size that stretches must be one or equal to another; where one kind never holds, the other is what is needed.

If none applies, the condition may hold for all sizes that the input states; the stated condition is then what is needed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from fractions import Fraction
from math import gcd, prod

from archdsl.shapes import Dim, LinearSize, SizeError, Stretch, symbolic_size, symbols_of
from archdsl.size_bounds import Sets, lower_bound
from archdsl.size_formulas import formula
from archdsl.size_pieces import Factors
from archdsl.size_polynomials import Terms, terms_of
from archdsl.sizes import NONE, SizeSet, at_least, equal

Meets = list[dict[str, SizeSet]]
"""Conditions that all have to hold: of each, one symbol has to be in its set."""


class Undecided(SizeError):
    """A condition that relates symbolic sizes; `advice` is what to state."""

    def __init__(self, message: str, advice: str | None = None) -> None:
        super().__init__(message)
        self.advice = advice


def large_enough(sizes: tuple[Dim, ...], least: int, work: Sets, stated: Sets) -> Meets:
    """Return when one of these sizes is at least a number, given the sets so far. Raise `SizeError` if it is not decided."""
    if any(lower_bound(size, work) >= least for size in sizes):
        return []
    symbols = symbols_of(*sizes)
    if len(sizes) == 1:
        ((factors, coefficient), left) = _leading(terms_of(sizes[0]))
        parts = _parts(factors)
        if left is not None and all(lower_bound(part, work) >= 0 for part in parts.values()):
            product = -((left - least) // coefficient)
            each = [{symbol: at_least(part, 1)} for symbol, part in parts.items()]
            if product in (1, 2):
                return each if product == 1 else [*each, {symbol: at_least(part, 2) for symbol, part in parts.items()}]
    elif all(len(symbols_of(size)) == 1 for size in sizes):
        found: dict[str, SizeSet] = {}
        for size in sizes:
            (symbol,) = symbols_of(size)
            found[symbol] = found.get(symbol, NONE) | at_least(size, least)
        return [found]
    meets = _stated(symbols, work, stated, lambda sets: any(lower_bound(size, sets) >= least for size in sizes))
    if meets is not None:
        return meets
    needed = " or ".join(_at_least(size, least) for size in sizes)
    raise Undecided(f"{needed} here, {_unrelated(symbols)}", _advice(sizes, least, symbols))


def divisible(size: Dim, divisor: int, work: Sets, stated: Sets) -> Meets:
    """Return when a number divides a size. Raise `SizeError` if it is not decided."""
    (factors, coefficient), left = _leading(terms_of(size))
    parts = _parts(factors)
    divisor_left = divisor // gcd(divisor, coefficient)
    if left is not None and left % divisor == 0 and all(isinstance(part, LinearSize) for part in parts.values()):
        if divisor_left == 1:
            return []
        sets = {symbol: equal(part % divisor_left, 0) for symbol, part in parts.items()}
        if any(work[symbol] <= within for symbol, within in sets.items()):
            return []
        if all(divisor_left % k for k in range(2, divisor_left)):
            return [sets]
        enough = [symbol for symbol, within in sets.items() if symbol in stated and stated[symbol] <= within]
        if enough:
            return [{enough[0]: stated[enough[0]]}]
    symbols = symbols_of(size)
    advice = f"state a condition on one of them: `where {symbols[0]} % {divisor} == 0`"
    raise Undecided(f"{size} has to be a multiple of {divisor} here, {_unrelated(symbols)}", advice)


def stretched_sizes(left: Dim, right: Dim, stretch: Stretch, work: Sets, stated: Sets) -> Meets:
    """Return when two sizes are equal, or one that may stretch is one. Raise `SizeError` if it is not decided.

    Where the right one stretches, the result has another size than is said, so that this must not happen.
    """
    if _is_one(left, work):
        return []
    never = lower_bound(left, work) > 1
    try:
        one = [{}] if never else equal_sizes(left, 1, work)
        if stretch == "left" or lower_bound(right, work) > 1:
            return _either(one, equal_sizes(left, right, work), work)
    except Undecided:
        if never:
            raise
    symbols = symbols_of(left, right)
    meets = _stated(symbols_of(left), work, stated, lambda sets: _is_one(left, sets))
    if meets is not None:
        return meets
    needed = f"{left} has to be equal to {right} here, or {'' if stretch == 'left' else 'one of them '}1"
    raise Undecided(f"{needed}, {_unrelated(symbols)}")


def _is_one(size: Dim, sets: Sets) -> bool:
    """Return whether a size is one wherever its symbols are in these sets."""
    return lower_bound(size - 1, sets) >= 0 and lower_bound(1 - size, sets) >= 0


def _either(some: Meets, others: Meets, work: Sets) -> Meets:
    """Return the conditions that hold where all of the one kind do, or all of the other: each joined with each."""
    found = []
    for one in some:
        for other in others:
            sets = {symbol: one.get(symbol, NONE) | other.get(symbol, NONE) for symbol in (*one, *other)}
            possible = {symbol: sizes for symbol, sizes in sets.items() if sizes & work[symbol]}
            found.append(possible or dict(list(sets.items())[:1]))
    return found


def equal_sizes(left: Dim, right: Dim, work: Sets) -> Meets:
    """Return when two sizes are equal. Raise `SizeError` if it is not decided."""
    symbols = symbols_of(left, right)
    difference = left - right
    if isinstance(difference, int):
        return [{symbols[0]: NONE}] if difference else []
    if len(difference.symbols) == 1:
        return [{difference.symbols[0]: equal(left - right, 0)}]
    if lower_bound(difference, work) > 0 or lower_bound(-difference, work) > 0:
        return [{symbols[0]: NONE}]
    terms = {**terms_of(left)}
    for factors, c in terms_of(right).items():
        terms[factors] = terms.get(factors, 0) - c
    pairs = [(c, factors) for factors, c in terms.items() if c]
    if len(pairs) == 2 and pairs[0][0] * pairs[1][0] < 0 and all(factors for _, factors in pairs):
        one, other = [(abs(c), factors) for c, factors in pairs]
        meets = _equal_products(one, other, work)
        if meets is not None:
            return meets
    raise Undecided(f"{left} has to be equal to {right} here, {_unrelated(symbols)}")


def _unrelated(symbols: tuple[str, ...]) -> str:
    return f"and no condition can relate {symbols[0]} to {' and '.join(symbols[1:])}"


def _at_least(size: Dim, least: int) -> str:
    """Return that a size is at least a number, as a comparison without negative terms: `W has to be at least H`."""
    terms = terms_of(size)
    larger = {factors: c for factors, c in terms.items() if factors and c > 0}
    smaller = {factors: -c for factors, c in terms.items() if factors and c < 0}
    number = least - terms.get((), 0)
    if not smaller:
        return f"{formula(larger)} has to be at least {number}"
    if not larger:
        return f"{formula(smaller)} has to be at most {-number}"
    return f"{formula(larger)} has to be at least {formula(smaller | ({(): number} if number else {}))}"


def _equal_products(left: tuple[int, Factors], right: tuple[int, Factors], work: Sets) -> Meets | None:
    """Return when two products are equal; None if that relates their symbols."""
    ours, theirs = _parts(left[1]), _parts(right[1])
    if any(lower_bound(part, work) < 1 for part in (*ours.values(), *theirs.values())):
        return None
    sides = {symbol: (ours.get(symbol, 1), theirs.get(symbol, 1)) for symbol in {**ours, **theirs}}
    sides = {symbol: (mine, other) for symbol, (mine, other) in sides.items() if mine != other}
    if len(sides) == 1:
        ((symbol, (mine, other)),) = sides.items()
        return [{symbol: equal(left[0] * mine, right[0] * other)}]
    if _exceeds(left[0], right[0], sides.values(), work) or _exceeds(
        right[0], left[0], [(b, a) for a, b in sides.values()], work
    ):
        return [{next(iter(sides)): NONE}]
    # Share the coefficients among the symbols, so that both sides grow alike: 49 is 7 for H and 7 for W.
    growths = {symbol: _growth(mine) / _growth(other) for symbol, (mine, other) in sides.items()}
    if prod(growths.values(), start=Fraction(left[0], right[0])) != 1:
        return None
    pairs = {symbol: (sides[symbol][0] * k.denominator, sides[symbol][1] * k.numerator) for symbol, k in growths.items()}
    if all(lower_bound(mine - other, work) >= 0 for mine, other in pairs.values()) or all(
        lower_bound(other - mine, work) >= 0 for mine, other in pairs.values()
    ):
        return [{symbol: equal(mine, other)} for symbol, (mine, other) in pairs.items()]
    return None


def _exceeds(coefficient: int, other: int, sides: Iterable[tuple[Dim, Dim]], work: Sets) -> bool:
    """Return whether a product is always larger than another, because each part is at least as large."""
    margins = [lower_bound(mine - theirs, work) for mine, theirs in sides]
    return coefficient >= other and min(margins) >= 0 and (coefficient > other or max(margins) > 0)


def _growth(part: Dim) -> Fraction:
    """Return the leading coefficient of a product of functions that grow."""
    if isinstance(part, int):
        return Fraction(part)
    (factors, coefficient), _ = _leading(terms_of(part))
    return coefficient * prod([Fraction(f.slope or 1, len(f.offsets)) for f in factors], start=Fraction(1))


def _leading(terms: Terms) -> tuple[tuple[Factors, int], int | None]:
    """Return the first product with its coefficient, and the constant that is added to it; None if more is."""
    first = next(iter(terms.items()))
    left = len(terms) - 1 - (() in terms and first[0] != ())
    return first, terms.get((), 0) if left == 0 and first[1] > 0 else None


def _parts(factors: Factors) -> dict[str, Dim]:
    """Return the product of the factors of each symbol."""
    found: dict[str, Dim] = {}
    for factor in factors:
        found[factor.symbol] = found.get(factor.symbol, 1) * factor
    return found


def _stated(symbols: Iterable[str], work: Sets, stated: Sets, holds: Callable[[Sets], bool]) -> Meets | None:
    """Return what the input states of these symbols, if that makes a condition hold; None if not."""
    both = {**work, **{symbol: work[symbol] & stated[symbol] for symbol in symbols if symbol in stated}}
    return [{symbol: stated[symbol]} for symbol in symbols if symbol in stated] if holds(both) else None


def _advice(sizes: tuple[Dim, ...], least: int, symbols: tuple[str, ...]) -> str | None:
    """Return a condition to state that makes a size large enough; None if no lower bound does."""

    def suffices(start: int) -> bool:
        sets = {symbol: at_least(symbolic_size(symbol), start) for symbol in symbols}
        return any(lower_bound(size, sets) >= least for size in sizes)

    if not suffices(1 << 31):
        return None
    start = bisect_left(range(1 << 31), True, key=suffices)
    return f"state sizes that are large enough: `where {' and '.join(f'{symbol} >= {start}' for symbol in symbols)}`"
