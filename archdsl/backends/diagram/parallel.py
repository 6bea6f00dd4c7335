"""A module that several values go through beside each other, with one set of weights, as the heads of a feature pyramid.

The parts of such a run each begin with the module and go on with the same ops. Each takes one value of its own from before the
run, which may have another size, and one thing takes what all of them make.
"""

from __future__ import annotations

from collections.abc import Callable

from archdsl.backends.diagram.contents import Contents, Item, Source
from archdsl.ir import Call, is_declared

_FEWEST, _LONGEST = 3, 8
"""Parts of a run, and items of a part."""


def parallel_parts(contents: Contents, at: int, alike: Callable[[Item, Item], bool]) -> tuple[int, int]:
    """Return how many items a part has, and how many parts the run has that begins here; one if there is none."""
    first = contents.items[at]
    if not isinstance(first, Call) or not is_declared(first):
        return 1, 1
    for period in range(1, _LONGEST + 1):
        times = _times(contents, at, period, alike)
        if times >= _FEWEST and len(set(entering(contents, at, period, times))) == times and _meet(contents, at, period, times):
            return period, times
    return 1, 1


def entering(contents: Contents, at: int, period: int, times: int) -> list[Source]:
    """Return for each part the one value of its own that it takes from before the run; nothing if there is none, or several."""
    found: list[Source] = []
    for start in range(at, at + period * times, period):
        own = {
            source
            for i in range(period)
            for position, source in enumerate(contents.sources[start + i])
            if source[0] < at and any(contents.sources[j][position] != source for j in range(at + i, at + period * times, period))
        }
        if len(own) != 1:
            return []
        found += own
    return found


def _times(contents: Contents, at: int, period: int, alike: Callable[[Item, Item], bool]) -> int:
    """Return how many parts follow one another that have the same ops and are connected in the same way."""
    times, end = 1, at + period
    while end + period <= len(contents.items) and all(
        alike(contents.items[at + i], contents.items[end + i])
        and all(
            second[0] < at if first[0] < at else second == (first[0] + end - at, first[1])
            for first, second in zip(contents.sources[at + i], contents.sources[end + i], strict=True)
        )
        for i in range(period)
    ):
        times, end = times + 1, end + period
    return times


def _meet(contents: Contents, at: int, period: int, times: int) -> bool:
    """Return whether one thing behind the run takes the result of each part once, and nothing else takes any value of them."""
    end = at + period * times
    results = [(start + period - 1, 0) for start in range(at, end, period)]
    behind = [sources for sources in (*contents.sources[end:], contents.returned) if any(at <= item < end for item, _ in sources)]
    return (
        len(behind) == 1
        and [source for source in behind[0] if at <= source[0] < end] == results
        and behind[0] is not contents.returned
    )
