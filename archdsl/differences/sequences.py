"""Alignment of two sequences: the longest common one, and the pairs of the highest score."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeAlias

Pairs: TypeAlias = "list[tuple[int, int]]"
"""Positions in both sequences, in order."""


def common_ends(before: Sequence[Hashable], after: Sequence[Hashable]) -> tuple[int, int]:
    """Return how many elements two sequences have in common at their start, and of the others at their end."""
    most = min(len(before), len(after))
    start = next((i for i in range(most) if before[i] != after[i]), most)
    end = next((i for i in range(most - start) if before[-1 - i] != after[-1 - i]), most - start)
    return start, end


def common_pairs(before: Sequence[Hashable], after: Sequence[Hashable], most: int) -> Pairs | None:
    """Return the pairs of a longest common subsequence; None if more than `most` elements are not in it.

    The algorithm is that of Myers (1986), "An O(ND) Difference Algorithm and Its Variations": `ends[k]` is how far one can come
    in `before` on the diagonal `k`, on which `before` is k elements ahead, with d elements left out. Its time is the length
    times d.
    """
    start, end = common_ends(before, after)
    one, other = before[start : len(before) - end], after[start : len(after) - end]
    ends, trace = {1: 0}, list[dict[int, int]]()
    for d in range(min(most, len(one) + len(other)) + 1):
        trace.append(dict(ends))
        for k in range(-d, d + 1, 2):
            down = k == -d or (k != d and ends[k - 1] < ends[k + 1])
            x = ends[k + 1] if down else ends[k - 1] + 1
            while x < len(one) and x - k < len(other) and one[x] == other[x - k]:
                x += 1
            ends[k] = x
            if x >= len(one) and x - k >= len(other):
                middle = _traced(trace, len(one), len(other))
                last = [(len(before) - i, len(after) - i) for i in range(end, 0, -1)]
                return [*((i, i) for i in range(start)), *((start + i, start + j) for i, j in middle), *last]
    return None


def _traced(trace: list[dict[int, int]], x: int, y: int) -> Pairs:
    """Return the pairs on the way back from the end of both sequences."""
    found: Pairs = []
    for d in range(len(trace) - 1, -1, -1):
        ends, k = trace[d], x - y
        down = k == -d or (k != d and ends[k - 1] < ends[k + 1])
        before = k + 1 if down else k - 1
        x_before = ends[before] if d else 0
        y_before = x_before - before if d else 0
        while x > x_before and y > y_before:
            x, y = x - 1, y - 1
            found.append((x, y))
        if d:
            x, y = x_before, y_before
    return found[::-1]


def best_pairs(before: int, after: int, score: Callable[[int, int], float]) -> Pairs:
    """Return the pairs of sequences of these lengths with the highest sum of scores; a score of 0 is that of no pair.

    Of equal sums it is the one with the earliest pairs, so that what is new of several equal elements is the last.
    """
    sums = [[0.0] * (after + 1)]
    for i in range(before):
        above, row = sums[-1], [0.0]
        for j in range(after):
            own = score(i, j)
            row.append(max(above[j + 1], row[j], above[j] + own if own else 0.0))
        sums.append(row)
    found, i, j = list[tuple[int, int]](), before, after
    while i and j:
        if sums[i][j] == sums[i - 1][j]:
            i -= 1
        elif sums[i][j] == sums[i][j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            found.append((i, j))
    return found[::-1]
