"""Finds the rungs of a U.

Where a value is taken on both sides of a join, and where something begins beside a column, a network is no ladder. Such hops are
set aside before the rungs are found, and have to fit to them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from itertools import pairwise
from math import inf
from typing import NamedTuple

from archdsl.backends.diagram.beside import fitting, sides_of, without
from archdsl.backends.diagram.levels import Hop, LaneOf, Level, Port, Vertex
from archdsl.backends.diagram.model import Box, Kind
from archdsl.backends.diagram.strands import Bundle, Link, Strand, strand_of, vertices_in
from archdsl.backends.diagram.u_shape import Rung, Skip, UShape

_LEAST_RUNGS = 2
"""Around something of lower resolution, or from frame to frame."""
_MOST_IN_A_ROW = 2
"""Boxes on a skip that stand beside each other; more are below each other."""


class _Ladder(NamedTuple):
    """A strand from a source to where it is joined, and the resolution at its beginning; None where it is the whole."""

    strand: Strand
    source: Vertex | None = None
    joined: Vertex | None = None
    size: float | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it is no part of another ladder."""
        return self.source is None


def u_shape(level: Level, trunk: Set[str], lane_of: LaneOf, fits: Callable[[Strand], bool] = lambda _: True) -> UShape | None:
    """Return a level as a U; None if it is none.

    `trunk` has the keys of vertices on the longest way. `fits` says whether a strand can be drawn upwards.
    """
    finder = _RungFinder(trunk, lane_of, fits)
    sides = [side for side in sides_of(level, lambda box: box.key not in trunk) if side.is_single]
    while True:
        rest = without(level, sides)
        shape = finder.shape_of(rest)
        if shape is None:
            return None
        joined = [side for side in sides if any(side.target is rung.joined for rung in shape.rungs)]
        found = [*joined, *fitting(sides, [strand for column in shape.columns() for strand in column], rest)]
        if all(side in found for side in sides):
            return shape._replace(sides=tuple(sides))
        sides = [side for side in sides if side in found]


def _crossing(level: Level) -> list[Hop]:
    """Return the hops from one side of a join to the other: the size that a crop takes, the signal of a gate."""
    into: dict[int, list[Hop]] = {}
    out: dict[int, list[Hop]] = {}
    for hop in level.hops:
        into.setdefault(id(hop.target), []).append(hop)
        out.setdefault(id(hop.source), []).append(hop)

    def crosses(hop: Hop) -> bool:
        onward = out.get(id(hop.target), [])
        if not isinstance(hop.target, Box) or len(into[id(hop.target)]) != 2 or len(onward) != 1:
            return False
        return any(other.target is onward[0].target for other in out[id(hop.source)])

    return [hop for hop in level.hops if crosses(hop)]


def _with_crossing(shape: UShape, aside: Sequence[Hop]) -> UShape | None:
    """Return a U with hops that were set aside; None if one of them does not belong to a rung."""
    rungs, found = [], 0
    for rung, end in zip(shape.rungs, shape.ends(), strict=True):
        boxes = rung.skip.boxes
        begin = (rung.source, *rung.skip.ports, *(box for box in boxes if box.kind is Kind.FORK))
        gates = tuple([hop for hop in aside if hop.source is end and any(hop.target is box for box in boxes)])
        sizes = tuple([hop for hop in aside if hop.target is end and any(hop.source is vertex for vertex in begin)])
        rungs.append(rung._replace(gates=gates, sizes=sizes))
        found += len(gates) + len(sizes)
    return shape._replace(rungs=tuple(rungs)) if found == len(aside) else None


