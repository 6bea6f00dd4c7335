"""Parts of a picture in the making: blocks that are placed relative to each other, and moved as a whole.

Coordinates are those of the flow: y is along it, and x across; 0, 0 is where a block's axis begins. They become those of the
page at the very end, so that a network that flows to the right needs no layout of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple

from archdsl.backends.diagram.levels import Hop, Port, Vertex
from archdsl.backends.diagram.model import Frame
from archdsl.backends.diagram.placed import Point, Rectangle

GAP = 11.0
"""Points between things side by side."""
LINE = 0.5
"""Half of the room that a line takes."""
_MOST_SHAPES = 60
"""Of a block that something is put beside; neighbours of more are taken together."""
_MOST_KEPT = 120
"""Of a bundle: each bundle around it has them as well, so that more would be work that grows with the square of the depth."""


class Size(NamedTuple):
    """Of a vertex: how far it extends on either side of its axis, and along the flow."""

    left: float
    right: float
    height: float


@dataclass(eq=False, slots=True)
class Block:
    """Placed vertices and what is known of the lines between them.

    `starts` and `ends` are the hops that come from before the block or go on after it, with the x at which they cross its
    border. `shapes` is the room it takes. `forks`, `bends` and `joins` are pieces of the ways of hops: the y at which one turns
    sideways after its source, its corners on the way, and the y at which it turns before its target, None if it goes into
    the side of the target. `courses` are whole ways of hops.
    """

    height: float = 0.0
    shapes: list[Rectangle] = field(default_factory=list)
    vertices: list[tuple[Vertex, Point]] = field(default_factory=list)
    starts: list[tuple[Hop, float]] = field(default_factory=list)
    ends: list[tuple[Hop, float]] = field(default_factory=list)
    forks: list[tuple[Hop, float]] = field(default_factory=list)
    bends: list[tuple[Hop, tuple[Point, ...]]] = field(default_factory=list)
    joins: list[tuple[Hop, float | None]] = field(default_factory=list)
    courses: list[tuple[Hop, tuple[Point, ...]]] = field(default_factory=list)
    labels: list[tuple[Hop, Rectangle]] = field(default_factory=list)
    wide: list[tuple[Vertex, Size]] = field(default_factory=list)
    """Boxes that are wider than their words: bars that reach as far as what they join."""
    frames: list[tuple[Frame, Rectangle, Rectangle]] = field(default_factory=list)
    """Frames around vertices of this block, each with the place of its title."""
    parts: list[tuple[Point, Block]] = field(default_factory=list)
    raised: list[tuple[Point, Block]] = field(default_factory=list)
    """Blocks that are drawn upwards, from where they begin."""

    def add_up(self, block: Block, x: float, y: float) -> None:
        """Put a block into this one that begins here and goes up."""
        self.raised.append((Point(x, y), block))
        self.shapes += [Rectangle(s.left + x, y - s.bottom, s.right + x, y - s.top) for s in block.shapes]

    def add(self, block: Block, x: float, y: float) -> None:
        """Put a block into this one."""
        self.parts.append((Point(x, y), block))
        self.shapes += [shape.moved(x, y) for shape in block.shapes]

    def ports(self) -> list[tuple[Port, float]]:
        """Return the ports in it with their x."""
        found: list[tuple[Port, float]] = []
        pending = [(self, 0.0)]
        while pending:
            block, x = pending.pop()
            found += [(vertex, x + at.x) for vertex, at in block.vertices if isinstance(vertex, Port)]
            pending += [(part, x + offset.x) for offset, part in reversed(block.parts)]
        return found

    @property
    def left(self) -> float:
        """How far it extends to the left; negative."""
        return min((shape.left for shape in self.shapes), default=0.0)

    @property
    def right(self) -> float:
        """How far it extends to the right."""
        return max((shape.right for shape in self.shapes), default=0.0)


def line(x: float, top: float, bottom: float) -> Rectangle:
    """Return the room of a line along the flow."""
    return Rectangle(x - LINE, top, x + LINE, bottom)


def across(x: float, other: float, y: float) -> Rectangle:
    """Return the room of a line across the flow."""
    return Rectangle(min(x, other) - LINE, y - LINE, max(x, other) + LINE, y + LINE)


def distance(fixed: Iterable[Rectangle], moved: Iterable[Rectangle]) -> float:
    """Return how far shapes have to go to the right, so that they stand beside the fixed ones."""
    least = 0.0
    moved = list(moved)
    for there in fixed:
        for shape in moved:
            if there.top < shape.bottom + GAP / 2 and shape.top - GAP / 2 < there.bottom:
                least = max(least, there.right + GAP - shape.left)
    return least


def mirrored(shapes: Iterable[Rectangle]) -> list[Rectangle]:
    """Return shapes with left and right exchanged."""
    return [Rectangle(-shape.right, shape.top, -shape.left, shape.bottom) for shape in shapes]


def outermost(shapes: Iterable[Rectangle], new: Sequence[Rectangle]) -> list[Rectangle]:
    """Return shapes with new ones on their right, without those that the new ones hide from there."""

    def hidden(there: Rectangle) -> bool:
        return any(s.top <= there.top and there.bottom <= s.bottom and there.right <= s.right for s in new)

    return coarse([*(there for there in shapes if not hidden(there)), *new])


def thinned(shapes: list[Rectangle]) -> list[Rectangle]:
    """Return shapes, or fewer that cover them if they are very many."""
    return shapes if len(shapes) <= _MOST_KEPT else coarse(shapes)


def coarse(shapes: Sequence[Rectangle]) -> list[Rectangle]:
    """Return not too many shapes that cover all of these."""
    found = list(shapes)
    while len(found) > _MOST_SHAPES:
        found.sort(key=lambda shape: (shape.top, shape.bottom))
        pairs = [found[i : i + 2] for i in range(0, len(found), 2)]
        found = [
            Rectangle(
                min(s.left for s in pair), min(s.top for s in pair), max(s.right for s in pair), max(s.bottom for s in pair)
            )
            for pair in pairs
        ]
    return found


def tracks(spans: Iterable[tuple[float, float, str]], order: Iterable[tuple[str, str]] = ()) -> dict[str, int]:
    """Return a track for each name, so that spans of different names on one track do not meet.

    Of each pair of names in `order`, the first has the lower track, unless the pairs contradict each other.
    """
    hull: dict[str, tuple[float, float]] = {}
    for low, high, name in spans:
        known = hull.get(name, (low, high))
        hull[name] = (min(low, known[0]), max(high, known[1]))
    found: dict[str, int] = {}
    ends: list[float] = []
    least: dict[str, int] = {}
    for name, after in _in_order([name for name, _ in sorted(hull.items(), key=lambda item: (item[1], item[0]))], order):
        low, high = hull[name]
        first = least.get(name, 0)
        ends += [float("-inf")] * (first - len(ends))
        track = next((i for i in range(first, len(ends)) if ends[i] < low), len(ends))
        if track == len(ends):
            ends.append(high)
        ends[track] = high
        found[name] = track
        least.update((other, max(least.get(other, 0), track + 1)) for other in after)
    return found


def _in_order(names: Sequence[str], order: Iterable[tuple[str, str]]) -> Iterator[tuple[str, set[str]]]:
    """Yield names, each with those that come after it: the first one before which no other has to come, or else the first."""
    places = {name: i for i, name in enumerate(names)}
    after: dict[str, set[str]] = {name: set() for name in names}
    missing = dict.fromkeys(names, 0)
    for first, second in order:
        if first != second and first in places and second in places and second not in after[first]:
            after[first].add(second)
            missing[second] += 1
    ready = [place for place, name in enumerate(names) if not missing[name]]
    rest = iter(names)
    seen: set[str] = set()
    while len(seen) < len(names):
        name = names[heappop(ready)] if ready else next(name for name in rest if name not in seen)
        if name in seen:
            continue
        seen.add(name)
        yield name, after[name] - seen
        for other in after[name]:
            missing[other] -= 1
            if not missing[other]:
                heappush(ready, places[other])
