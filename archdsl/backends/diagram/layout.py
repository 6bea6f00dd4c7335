"""The layout: each frame on its own, from the inside out; then all places on the page, and the lines between boxes."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from archdsl.backends.diagram import theme
from archdsl.backends.diagram.beside import strand_and_sides
from archdsl.backends.diagram.blocks import Block, Size
from archdsl.backends.diagram.levels import Hop, Level, Levels, Port, Vertex, part_with
from archdsl.backends.diagram.measures import DiagramMeasures, PlacedFrame, caption_size, table_size
from archdsl.backends.diagram.model import Box, Diagram, Edge, Frame, Kind
from archdsl.backends.diagram.op_text import resolution
from archdsl.backends.diagram.page import on_page
from archdsl.backends.diagram.placed import Direction, Drawing, Line, Point, Rectangle
from archdsl.backends.diagram.strand_layout import StrandLayout, into_top
from archdsl.backends.diagram.strands import Tangle
from archdsl.backends.diagram.tangle_layout import TangleLayout
from archdsl.backends.diagram.u_frames import framed, frames_to_open
from archdsl.backends.diagram.u_layout import ULayout
from archdsl.backends.diagram.u_rungs import u_shape
from archdsl.backends.diagram.u_shape import can_go_up, comes_up

_MOST_WIDENED = 40.0
"""Points that a frame may become wider for a title in one line."""


def place(diagram: Diagram, direction: Direction = "down", *, heading: bool = True, bands: bool = False) -> Drawing:
    """Return a diagram with a place for everything, below a heading if there shall be one, and with bands for resolutions."""
    goes_down = direction == "down" and comes_up(diagram, _lane_of)
    opened = frames_to_open(diagram, _lane_of) if goes_down else frozenset()
    layout = _Layout(diagram, direction, opened, may_be_u=goes_down)
    if opened and not layout.is_u:
        layout = _Layout(diagram, direction, may_be_u=goes_down)
    return layout.drawing(heading=heading, bands=bands)


@dataclass(eq=False, slots=True)
class _Inside:
    """The content of a frame: where it stands in the frame, and the place of the frame's words, both from its axis and top."""

    block: Block
    top: float
    caption: Rectangle
    table: Rectangle | None


