"""What begins beside the way of a level and leads into it, such as a tag: it is set aside, and stands beside what takes it.

A level without it is often a strand, in which everything else is straight.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from archdsl.backends.diagram.levels import Hop, Level, Port, Vertex
from archdsl.backends.diagram.model import Box, Kind
from archdsl.backends.diagram.strands import Strand, strand_of, strands_in


class Side(NamedTuple):
    """A strand that takes nothing, and leads into one box alone, which takes something else, too."""

    strand: Strand
    target: Box
    vertices: tuple[Vertex, ...]
    hops: tuple[Hop, ...]

    @property
    def is_single(self) -> bool:
        """Whether it is one box."""
        return len(self.vertices) == 1


def sides_of(level: Level, begins: Callable[[Box], bool]) -> list[Side]:
    """Return what can be set aside, at most one thing for each box. `begins` says which boxes may begin it."""
    starts = [item for item in level.items if isinstance(item, Box) and begins(item)]
    if not starts:
        return []
    into = Counter(id(hop.target) for hop in level.hops)
    out: dict[int, list[Hop]] = {}
    for hop in level.hops:
        out.setdefault(id(hop.source), []).append(hop)
    sides = [side for start in starts if not into[id(start)] for side in _side(level, start, into, out)]
    number = Counter(id(side.target) for side in sides)
    return [side for side in sides if number[id(side.target)] == 1]


def _side(level: Level, start: Box, into: Counter[int], out: dict[int, list[Hop]]) -> Iterator[Side]:
    """Yield a box with all that takes its value and nothing else, if that leads into one more box alone."""
    vertices: list[Vertex] = []
    hops: list[Hop] = []
    arrived: Counter[int] = Counter()
    ready: list[Vertex] = [start]
    while ready:
        vertices.append(ready.pop(0))
        for hop in out.get(id(vertices[-1]), ()):
            hops.append(hop)
            arrived[id(hop.target)] += 1
            if arrived[id(hop.target)] == into[id(hop.target)]:
                ready.append(hop.target)
    inside = {id(vertex) for vertex in vertices}
    targets = {id(hop.target): hop.target for hop in hops if id(hop.target) not in inside}
    (target, *others) = targets.values() or (None,)
    if others or not isinstance(target, Box) or target.kind is Kind.FORK or any(isinstance(vertex, Port) for vertex in vertices):
        return
    whole = strand_of(Level(level.frame, [], [], hops, [*vertices, target]))
    if whole.vertices[-1:] == [target]:
        yield Side(Strand(whole.links[:-1], whole.vertices[:-1]), target, tuple(vertices), tuple(hops))


def without(level: Level, sides: Iterable[Side]) -> Level:
    """Return a level without what is set aside."""
    sides = list(sides)
    gone = {id(hop) for side in sides for hop in side.hops}
    absent = {id(vertex) for side in sides for vertex in side.vertices}
    hops = [hop for hop in level.hops if id(hop) not in gone]
    return Level(level.frame, level.entries, level.exits, hops, [item for item in level.items if id(item) not in absent])


def fitting(sides: Sequence[Side], strands: Iterable[Strand], level: Level) -> list[Side]:
    """Return what leads to boxes of strands that take nothing else but one value. The rest of the `level` is in the strands."""
    into = Counter(id(hop.target) for hop in level.hops)
    known = {id(vertex) for strand in strands for one in strands_in(strand) for vertex in one.vertices}
    return [side for side in sides if id(side.target) in known and into[id(side.target)] == 1]


def strand_and_sides(level: Level, begins: Callable[[Box], bool]) -> tuple[Strand, list[Side]]:
    """Return a level as a strand, and what stands beside it."""
    sides = sides_of(level, begins)
    while True:
        rest = without(level, sides) if sides else level
        strand = strand_of(rest)
        if not sides:
            return strand, sides
        found = fitting(sides, [strand], rest)
        if len(found) == len(sides):
            return strand, sides
        sides = found
