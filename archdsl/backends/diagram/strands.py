"""The shape of a level: strands of vertices one after another, bundles of strands side by side, and what is neither.

A graph with one beginning and one end is reduced as two-terminal series-parallel graphs are (Valdes, Tarjan and Lawler 1982): a
vertex with one way in and one way out joins these ways to one strand, and strands with the same ends become a bundle. What is
left between two vertices that every way passes is a tangle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from archdsl.backends.diagram.levels import Hop, Level, Vertex, is_tag


@dataclass(eq=False, slots=True)
class Strand:
    """Links and the vertices between them: the first link comes in, the last one goes out."""

    links: list[Link]
    vertices: list[Vertex] = field(default_factory=list)

    @property
    def begins_with_tag(self) -> bool:
        """Whether nothing leads to its first vertex, which is a tag."""
        return self.links[0] is None and bool(self.vertices) and is_tag(self.vertices[0])


@dataclass(eq=False, slots=True)
class Bundle:
    """Strands with the same beginning and end."""

    strands: list[Strand]


@dataclass(eq=False, slots=True)
class Tie:
    """A strand in a tangle, from a vertex to a vertex; None is the tangle's beginning or end."""

    source: Vertex | None
    target: Vertex | None
    strand: Strand


@dataclass(eq=False, slots=True)
class Tangle:
    """Vertices, sources before targets, that no strands and bundles alone connect."""

    vertices: list[Vertex]
    ties: list[Tie]


Link: TypeAlias = "Hop | Bundle | Tangle | None"
"""What is between two vertices; None where a level begins or ends, and nothing is drawn."""

_Whole: TypeAlias = "tuple[list[Link | Strand], list[Vertex]]"
"""Links and vertices, where a strand may stand for a link."""


@dataclass(eq=False, slots=True)
class _Knot:
    """A vertex while the graph is reduced; the beginning and the end have none."""

    vertex: Vertex | None
    ways_in: list[_Way] = field(default_factory=list)
    ways_out: list[_Way] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class _Way:
    source: _Knot
    target: _Knot
    strand: Strand


def strands_in(strand: Strand) -> Iterator[Strand]:
    """Yield a strand and all strands within it, each before those within it. They may be nested deeply: no recursion."""
    pending = [strand]
    while pending:
        at = pending.pop()
        yield at
        for link in at.links:
            if isinstance(link, Bundle):
                pending += link.strands
            elif isinstance(link, Tangle):
                pending += [tie.strand for tie in link.ties]


def vertices_in(strand: Strand) -> Iterator[Vertex]:
    """Yield the vertices of a strand and of all strands and tangles within it."""
    for one in strands_in(strand):
        yield from one.vertices
        for link in one.links:
            if isinstance(link, Tangle):
                yield from link.vertices


def strand_of(level: Level) -> Strand:
    """Return a level as one strand, from where it begins to where it ends."""
    start, end, knots = _Knot(None), _Knot(None), {id(vertex): _Knot(vertex) for vertex in level.vertices}
    for hop in level.hops:
        _connect(knots[id(hop.source)], knots[id(hop.target)], Strand([hop]))
    for knot in knots.values():
        if not knot.ways_in:
            _connect(start, knot, Strand([None]))
    for knot in knots.values():
        if not knot.ways_out:
            _connect(knot, end, Strand([None]))
    if not knots:
        return Strand([None])
    _reduce([start, *knots.values()])
    apart = next((way for way in start.ways_out if way.target is end), None)
    if apart is not None and len(start.ways_out) == 1:
        return apart.strand
    if apart is not None:
        start.ways_out.remove(apart)
        end.ways_in.remove(apart)
    left = [knot for knot in knots.values() if knot.ways_in]
    strand = _with_tangles(start, _sorted(start, left), end)
    return strand if apart is None else Strand([Bundle([*_side_by_side(strand), *_side_by_side(apart.strand)])])


def _connect(source: _Knot, target: _Knot, strand: Strand) -> _Way:
    way = _Way(source, target, strand)
    source.ways_out.append(way)
    target.ways_in.append(way)
    return way


