"""Parts that two networks repeat one after another, one of them more often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from archdsl.differences.units import Unit
from archdsl.ir import Call

_LONGEST = 24
"""Units in a part."""


class Repeat(NamedTuple):
    """A part that is repeated, as the units of one time, and how often it is before and after."""

    units: tuple[Unit, ...]
    before: int
    after: int

    @property
    def block(self) -> str:
        """The name of the block that is repeated; empty for a part that is not one call."""
        node = self.units[0].node
        return node.callee.name if len(self.units) == 1 and isinstance(node, Call) else ""


def repeat_of(before: Sequence[Unit | None], after: Sequence[Unit | None], start: int, end: int) -> Repeat | None:
    """Return the part of which the rows from `start` to `end`, all on one side, are repetitions; None if they are not.

    The part is the shortest one that is repeated in them and right before or after them, where the other side has it, too.
    """
    own, other = (after, before) if before[start] is None else (before, after)
    rows = [row for row, unit in enumerate(own) if unit is not None]
    periods = [unit.period for unit in own if unit is not None]
    first, last = rows.index(start), rows.index(end - 1) + 1
    for length in range(1, min(_LONGEST, last - first) + 1):
        if (last - first) % length:
            continue
        low, high = _extent(periods, first, last, length)
        if high - low < last - first + length:
            continue
        times = (high - low) // length
        low += (high - low) % length if low != first else 0
        shared = sum([other[row] is not None for row in rows[low : low + times * length]])
        if shared and shared % length == 0:
            part = tuple([unit for row in rows[first : first + length] if (unit := own[row]) is not None])
            if any(len(unit.node.inputs) > 1 for unit in part[:-1]):
                return None  # the end of one block and the start of the next
            return Repeat(part, *((shared // length, times) if own is after else (times, shared // length)))
    return None


def _extent(periods: Sequence[object], first: int, last: int, length: int) -> tuple[int, int]:
    """Return how far the elements from `first` to `last` go on with a period in both directions; the same if they have none."""
    if any(periods[i] != periods[i + length] for i in range(first, last - length)):
        return first, last
    low, high = first, last
    while low > 0 and low - 1 + length < len(periods) and periods[low - 1] == periods[low - 1 + length]:
        low -= 1
    while high < len(periods) and high - length >= 0 and periods[high] == periods[high - length]:
        high += 1
    return low, high
