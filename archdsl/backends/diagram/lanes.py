"""Free lanes for the arcs of skips: places beside the boxes where nothing is in the way from one height to another."""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Iterable
from typing import NamedTuple

from archdsl.backends.diagram import theme


class Rectangle(NamedTuple):
    """In points, upwards."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def x(self) -> float:
        """The middle from left to right."""
        return (self.left + self.right) / 2

    @property
    def y(self) -> float:
        """The middle from bottom to top."""
        return (self.bottom + self.top) / 2


class Lanes:
    """The obstacles for arcs, sorted from left to right and from right to left, so that a search ends at the first gap.

    Frames are in the way of those arcs alone that neither begin nor end in them.
    """

    def __init__(self, obstacles: Iterable[Rectangle], frames: Iterable[tuple[str, Rectangle]]) -> None:
        self._rightwards = sorted([*((r, "") for r in obstacles), *((r, key) for key, r in frames)])
        self._leftwards = sorted((_mirrored(r), key) for r, key in self._rightwards)

    def add(self, obstacle: Rectangle) -> None:
        """Put an arc's lane in the way of those that follow."""
        insort(self._rightwards, (obstacle, ""))
        insort(self._leftwards, (_mirrored(obstacle), ""))

    @property
    def extent(self) -> tuple[float, float]:
        """How far to the left and to the right there is anything."""
        return self._rightwards[0][0].left, -self._leftwards[0][0].left

    def free(self, source: Rectangle, target: Rectangle, inside: Collection[str], frame: Rectangle | None) -> tuple[int, float]:
        """Return the side (1 right, -1 left) and position of the nearest free lane, inside the frame if possible.

        `inside` are the frames that the arc begins or ends in. If both lanes are equally good, the right one is taken.
        """
        low, high = sorted((source.y, target.y))
        starts = {1: max(source.right, target.right), -1: max(-source.left, -target.left)}
        lanes = {
            1: _first_gap(starts[1], low, high, self._rightwards, inside),
            -1: -_first_gap(starts[-1], low, high, self._leftwards, inside),
        }

        def cost(side: int) -> tuple[bool, float]:
            outside = frame is not None and not frame.left + 3 < lanes[side] < frame.right - 3
            return outside, abs(side * lanes[side] - starts[side]) - (theme.ARC_BIAS if side > 0 else 0)

        side = min((1, -1), key=cost)
        return side, lanes[side]


def _mirrored(r: Rectangle) -> Rectangle:
    return Rectangle(-r.right, r.bottom, -r.left, r.top)


# A sweep over the obstacles from left to right. `at` is the leftmost position that is still possible; an obstacle between the
# heights moves it past its right side. One pass suffices: `at` only grows, so an obstacle that was passed is never in the way
# again, and the first one that begins behind `at` ends the search. The left side is the same problem in mirrored coordinates.
def _first_gap(start: float, low: float, high: float, obstacles: list[tuple[Rectangle, str]], inside: Collection[str]) -> float:
    """Return the first position right of `start` where nothing is between these heights."""
    at = start + theme.ARC_GAP
    for (left, bottom, right, top), frame in obstacles:
        if left - theme.ARC_GAP >= at:  # and so are all that follow
            break
        if at < right + theme.ARC_GAP and bottom < high and top > low and not (frame and frame in inside):
            at = right + theme.ARC_GAP
    return at
