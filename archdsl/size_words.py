"""Sets of sizes in words, as people say them: "odd", or "a multiple of 32, or up to 7 less"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain, islice
from typing import Final

from archdsl.sizes import ALL, NONE, SizeSet, period_limit

_RUNS: Final = 8
"""The number of runs of numbers that are listed."""
_EXCEPTIONS: Final = 4
"""The number of exceptions with which a rule is still simpler than a list of the sizes before it."""
_LISTED: Final = 64
"""The number of single sizes of each remainder that are looked at."""


def describe(sizes: SizeSet, *, many: bool = False) -> str:
    """Return the set in words that follow "H must be", or "H and W must be" if `many`.

    A list that ends in `...` is not complete.
    """
    if not sizes:
        return "nothing: no size works"
    if sizes == ALL:
        return "anything"
    reach = max([*sizes.points, *(start for start in sizes.least if start is not None)])
    missing = ~sizes if reach < period_limit(sizes) and not sizes.is_finite else NONE
    if missing and missing.is_finite and len(missing.points) <= 8 and len(missing.points) < max(missing.points):
        return f"anything but {_listed(missing.points)}"
    if sizes.is_finite:
        return _points(sizes.points)
    return _periodic(sizes, many)


def describe_choice(sizes: Mapping[str, SizeSet]) -> str:
    """Return a sentence for sets of which one must contain its size."""
    return "either " + " or ".join(f"{symbol} must be {describe(within)}" for symbol, within in sizes.items())


def working(sizes: SizeSet) -> str:
    """Return a sentence about the sizes that work: "multiples of 32 work", "odd sizes work"."""
    text = describe(sizes, many=True)
    if text in ("odd", "even"):
        return f"{text} sizes work"
    return f"{text} work" if text.startswith("multiples of") and not {",", ";"} & set(text) else f"the sizes must be {text}"


def _points(points: frozenset[int]) -> str:
    if len(points) == 1:
        return str(min(points))
    if len(points) == max(points):
        return f"at most {max(points)}"
    if len(points) > 2 and len(points) == max(points) - min(points) + 1:
        return f"from {min(points)} to {max(points)}"
    return f"one of {_listed(points)}"


def _periodic(sizes: SizeSet, many: bool) -> str:
    """Return words for a set with infinitely many sizes: single ones, then a rule with its bound and its exceptions."""
    period = len(sizes.least)
    residues = [r for r, start in enumerate(sizes.least) if start is not None]
    starts = [start for start in sizes.least if start is not None]
    first = _first(sizes, starts)
    text = f"at least {first}" if period == 1 else _rule(residues, period, many)
    comma = ";" if "," in text or text.startswith("anything") else ","
    if period > 1 and first > min(r or period for r in residues):
        text += f"{comma} at least {first}"
    holes, cut = _holes(sizes, first)
    extra = sorted(n for n in sizes.points if n < first or sizes.least[n % period] is None)
    before = f"{_listed(extra)}, or " if extra else ""
    return before + text + (f"{comma} but not {_listed(holes, cut=cut)}" if holes else "")


def _first(sizes: SizeSet, starts: list[int]) -> int:
    """Return the size from which on a rule describes the set: the least, if only a few sizes from there on are exceptions."""
    period = len(sizes.least)
    if period == 1:
        return max(starts)
    first = min(starts)
    early = [n for n in sizes.points if n < first and sizes.least[n % period] is not None]
    if early:
        holes, cut = _holes(sizes, min(early))
        if not cut and len(holes) <= min(len(early), _EXCEPTIONS):
            return min(early)
    return first


def _rule(residues: list[int], period: int, many: bool) -> str:
    """Return words for all sizes with these remainders."""
    multiple = f"multiples of {period}" if many else f"a multiple of {period}"
    if period == 2:
        return "odd" if residues == [1] else "even"
    if len(residues) == period - 1 and (residues[0] == 1 or period > 4):
        (missing,) = set(range(period)) - set(residues)
        return f"anything but {_rule([missing], period, many)}"
    if residues == [0]:
        return multiple
    kept = set(residues)
    less = next(k for k in range(period) if (-k - 1) % period not in kept)
    more = next(k for k in range(period) if (k + 1) % period not in kept)
    if 0 in kept and less + more + 1 == len(residues):
        return _around(multiple, period, less, more)
    if 0 in kept:
        return f"{multiple}, or {_listed(residues[1:])} more"
    one_run = residues[-1] - residues[0] + 1 == len(residues)
    if one_run and 2 * residues[0] > period:
        return f"{_counted_from(period - residues[-1], period - residues[0])} less than a multiple of {period}"
    if one_run:
        return f"{_counted_from(residues[0], residues[-1])} more than a multiple of {period}"
    return f"{_listed(residues)} more than a multiple of {period}"


def _around(multiple: str, period: int, less: int, more: int) -> str:
    """Return words for the sizes near multiples."""
    if less == more:
        return f"within {less} of a multiple of {period}"
    sides = [f"{_up_to(count)} {word}" for count, word in ((less, "less"), (more, "more")) if count]
    return f"{multiple}, or {', or '.join(sides)}"


def _up_to(count: int) -> str:
    return "one" if count == 1 else f"up to {count}"


def _counted_from(first: int, last: int) -> str:
    if first == last:
        return "one" if first == 1 else str(first)
    return f"{first} or {last}" if last == first + 1 else f"{first} to {last}"


def _holes(sizes: SizeSet, first: int) -> tuple[list[int], bool]:
    """Return the sizes from the first on that a rule of remainders would include and the set does not, and if there are more."""
    period = len(sizes.least)
    found = []
    for start in sizes.least:
        if start is not None:
            candidates = range(first + (start - first) % period, start, period)
            found.append([n for n in islice((n for n in candidates if n not in sizes.points), _LISTED + 1)])
    cut = any(len(numbers) > _LISTED for numbers in found)
    numbers = sorted(chain.from_iterable(found))
    return (numbers[:_LISTED] if cut else numbers), cut


def _listed(numbers: Iterable[int], *, cut: bool = False) -> str:
    """Return `1, 3 to 5 or 9`; a long list is cut off."""
    runs: list[list[int]] = []
    for n in sorted(numbers):
        if runs and n == runs[-1][1] + 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    parts = [map(str, range(a, b + 1)) if b <= a + 1 else (f"{a} to {b}",) for a, b in runs]
    words = list(chain.from_iterable(parts))
    if len(words) > _RUNS or cut:
        return ", ".join(words[:_RUNS]) + ", ..."
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
