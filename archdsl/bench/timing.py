"""Times of calls that take turns, so that a slow moment of the machine falls on all of them."""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

_TURN: Final = 0.05
"""The least seconds of a turn: short calls are repeated."""
_WARM_UP: Final = 3
_LEAST_ROUNDS: Final = 5
_MOST_ROUNDS: Final = 100


class Times(NamedTuple):
    """The seconds of single calls: the median, the lower and the upper quartile, and how many calls there were.

    `rounds` has the median of each turn, for comparison with other calls turn by turn.
    """

    median: float
    low: float
    high: float
    calls: int
    rounds: tuple[float, ...]


def times_in_turn(calls: Mapping[str, Callable[[], object]], seconds: float) -> dict[str, Times]:
    """Measure calls in turns for about so many seconds each. A call returns when its work is done, on a device too."""
    single = {name: _warmed_up(call) for name, call in calls.items()}
    repeats = {name: max(1, math.ceil(_TURN / duration)) for name, duration in single.items()}
    turn = sum(single[name] * (repeats[name] + 1) for name in calls)
    rounds = min(max(_LEAST_ROUNDS, round(seconds * len(calls) / turn)), _MOST_ROUNDS)
    found: dict[str, list[list[float]]] = {name: [] for name in calls}
    gc.collect()
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, call in calls.items():
                if repeats[name] > 1:
                    call()  # not counted: the calls before have left their data in the caches
                found[name].append([_seconds(call) for _ in range(repeats[name])])
    finally:
        if was_enabled:
            gc.enable()
    return {name: _summary(turns) for name, turns in found.items()}


def _warmed_up(call: Callable[[], object]) -> float:
    """Return the shortest of some calls, after a first one that may compile or allocate."""
    call()
    return max(min(_seconds(call) for _ in range(_WARM_UP)), 1e-9)


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _summary(turns: list[list[float]]) -> Times:
    every = [seconds for turn in turns for seconds in turn]
    low, median, high = statistics.quantiles(every, n=4, method="inclusive")
    return Times(median, low, high, len(every), tuple([statistics.median(turn) for turn in turns]))