class _Layout:
    """Of a diagram. The columns of a U go through its `opened` frames."""

    def __init__(self, diagram: Diagram, direction: Direction, opened: Set[str] = frozenset(), *, may_be_u: bool) -> None:
        self._diagram, self._direction, self._opened = diagram, direction, opened
        self._measures = DiagramMeasures(diagram, direction)
        self._levels = Levels(diagram, opened)
        self._may_be_u, self.is_u = may_be_u, False
        self._inside: dict[str, _Inside] = {}
        self._strands = StrandLayout(self._measures, self._tangle)
        for frame in reversed(diagram.frames):
            if frame.key not in opened:
                self._frame(self._levels.of[frame.key])
        self._root = self._whole(self._levels.of[diagram.root.key])
        self._rectangles: dict[str, Rectangle] = {}
        self._up: set[int] = set()
        """The identities of vertices that are drawn upwards."""
        self._ports: dict[int, Point] = {}
        self._captions: dict[str, Rectangle] = {}
        self._tables: dict[str, Rectangle] = {}
        self._axes: dict[str, float] = {}
        self._forks: dict[int, float] = {}
        self._bends: dict[int, list[tuple[Point, ...]]] = {}
        self._courses: dict[int, list[Point]] = {}
        self._joins: dict[int, float | None] = {}
        self._labels: dict[int, Rectangle] = {}

    def _tangle(self, tangle: Tangle) -> Block:
        return TangleLayout(tangle, self._measures, self._strands.strand, _lane_of).block()

    def _whole(self, level: Level) -> Block:
        """Return a whole network: as a U if it goes down and what holds the trunk is one, with the rest beside that."""
        if self._may_be_u:
            parts = level.parts()
            main = part_with(parts, self._measures.trunk)
            block = self._u(main)
            if block is not None:
                self.is_u = True
                others = [self._strand(part) for part in parts if part is not main]
                return self._strands.side_by_side(block, others)
        return self._strand(level)

    def _strand(self, level: Level) -> Block:
        """Return a level as a strand, with tags beside what takes them."""
        strand, sides = strand_and_sides(level, lambda box: box.kind is Kind.TAG)
        self._strands.put_beside(sides)
        return self._strands.strand(strand)

    def _u(self, level: Level) -> Block | None:
        """Return a level as a U; None if it is none."""
        frames = {key: (frame.entries, frame.exits) for key, frame in self._measures.frames.items()}
        shape = u_shape(level, self._measures.trunk, _lane_of, lambda one: can_go_up(one, frames))
        if shape is None or not self._opened <= framed(shape):
            return None
        for frame in [rung.joined for rung in shape.rungs if isinstance(rung.joined, Frame)]:
            self._from_left(frame)
        self._strands.put_beside(shape.sides)
        layout = ULayout(shape, self._measures, self._strands.strand)
        block = layout.block() if layout.fits() else None
        self._strands.put_beside(())
        return block

    def _from_left(self, frame: Frame) -> None:
        """Lay out a frame again in which a skip ends, so that it comes in on the left."""
        self._strands.left_first = True
        for inner in reversed([frame, *frame.frames()]):
            level = self._levels.of[inner.key]
            if inner is frame or len(level.entries) > 1:
                self._frame(level)
        self._strands.left_first = False

    # -- frames --

    def _frame(self, level: Level) -> None:
        """Lay out a frame, whose inner frames are laid out."""
        block = self._strand(level)
        places = {(port.value, port.enters): x for port, x in block.ports()}
        entries = {port.value: places[port.value, True] for port in level.entries}
        exits = {port.value: places[port.value, False] for port in level.exits}
        margin = theme.FRAME_MARGIN
        width, height = table_size(level.frame.table)
        table: Rectangle | None = None
        left, right = block.left - margin, block.right + margin
        if self._direction == "right":
            if height:
                below = left + margin / 2  # of the caption, which stands above the table
                table = Rectangle(below - height, margin, below, margin + width)
                left -= height
            caption, top = self._caption_above(level.frame, left), margin
            left, right = min(left, caption.left - margin / 2), right
            right = max(right, caption.right + margin / 2)
            height = max(top + block.height + margin, caption.bottom + margin / 2, table.bottom + margin if table else 0.0)
        else:
            caption = self._caption_beside(level.frame, left, right, sorted(entries.values()))
            left, right = min(left, caption.left - margin / 2), max(right, caption.right + margin / 2)
            top = max(caption.bottom + 3, margin)
            if height:
                table = Rectangle(right, top, right + width, top + height)
                right += width + margin
            height = max(top + block.height, top + height) + margin
        self._inside[level.frame.key] = _Inside(block, top, caption, table)
        self._measures.frames[level.frame.key] = PlacedFrame(Size(-left, right, height), entries, exits)

    def _caption_beside(self, frame: Frame, left: float, right: float, entries: list[float]) -> Rectangle:
        """Return the place of a title at the top, beside the lines that come in: on their left, or on their right."""
        half = theme.FRAME_MARGIN / 2
        for split in (False, True):
            width, height = caption_size(frame, split=split)
            place = Rectangle(left + half, half, left + half + width, half + height)
            if not entries or place.right + half <= entries[0]:
                return place
            beside = Rectangle(entries[-1] + half, half, entries[-1] + half + width, half + height)
            if beside.right + half <= right:
                return beside
            if split or entries[0] - half - width >= left - _MOST_WIDENED:
                break
        return Rectangle(entries[0] - half - width, half, entries[0] - half, half + height)

    def _caption_above(self, frame: Frame, left: float) -> Rectangle:
        """Return the place of a title on the left of everything: above it, for a network that flows to the right."""
        width, height = caption_size(frame, split=False)
        half = theme.FRAME_MARGIN / 2
        return Rectangle(left + half - height, half, left + half, half + width)

    # -- the page --

    def drawing(self, *, heading: bool, bands: bool) -> Drawing:
        self._resolve(self._root, 0.0, 0.0)
        lines = [self._line(edge, way) for edge, way in zip(self._diagram.edges, self._levels.ways, strict=True)]
        turned = self._direction == "right"

        def oriented(rectangle: Rectangle) -> Rectangle:
            return rectangle.turned() if turned else rectangle

        boxes = {key: oriented(r) for key, r in self._rectangles.items()}
        frames = {frame.key: boxes.pop(frame.key) for frame in self._diagram.frames}
        captions = {key: oriented(r) for key, r in self._captions.items()}
        tables = {key: oriented(r) for key, r in self._tables.items()}
        if turned:
            lines = [
                Line(one.edge, tuple([Point(p.y, p.x) for p in one.points]), one.label and one.label.turned()) for one in lines
            ]
        return on_page(self._diagram, self._direction, boxes, frames, captions, tables, lines, heading=heading, bands=bands)

    def _resolve(self, block: Block, x: float, y: float, *, up: bool = False) -> None:
        """Note the places of everything in a block that begins here, and goes down, or up."""
        pending = [(block, x, y, up)]
        while pending:
            block, x, y, up = pending.pop()
            self._resolve_own(block, x, y, up=up)
            sign = -1 if up else 1
            pending += [(part, x + offset.x, y + sign * offset.y, True) for offset, part in reversed(block.raised)]
            pending += [(part, x + offset.x, y + sign * offset.y, up) for offset, part in reversed(block.parts)]

    def _resolve_own(self, block: Block, x: float, y: float, *, up: bool) -> None:
        """Note the places of what is in a block and in no part of it."""

        def at(along: float) -> float:
            return y - along if up else y + along

        for vertex, place in block.vertices:
            self._vertex(vertex, x + place.x, at(place.y), up=up)
        for frame, around, caption in block.frames:
            self._rectangles[frame.key], self._captions[frame.key] = around.moved(x, y), caption.moved(x, y)
        for vertex, size in block.wide:
            assert isinstance(vertex, Box)
            old, axis = self._rectangles[vertex.key], self._axes[vertex.key]
            self._rectangles[vertex.key] = Rectangle(axis - size.left, old.top, axis + size.right, old.bottom)
        for hop, turn in block.forks:
            self._forks[id(hop)] = at(turn)
        for hop, points in block.bends:
            self._bends.setdefault(id(hop), []).append(tuple([Point(p.x + x, at(p.y)) for p in points]))
        for hop, points in block.courses:
            self._courses[id(hop)] = [Point(p.x + x, at(p.y)) for p in points]
        for hop, join in block.joins:
            self._joins[id(hop)] = None if join is None else at(join)
        for hop, label in block.labels:
            ends = sorted((at(label.top), at(label.bottom)))
            self._labels[id(hop)] = Rectangle(label.left + x, ends[0], label.right + x, ends[1])

    def _vertex(self, vertex: Vertex, x: float, y: float, *, up: bool) -> None:
        if up:
            self._up.add(id(vertex))
        if isinstance(vertex, Port):
            self._ports[id(vertex)] = Point(x, y)
            return
        size = self._measures.size(vertex)
        top = y - size.height if up else y
        self._axes[vertex.key] = x
        place = self._rectangles[vertex.key] = Rectangle(x - size.left, top, x + size.right, top + size.height)
        if isinstance(vertex, Frame):
            inside = self._inside[vertex.key]
            self._resolve(inside.block, x, place.bottom - theme.FRAME_MARGIN if up else top + inside.top, up=up)
            self._captions[vertex.key] = inside.caption.moved(x, top)
            if inside.table is not None:
                self._tables[vertex.key] = inside.table.moved(x, top)
            level = self._levels.of[vertex.key]
            for port in level.entries:
                self._ports[id(port)] = Point(self._ports[id(port)].x, place.bottom if up else place.top)
            for port in level.exits:
                self._ports[id(port)] = Point(self._ports[id(port)].x, place.top if up else place.bottom)

    # -- lines --

    def _line(self, edge: Edge, way: list[Hop]) -> Line:
        points: list[Point] = []
        for hop in way:
            points += self._hop(hop)
        label = (
            next((self._labels[id(hop)] for hop in way if hop.label and id(hop) in self._labels), None) if edge.label else None
        )
        return Line(edge, _simplified(points), label)

    def _hop(self, hop: Hop) -> list[Point]:
        if id(hop) in self._courses:
            return self._courses[id(hop)]
        start = self._leaving(hop)
        points = [start]
        bends = [point for piece in self._pieces(hop) for point in piece]
        end = self._arriving(hop, bends[-1].x if bends else None)
        fork, x = self._forks.get(id(hop)), bends[0].x if bends else None
        if fork is not None:
            x = end.x if x is None else x
            points += [Point(start.x, fork), Point(x, fork)]
        points += bends
        last = points[-1]
        if id(hop) in self._joins:
            turn = self._joins[id(hop)]
            if turn is None:
                target = hop.target
                assert isinstance(target, Box)
                box = self._rectangles[target.key]
                side = box.right if last.x > box.right else box.left
                return [*points, Point(last.x, box.center.y), Point(side, box.center.y)]
            points += [Point(last.x, turn), Point(end.x, turn)]
        return [*points, end]

    def _pieces(self, hop: Hop) -> list[tuple[Point, ...]]:
        """Return the pieces of a way between its ends, in order."""
        up = id(hop.source) in self._up
        return sorted(self._bends.get(id(hop), ()), key=lambda piece: piece[0].y, reverse=up)

    def _leaving(self, hop: Hop) -> Point:
        source = hop.source
        if isinstance(source, Port):
            return self._ports[id(source)]
        place = self._rectangles[source.key]
        x = self._axes[source.key] + self._measures.exit(source, hop.value)
        return Point(x, place.top if id(source) in self._up else place.bottom)

    def _arriving(self, hop: Hop, x: float | None) -> Point:
        target = hop.target
        if isinstance(target, Port):
            return self._ports[id(target)]
        place, axis = self._rectangles[target.key], self._axes[target.key]
        at = axis + self._measures.entry(target, hop.value)
        start = self._leaving(hop).x if id(hop) not in self._forks and x is None else x
        if isinstance(target, Box) and target.kind is not Kind.FORK and start is not None:
            inside = into_top(target, Size(axis - place.left, place.right - axis, place.height), start - axis)
            at += inside or 0.0
        return Point(at, place.bottom if id(target) in self._up else place.top)


def _simplified(points: list[Point]) -> tuple[Point, ...]:
    """Return the corners of a way alone."""
    found: list[Point] = []
    for point in points:
        if found and abs(point.x - found[-1].x) < 0.01 and abs(point.y - found[-1].y) < 0.01:
            continue
        if len(found) > 1 and any(
            abs(point[i] - found[-1][i]) < 0.01 and abs(found[-1][i] - found[-2][i]) < 0.01 for i in (0, 1)
        ):
            found[-1] = point
        else:
            found.append(point)
    return tuple(found)


def _lane_of(vertex: Vertex) -> tuple[float, str] | None:
    """Return the resolution that a vertex ends with, as a size to compare and as words."""
    if isinstance(vertex, Port):
        return None
    box = vertex if isinstance(vertex, Box) else vertex.last_box
    return resolution(box.nodes[-1].output.shape) if box.nodes else None
