"""What each frame contains, as a graph of its own: its boxes, its inner frames as single vertices, and its ports.

A value that crosses the border of a frame has a port there: one where it enters, however many boxes inside take it, and one
where it leaves. An edge from box to box is thus a chain of hops, each within one frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field

from archdsl.backends.diagram.model import Box, Diagram, Edge, Frame, Kind


@dataclass(eq=False, slots=True)
class Port:
    """Where the value of a box crosses the border of a frame."""

    frame: Frame
    value: str
    enters: bool


Vertex = Box | Frame | Port
LaneOf = Callable[[Vertex], tuple[float, str] | None]
"""Returns the resolution of a vertex as a size to compare and as words; None if it has none."""


def is_tag(vertex: Vertex) -> bool:
    """Return whether a vertex is a tag."""
    return isinstance(vertex, Box) and vertex.kind is Kind.TAG


@dataclass(eq=False, slots=True)
class Hop:
    """A value on its way within one frame. `value` is the key of the box that makes it; `label` is what it says there.

    `size_only` says that nothing but its size is taken.
    """

    source: Vertex
    target: Vertex
    value: str
    label: str = ""
    size_only: bool = True


@dataclass(eq=False, slots=True)
class Level:
    """The vertices of a frame and the hops between them. `items` are its boxes, its inner frames and the ports of opened ones."""

    frame: Frame
    entries: list[Port] = field(default_factory=list)
    exits: list[Port] = field(default_factory=list)
    hops: list[Hop] = field(default_factory=list)
    items: list[Vertex] = field(default_factory=list)

    @property
    def vertices(self) -> list[Vertex]:
        """All vertices."""
        return [*self.entries, *self.items, *self.exits]

    def parts(self) -> list[Level]:
        """Return what is connected, each as a level of its own, in the order of their first vertices."""
        part: dict[int, int] = {id(vertex): i for i, vertex in enumerate(self.vertices)}
        members: dict[int, list[int]] = {i: [vertex] for vertex, i in part.items()}
        for hop in self.hops:
            one, other = sorted((part[id(hop.source)], part[id(hop.target)]))
            if one != other:
                moved = members.pop(other)
                members[one] += moved
                part.update(dict.fromkeys(moved, one))
        found = {i: Level(self.frame) for i in members}
        for port in self.entries:
            found[part[id(port)]].entries.append(port)
        for item in self.items:
            found[part[id(item)]].items.append(item)
        for port in self.exits:
            found[part[id(port)]].exits.append(port)
        for hop in self.hops:
            found[part[id(hop.source)]].hops.append(hop)
        return list(found.values())


def part_with(parts: Sequence[Level], keys: Set[str]) -> Level:
    """Return the first of some parts that has a box or a frame with one of these keys, or else the first of all."""
    return next((part for part in parts if any(not isinstance(item, Port) and item.key in keys for item in part.items)), parts[0])


class Levels:
    """The level of each frame by key, and the hops of each edge of the diagram, in order.

    The level of an `opened` frame is that of the frame around it: its ports are vertices on the ways across its border.
    """

    def __init__(self, diagram: Diagram, opened: Set[str] = frozenset()) -> None:
        self.of: dict[str, Level] = {}
        self.ways: list[list[Hop]] = []
        self._opened = opened
        self._around: dict[str, tuple[Frame, ...]] = {}
        self._boxes = {box.key: box for box in diagram.boxes}
        self._ports: dict[tuple[str, str, bool], Port] = {}
        self._hops: dict[tuple[int, int, str, int], Hop] = {}
        self._frames_around(diagram.root, (diagram.root,), Level(diagram.root))
        parallel: dict[tuple[str, str], int] = {}
        for edge in diagram.edges:
            count = parallel[edge.source, edge.target] = parallel.get((edge.source, edge.target), -1) + 1
            self.ways.append(self._way(edge, count))
            for hop in self.ways[-1]:
                hop.size_only = hop.size_only and edge.size_only

    def _frames_around(self, frame: Frame, around: tuple[Frame, ...], level: Level) -> None:
        self.of[frame.key] = level
        for item in frame.items:
            if isinstance(item, Box):
                self._around[item.key] = around
                level.items.append(item)
            elif item.key in self._opened:
                self._frames_around(item, (*around, item), level)
            else:
                level.items.append(item)
                self._frames_around(item, (*around, item), Level(item))

    def _way(self, edge: Edge, count: int) -> list[Hop]:
        """Return the hops of an edge: out of the frames around its source, and into those around its target."""
        out, into = self._around[edge.source], self._around[edge.target]
        common = next((i for i, (a, b) in enumerate(zip(out, into, strict=False)) if a is not b), min(len(out), len(into)))
        home = self.of[out[common - 1].key]
        way: list[Hop] = []
        at_home: list[Hop] = []

        def go(level: Level, source: Vertex, target: Vertex, number: int = 0) -> None:
            way.append(self._hop(level, source, target, edge.source, number))
            if level is home:
                at_home.append(way[-1])

        at: Vertex = self._boxes[edge.source]
        for frame in reversed(out[common:]):
            port = self._port(frame, edge.source, enters=False)
            go(self.of[frame.key], at, port)
            at = port if frame.key in self._opened else frame
        level = home
        for frame in into[common:]:
            port = self._port(frame, edge.source, enters=True)
            if frame.key in self._opened:
                go(level, at, port)
            else:
                go(level, at, frame)
                level = self.of[frame.key]
            at = port
        go(level, at, self._boxes[edge.target], count)
        at_home[0].label = at_home[0].label or edge.label
        return way

    def _port(self, frame: Frame, value: str, *, enters: bool) -> Port:
        port = self._ports.get((frame.key, value, enters))
        if port is None:
            port = self._ports[frame.key, value, enters] = Port(frame, value, enters)
            level = self.of[frame.key]
            (level.items if frame.key in self._opened else level.entries if enters else level.exits).append(port)
        return port

    def _hop(self, level: Level, source: Vertex, target: Vertex, value: str, number: int) -> Hop:
        key = (id(source), id(target), value, number)
        hop = self._hops.get(key)
        if hop is None:
            hop = self._hops[key] = Hop(source, target, value)
            level.hops.append(hop)
        return hop
