"""Frames that a column of a U goes through: a stretch of the column, which values leave and enter at its side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import NamedTuple

from archdsl.backends.diagram import theme
from archdsl.backends.diagram.blocks import Block
from archdsl.backends.diagram.levels import LaneOf, Levels, Port, Vertex, part_with
from archdsl.backends.diagram.measures import DiagramMeasures, caption_size, trunk_of
from archdsl.backends.diagram.model import Box, Diagram, Frame
from archdsl.backends.diagram.placed import Rectangle
from archdsl.backends.diagram.strands import Strand, vertices_in
from archdsl.backends.diagram.u_rungs import u_shape
from archdsl.backends.diagram.u_shape import Skip, UShape


class Stretch(NamedTuple):
    """Of a column, from where a frame begins to where it ends."""

    begin: Port
    end: Port

    @property
    def frame(self) -> Frame:
        """The frame around it."""
        return self.begin.frame


def frames_to_open(diagram: Diagram, lane_of: LaneOf) -> Set[str]:
    """Return the keys of the frames that the columns of a U go through; none if the network is no U through frames."""
    trunk, opened = trunk_of(diagram), _of_several_values(diagram)
    while opened:
        level = part_with(Levels(diagram, opened).of[diagram.root.key].parts(), trunk)
        shape = u_shape(level, trunk, lane_of)
        found = framed(shape) if shape is not None else frozenset()
        if opened <= found:
            break
        opened &= found
    return opened


def _of_several_values(diagram: Diagram) -> Set[str]:
    """Return the keys of the frames that more than one value enters or leaves, and that are in no others than such."""
    levels, found = Levels(diagram).of, set[str]()
    pending = list(diagram.root.items)
    while pending:
        item = pending.pop()
        if isinstance(item, Frame) and item.table is None:
            level = levels[item.key]
            if len(level.entries) > 1 or len(level.exits) > 1:
                found.add(item.key)
                pending += item.items
    return found


def framed(shape: UShape) -> Set[str]:
    """Return the keys of the frames that have a stretch."""
    return {frame.key for column in stretches(shape) for frame in column}


def stretches(shape: UShape) -> tuple[dict[Frame, Stretch], dict[Frame, Stretch]]:
    """Return the stretches of both columns, inner ones first.

    Nothing but its skips leads into or out of a frame with a stretch, and all in it stands there or on a skip.
    """
    columns = shape.columns()
    links = [link for column in columns for strand in column for link in strand.links]
    nested = {vertex.frame for link in links for vertex in vertices_in(Strand([link])) if isinstance(vertex, Port)}
    aside = {box.key for rung in shape.rungs for box in _on_skip(rung.skip)}
    aside |= {box.key for side in shape.sides for vertex in side.vertices for box in _boxes(vertex)}
    down, up = ({frame: one for frame, one in _stretches(column, aside).items() if frame not in nested} for column in columns)
    return down, up


def _stretches(column: Sequence[Strand], aside: Set[str]) -> dict[Frame, Stretch]:
    vertices = [vertex for strand in column for vertex in _in_order(strand)]
    begins: dict[Frame, list[int]] = {}
    ends: dict[Frame, list[int]] = {}
    for i, vertex in enumerate(vertices):
        if isinstance(vertex, Port):
            (begins if vertex.enters else ends).setdefault(vertex.frame, []).append(i)
    found: list[tuple[int, Frame, Stretch]] = []
    for frame, starts in begins.items():
        stops = ends.get(frame, ())
        if len(starts) == len(stops) == 1:
            inside = {box.key for vertex in vertices[starts[0] : stops[0]] for box in _boxes(vertex)}
            if inside == {box.key for box in frame.boxes()} - (aside - inside):
                begin, end = vertices[starts[0]], vertices[stops[0]]
                assert isinstance(begin, Port) and isinstance(end, Port)
                found.append((stops[0] - starts[0], frame, Stretch(begin, end)))
    return {frame: stretch for _, frame, stretch in sorted(found, key=lambda one: one[0])}


def _in_order(strand: Strand) -> Iterator[Vertex]:
    """Yield the vertices of a strand, and between two of them those of the strands and tangles there."""
    for link, vertex in zip_longest(strand.links, strand.vertices):
        yield from vertices_in(Strand([link]))
        if vertex is not None:
            yield vertex


def _boxes(vertex: Vertex) -> Iterator[Box]:
    if isinstance(vertex, Box):
        yield vertex
    elif isinstance(vertex, Frame):
        yield from vertex.boxes()


def _on_skip(skip: Skip) -> Iterator[Box]:
    yield from skip.boxes
    for vertex in vertices_in(skip.strand) if skip.strand is not None else ():
        yield from _boxes(vertex)


@dataclass(eq=False, slots=True)
class Column:
    """What stands in the column of a U that goes down, or `up`.

    `ports` is where the borders of frames begin along the flow, by identity, and `shapes` the room of everything. `aside` has the
    room of what stands on skips, by key.
    """

    up: bool
    axis: float = 0.0
    ports: dict[int, float] = field(default_factory=dict)
    shapes: list[Rectangle] = field(default_factory=list)
    aside: list[tuple[str, Rectangle]] = field(default_factory=list)

    def add(self, block: Block, y: float) -> None:
        """Add a block that begins here."""
        whole = Block()
        if self.up:
            whole.add_up(block, self.axis, y)
        else:
            whole.add(block, self.axis, y)
        self.shapes += whole.shapes
        self.ports.update((id(vertex), y + (-at.y if self.up else at.y)) for vertex, at in block.vertices)


class Surroundings:
    """The frames around stretches of both columns of a U. The borders that they need are noted in the measures."""

    def __init__(self, shape: UShape, measures: DiagramMeasures) -> None:
        self._columns, self._borders = stretches(shape), measures.borders
        for number, column in enumerate(self._columns):
            for frame, stretch in column.items():
                _, height = caption_size(frame, split=False)
                top = max(theme.FRAME_MARGIN / 2 + height + 3, theme.FRAME_MARGIN)
                rooms = (top, theme.FRAME_MARGIN) if number == 0 else (theme.FRAME_MARGIN, top)
                self._borders[id(stretch.begin)], self._borders[id(stretch.end)] = rooms

    @property
    def rooms(self) -> tuple[float, float]:
        """The room that the frames of each column need on one side of it."""
        down, up = (
            max([sum(frame is other or frame in other.frames() for other in column) for frame in column], default=0)
            for column in self._columns
        )
        return theme.FRAME_MARGIN * down, theme.FRAME_MARGIN * up

    def around(self, column: Column) -> list[tuple[Frame, Rectangle, Rectangle]]:
        """Return the frames around stretches of a column, each with its place and that of its title."""
        found: list[tuple[Frame, Rectangle, Rectangle]] = []
        shapes = list(column.shapes)
        for frame, stretch in self._columns[column.up].items():
            end = self._borders[id(stretch.end)]
            ends = column.ports[id(stretch.begin)], column.ports[id(stretch.end)] + (-end if column.up else end)
            top, bottom = min(ends), max(ends)
            keys = {box.key for box in frame.boxes()} | {inner.key for inner in frame.frames()}
            inside = [shape for shape in shapes if shape.top < bottom and top < shape.bottom]
            inside += [shape for key, shape in column.aside if key in keys]
            left = min(shape.left for shape in inside) - theme.FRAME_MARGIN
            right = max(shape.right for shape in inside) + theme.FRAME_MARGIN
            place, caption = _titled(frame, Rectangle(left, top, right, bottom), column.axis, on_right=column.up)
            found.append((frame, place, caption))
            shapes.append(place)
        return found


def _titled(frame: Frame, place: Rectangle, axis: float, *, on_right: bool) -> tuple[Rectangle, Rectangle]:
    """Return a frame with room for its title beside the line on the axis, and the place of the title.

    A frame that is too narrow becomes wider on the side that no skip crosses.
    """
    half = theme.FRAME_MARGIN / 2
    width, height = caption_size(frame, split=False)
    left = place.left + half
    if left + width + half > axis:
        if on_right:
            place = place._replace(right=max(place.right, axis + width + 2 * half))
            left = place.right - half - width
        else:
            left = axis - half - width
            place = place._replace(left=left - half)
    return place, Rectangle(left, place.top + half, left + width, place.top + half + height)