def _reduce(knots: Sequence[_Knot]) -> None:
    pending = deque(knots)
    waiting = {id(knot) for knot in pending}
    while pending:
        knot = pending.popleft()
        waiting.discard(id(knot))
        touched = _bundle(knot)
        if len(knot.ways_in) == 1 and len(knot.ways_out) == 1:
            touched.append(_series(knot))
        for other in touched:
            if other.ways_out and id(other) not in waiting:
                waiting.add(id(other))
                pending.append(other)


def _bundle(knot: _Knot) -> list[_Knot]:
    """Make one way of those that lead from a knot to the same knot, and return the knots that it leads to."""
    groups: dict[int, list[_Way]] = {}
    for way in knot.ways_out:
        groups.setdefault(id(way.target), []).append(way)
    touched = []
    for group in groups.values():
        if len(group) > 1:
            first = group[0]
            strands = [strand for way in group for strand in _side_by_side(way.strand)]
            first.strand = Strand([Bundle(strands)])
            gone = {id(way) for way in group[1:]}
            knot.ways_out = [way for way in knot.ways_out if id(way) not in gone]
            first.target.ways_in = [way for way in first.target.ways_in if id(way) not in gone]
            touched.append(first.target)
    return touched


def _side_by_side(strand: Strand) -> list[Strand]:
    link = strand.links[0]
    return link.strands if isinstance(link, Bundle) and not strand.vertices else [strand]


def _series(knot: _Knot) -> _Knot:
    """Put a knot into the one way through it, and return the knot where that begins."""
    (before,), (after,) = knot.ways_in, knot.ways_out
    assert knot.vertex is not None
    before.strand.vertices += [knot.vertex, *after.strand.vertices]
    before.strand.links += after.strand.links
    before.target = after.target
    after.target.ways_in[after.target.ways_in.index(after)] = before
    knot.ways_in, knot.ways_out = [], []
    return before.source


def _sorted(start: _Knot, knots: list[_Knot]) -> list[_Knot]:
    missing = {id(knot): len(knot.ways_in) for knot in knots}
    order: list[_Knot] = []
    ready = deque([start])
    while ready:
        knot = ready.popleft()
        if knot is not start:
            order.append(knot)
        for way in knot.ways_out:
            if id(way.target) in missing:
                missing[id(way.target)] -= 1
                if not missing[id(way.target)]:
                    ready.append(way.target)
    return order


def _with_tangles(start: _Knot, order: list[_Knot], end: _Knot) -> Strand:
    """Return a strand of the vertices that all ways pass, with what is between them."""
    everything = [start, *order, end]
    place = {id(knot): i for i, knot in enumerate(everything)}
    whole: _Whole = ([], [])
    reach, last = 0, 0
    for i, knot in enumerate(everything):
        if i and reach <= i:
            whole[0].append(_between(everything, last, i))
            if knot.vertex is not None:
                whole[1].append(knot.vertex)
            last = i
        reach = max([reach, *(place[id(way.target)] for way in knot.ways_out)])
    return _flattened(whole)


def _between(knots: list[_Knot], first: int, last: int) -> Link | Strand:
    inner = knots[first + 1 : last]
    if not inner:
        (way,) = knots[first].ways_out
        return way.strand
    ties = [
        Tie(None if knot is knots[first] else knot.vertex, None if way.target is knots[last] else way.target.vertex, way.strand)
        for knot in knots[first:last]
        for way in knot.ways_out
    ]
    return Tangle([knot.vertex for knot in inner if knot.vertex is not None], ties)


def _flattened(whole: _Whole) -> Strand:
    """Put strands that stand for links into the strand around them."""
    flat = Strand([])
    links, vertices = whole
    for i, link in enumerate(links):
        if isinstance(link, Strand):
            flat.links += link.links
            flat.vertices += link.vertices
        else:
            flat.links.append(link)
        if i < len(vertices):
            flat.vertices.append(vertices[i])
    return flat