class _RungFinder:
    def __init__(self, trunk: Set[str], lane_of: LaneOf, fits: Callable[[Strand], bool]) -> None:
        self._trunk, self._lane_of, self._fits = trunk, lane_of, fits

    def shape_of(self, level: Level) -> UShape | None:
        """Return a level as a U; None if it is none."""
        aside = _crossing(level)
        crossing = {id(hop) for hop in aside}
        hops = [hop for hop in level.hops if id(hop) not in crossing]
        ladder = _Ladder(strand_of(Level(level.frame, level.entries, level.exits, hops, level.items)))
        rungs: list[Rung] = []
        counted = 0
        while (found := self._next_rung(ladder)) is not None:
            rung, ladder, is_lower = found
            rungs.append(rung)
            counted += is_lower or bool(rung.skip.ports)
        shape = _with_bottom(rungs, ladder.strand, self._fits) if counted >= _LEAST_RUNGS else None
        return _with_crossing(shape, aside) if shape is not None else None

    def _next_rung(self, ladder: _Ladder) -> tuple[Rung, _Ladder, bool] | None:
        """Return the next rung of a ladder, the ladder below it, and whether that has a lower resolution."""
        links, vertices = ladder.strand.links, ladder.strand.vertices
        sources, targets = [ladder.source, *vertices], [*vertices, ladder.joined]
        joins = [i for i in _places(ladder) if isinstance(links[i], Bundle)]
        apart = [i for i in joins if _takes_apart(targets[i])]
        for i in joins:
            link, source, joined = links[i], sources[i], targets[i]
            here = self._size_before(vertices, i) or ladder.size
            if not isinstance(link, Bundle) or len(link.strands) != 2 or here is None or source is None or joined is None:
                continue
            lane, inner = sorted(link.strands, key=lambda one: (-self._least(one), self._is_trunk(one)))
            skip, lowest = _skip_of(lane), self._least(inner)
            if skip is None or (i == len(vertices) and not _has_room(joined)):
                continue
            is_lower = lowest < here and lowest < self._least(lane)
            goes_on = lowest == here and (bool(skip.ports) or (apart == [i] and not skip.boxes and skip.strand is None))
            begin, end = (links[0], links[-1]) if ladder.is_whole else (None, None)
            left, right = _part(ladder.strand, 0, i, begin=begin), _part(ladder.strand, i, len(vertices), end=end)
            if (is_lower or goes_on) and self._fits(right) and (skip.strand is None or self._fits(skip.strand)):
                down, up = (hop if isinstance(hop, Hop) else None for hop in (inner.links[0], inner.links[-1]))
                return Rung(source, joined, left, right, skip, down, up), _Ladder(inner, source, joined, here), is_lower
        return None

    def _size_before(self, vertices: Sequence[Vertex], i: int) -> float | None:
        """Return the last known resolution before a vertex."""
        before = (self._lane_of(vertices[k]) for k in range(i - 1, -1, -1))
        return next((size[0] for size in before if size is not None), None)

    def _least(self, strand: Strand) -> float:
        """Return the lowest resolution of the vertices of a strand; infinite if it has none."""
        return min([size[0] for vertex in vertices_in(strand) if (size := self._lane_of(vertex)) is not None], default=inf)

    def _is_trunk(self, strand: Strand) -> bool:
        return any(not isinstance(vertex, Port) and vertex.key in self._trunk for vertex in vertices_in(strand))


def _places(ladder: _Ladder) -> Sequence[int]:
    """Return which links of a ladder may be a rung: one at its beginning or end has to be."""
    links = ladder.strand.links
    ends = [i for i in {0, len(links) - 1} if not ladder.is_whole and not isinstance(links[i], Hop)]
    return range(1, len(links) - 1) if not ends else ends if len(ends) == 1 else ()


def _with_bottom(rungs: Sequence[Rung], below: Strand, fits: Callable[[Strand], bool]) -> UShape | None:
    """Return rungs and what is below them as a U; None if nothing is there that goes down.

    What goes up begins with the first frame that does not end below the rungs.
    """
    ended = {vertex.frame for vertex in below.vertices if isinstance(vertex, Port) and not vertex.enters}
    begins = [
        i for i, vertex in enumerate(below.vertices) if isinstance(vertex, Port) and vertex.enters and vertex.frame not in ended
    ]
    at = min(begins, default=len(below.vertices))
    turn = below.links[at]
    rise = _part(below, at, len(below.vertices))
    if not at or not all(isinstance(link, Hop) for link in (turn, below.links[0], below.links[-1])) or not fits(rise):
        return None
    assert isinstance(turn, Hop)
    return UShape(tuple(rungs), _part(below, 0, at), turn, rise)


def _part(strand: Strand, start: int, stop: int, begin: Link = None, end: Link = None) -> Strand:
    """Return the vertices from one to before another, and what is between them."""
    if start >= stop:
        return Strand([None])
    return Strand([begin, *strand.links[start + 1 : stop], end], strand.vertices[start:stop])


def _takes_apart(vertex: Vertex | None) -> bool:
    """Return whether a vertex takes several values for what they are, and does not add them as a residual block does."""
    return isinstance(vertex, Box) and vertex.kind in (Kind.BAR, Kind.BLOCK)


def _has_room(vertex: Vertex) -> bool:
    """Return whether lines can enter a vertex side by side."""
    return isinstance(vertex, Box) and vertex.kind not in (Kind.JOIN, Kind.FORK)


def _skip_of(lane: Strand) -> Skip | None:
    """Return what leads across; None if it can stand neither in a row nor below each other."""
    vertices, links = lane.vertices, lane.links
    core = [i for i, vertex in enumerate(vertices) if not isinstance(vertex, Port)]
    ports = tuple([vertex for vertex in vertices if isinstance(vertex, Port)])
    left = max([i for i, vertex in enumerate(vertices) if isinstance(vertex, Port) and not vertex.enters], default=0)
    boxes = [vertex for vertex in vertices if isinstance(vertex, Box)]
    if len(boxes) == len(core) <= _MOST_IN_A_ROW and all(isinstance(link, Hop) for link in links):
        cuts = [0, *(i + 1 for i in core), len(links)]
        pieces = [_hops(links[a:b]) for a, b in pairwise(cuts)]
        return Skip(tuple(pieces), tuple(boxes), sum(i < left for i in core), None, ports)
    if not core:
        return None
    first, last = core[0], core[-1]
    inner = _part(lane, first, last + 1)
    pieces = [_hops(links[: first + 1]), _hops(links[last + 1 :])]
    if len(core) < len(inner.vertices) or left > first or len(pieces[0] + pieces[1]) < len(links) - len(core) + 1:
        return None
    return Skip(tuple(pieces), strand=inner, ports=ports)


def _hops(links: Sequence[Link]) -> tuple[Hop, ...]:
    return tuple([link for link in links if isinstance(link, Hop)])
