"""The layout of a U: a ladder whose rungs are level, so that skips go straight across."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from archdsl.backends.diagram.blocks import GAP, Block, across, line
from archdsl.backends.diagram.levels import Hop, Port, Vertex
from archdsl.backends.diagram.measures import DiagramMeasures
from archdsl.backends.diagram.model import Box
from archdsl.backends.diagram.placed import Point, Rectangle
from archdsl.backends.diagram.strand_layout import NEAR, STEP, TRACK, into_top
from archdsl.backends.diagram.strands import Strand
from archdsl.backends.diagram.u_frames import Column, Surroundings
from archdsl.backends.diagram.u_shape import Rung, UShape

_BETWEEN = 48.0
"""Points between the columns, at least."""
_TURN = 9.0
_ARROW = 22.0
"""Points before a box on a skip."""


class ULayout:
    """Places one U. Its axis is that of the left column; the right one goes up."""

    def __init__(self, shape: UShape, measures: DiagramMeasures, lay_out: Callable[[Strand], Block]) -> None:
        self._shape, self._measures = shape, measures
        self._frames = Surroundings(shape, measures)
        self._lefts = [lay_out(rung.left) for rung in shape.rungs]
        self._rights = [lay_out(rung.right) for rung in shape.rungs]
        self._bottom, self._rise = lay_out(shape.bottom), lay_out(shape.rise)
        self._towers = [lay_out(rung.skip.strand) if rung.skip.strand is not None else Block() for rung in shape.rungs]
        self._out = Block()
        self._bottoms: list[float] = []
        """The y at which the source of each rung ends, and the bottom."""
        self._turns: list[float] = []
        """The y at which each skip comes in, and the one where the column begins that goes up."""
        self._begin, self._end, self._x = self._axes()
        self._left, self._right = Column(up=False), Column(up=True, axis=self._x)

    def fits(self) -> bool:
        """Return whether what comes up to each join does so in a straight line, and all skips have room there."""
        for i, rung in enumerate(self._shape.rungs):
            if not rung.right.vertices and TRACK * (i - self._first_joined(i)) > self._measures.size(rung.joined).left - NEAR:
                return False
        for rung, end in list(zip(self._shape.rungs, self._shape.ends(), strict=True))[:-1]:
            if rung.up is None:
                continue
            x = self._measures.exit(end, rung.up.value)
            into = self._measures.entry(rung.joined, rung.up.value)
            if isinstance(rung.joined, Box):
                size = self._measures.size(rung.joined)
                if into_top(rung.joined, size, x) is None:
                    return False
            elif abs(x - into) > 0.01:
                return False
        last = self._shape.rungs[-1]
        return isinstance(last.joined, Box) or abs(self._measures.entry(last.joined, self._shape.turn.value)) < 0.01

    def _axes(self) -> tuple[float, float, float]:
        """Return from where to where there is nothing but skips, and the axis of the right column."""
        down, up = self._frames.rooms
        begin = max(block.right for block in (*self._lefts, self._bottom)) + down
        rows = [self._row_widths(rung) for rung in self._shape.rungs]
        own = max(left for left, _ in rows)
        other = max([right for _, right in rows] + [t.right - t.left + 2 * _ARROW for t in self._towers if t.shapes])
        if own or other or down:
            begin = max([begin, *(self._label_right(i) + down for i in range(len(rows)))])
        end = begin + max(_BETWEEN, own + other)
        return begin, end, end + up - min(block.left for block in (*self._rights, self._rise))

    def _leaving(self, i: int) -> list[Hop]:
        """Return the hops that leave the source of a rung: by its skip, and down to what is below it."""
        rungs = self._shape.rungs
        return [rungs[i].skip.pieces[0][0], next(rung.down for rung in rungs[i:] if rung.down is not None)]

    def _label_right(self, i: int) -> float:
        hop = _with_label(self._leaving(i))
        return self._measures.exit(hop.source, hop.value) + self._measures.label(hop.label).right if hop is not None else 0.0

    def _row_widths(self, rung: Rung) -> tuple[float, float]:
        """Return the room of the boxes on a skip that belong to the left column, and of the others."""
        skip = rung.skip
        widths = [self._measures.size(box).left + self._measures.size(box).right for box in skip.boxes]
        widths = [width + self._after(piece) for width, piece in zip(widths, skip.pieces[1:], strict=False)]
        own, others = widths[: skip.left], widths[skip.left :]
        return sum(own) + _ARROW if own else 0.0, sum(others) + _ARROW if others else 0.0

    def _after(self, piece: Sequence[Hop]) -> float:
        """Return the length of a skip behind a box, which its label may need."""
        hop = _with_label(piece)
        size = self._measures.label(hop.label) if hop is not None else None
        return max(_ARROW, size.right - size.left + 14 if size is not None else 0.0)

    # -- from rung to rung --

    def block(self) -> Block:
        """Return the U as a block."""
        out, y = self._out, 0.0
        bottoms, turns = self._bottoms, self._turns
        for i, (rung, left, right) in enumerate(zip(self._shape.rungs, self._lefts, self._rights, strict=True)):
            border = self._border(rung)
            rise = self._towers[i].height + 2 * _TURN if self._towers[i].shapes else 0.0
            out.add(left, 0.0, y)
            self._left.add(left, y)
            end = y + left.height
            room = self._labelled(rung.source, self._leaving(i), end) if left.vertices else 0.0
            low = max(end + room + _TURN, y + right.height + rise - border)
            turn = low - rise
            out.add_up(right, self._x, turn + border)
            self._right.add(right, turn + border)
            bottoms.append(end if left.vertices else bottoms[-1])
            turns.append(turn)
            self._skip(rung, i, bottoms[-1], low, turn)
            y = low + max(border, 0.0) + STEP + self._above(rung)
            out.shapes.append(line(self._x, turn, y + STEP))
        lowest = y + self._rise.height
        y += max(0.0, self._rise.height - self._bottom.height)
        out.add(self._bottom, 0.0, y)
        self._left.add(self._bottom, y)
        bottoms.append(y + self._bottom.height)
        turns.append(self._turn_up(lowest, bottoms[-1]))
        for i, (rung, below) in enumerate(zip(self._shape.rungs, self._shape.ends(), strict=True)):
            self._cross(rung, below, i)
        for column in (self._left, self._right):
            out.frames += self._frames.around(column)
        out.shapes += [place for _, place, _ in out.frames]
        return out

    def _border(self, rung: Rung) -> float:
        """Return how far the lower border of a join is below its skip, which comes into the side of a box, or below a frame."""
        if not rung.right.vertices:
            return 0.0
        return self._measures.size(rung.joined).height / 2 if isinstance(rung.joined, Box) else -_TURN

    def _above(self, rung: Rung) -> float:
        """Return the room between a join and what is below it, beside that of an arrow: for a label and for gates."""
        hop = _with_label((rung.up, *rung.gates))
        return max(self._measures.label(hop.label).height if hop is not None else 0.0, 2 * TRACK if rung.gates else 0.0)

    def _labelled(self, source: Vertex, hops: Iterable[Hop | None], y: float) -> float:
        """Put the label of what leaves a vertex of the left column below it, and return the room that it takes."""
        hop = _with_label(hops)
        if hop is None:
            return 0.0
        size, x = self._measures.label(hop.label), self._measures.exit(source, hop.value)
        self._left.shapes.append(self._label(hop, Rectangle(x + size.left, y + 1, x + size.right, y + 1 + size.height)))
        return size.height + 1

    def _label(self, hop: Hop, place: Rectangle) -> Rectangle:
        self._out.labels.append((hop, place))
        self._out.shapes.append(place)
        return place

    # -- lines --

    def _skip(self, rung: Rung, i: int, end: float, low: float, turn: float) -> None:
        """Draw a skip: from the end of what goes down, straight across, past its boxes or up through its strand."""
        out, pieces = self._out, rung.skip.pieces
        x, tower, strand = self._exit(rung), self._towers[i], rung.skip.strand
        finish = self._finish(i, turn)
        start = [Point(x, end), Point(x, low)]
        if strand is not None:
            axis = self._end - _ARROW - tower.right
            enters = axis + self._measures.entry(strand.vertices[0], pieces[0][-1].value)
            leaves = axis + self._measures.exit(strand.vertices[-1], pieces[-1][0].value)
            bottom = low - _TURN
            out.add_up(tower, axis, bottom)
            room = Rectangle(axis + tower.left, bottom - tower.height, axis + tower.right, bottom)
            self._right.aside += [(vertex.key, room) for vertex in strand.vertices if not isinstance(vertex, Port)]
            self._course(pieces[0], (*start, Point(enters, low), Point(enters, bottom)))
            self._course(pieces[-1], (Point(leaves, bottom - tower.height), Point(leaves, turn), *finish))
        else:
            self._row(rung, start, finish)
        out.shapes += [across(x, finish[0].x, low), across(x, finish[0].x, turn)]

    def _finish(self, i: int, turn: float) -> tuple[Point, ...]:
        """Return the points by which a skip comes in: at the side, or from below beside those that end in the same box."""
        rung = self._shape.rungs[i]
        if not isinstance(rung.joined, Box):
            x = self._x + self._measures.entry(rung.joined, rung.skip.pieces[-1][-1].value)
            return Point(x, turn), Point(x, turn - _TURN)
        side = self._x - self._measures.size(rung.joined).left
        if rung.right.vertices:
            return (Point(side, turn),)
        first = self._first_joined(i)
        x = side + NEAR + TRACK * (i - first - 1)
        return Point(x, turn), Point(x, self._turns[first] + self._border(self._shape.rungs[first]))

    def _first_joined(self, i: int) -> int:
        """Return the first rung that ends where another does."""
        return max(k for k in range(i + 1) if self._shape.rungs[k].right.vertices)

    def _row(self, rung: Rung, start: list[Point], finish: tuple[Point, ...]) -> None:
        """Draw boxes beside each other, and the pieces of the skip between them."""
        out, turn, skip = self._out, finish[0].y, rung.skip
        for box, axis, piece, after in zip(skip.boxes, self._row_axes(rung), skip.pieces, skip.pieces[1:], strict=False):
            size = self._measures.size(box)
            left, right, top = axis - size.left, axis + size.right, turn - size.height / 2
            place = Rectangle(left, top, right, top + size.height)
            out.vertices.append((box, Point(axis, top)))
            out.shapes.append(place)
            for column in (self._left, self._right):
                column.aside.append((box.key, place))
            self._course(piece, (*start, Point(left, turn)))
            start = [Point(right, turn)]
            hop = _with_label(after)
            if hop is not None:
                label = self._measures.label(hop.label)
                self._label(hop, Rectangle(right + 3, turn - 1 - label.height, right + 3 + label.right - label.left, turn - 1))
        self._course(skip.pieces[-1], (*start, *finish))

    def _row_axes(self, rung: Rung) -> list[float]:
        """Return the axes of the boxes on a skip: those of the left column near it, the others near the right one."""
        skip, at = rung.skip, self._begin + _ARROW
        sizes = [self._measures.size(box) for box in skip.boxes]
        rooms = [self._after(piece) for piece in skip.pieces[1:]]
        axes: list[float] = []
        for i, (size, room) in enumerate(zip(sizes, rooms, strict=True)):
            if i == skip.left:
                at = self._end - sum(s.left + s.right for s in sizes[i:]) - sum(rooms[i:])
            axes.append(at + size.left)
            at += size.left + size.right + room
        return axes

    def _course(self, piece: Sequence[Hop], points: tuple[Point, ...]) -> None:
        """Lead a piece of a skip along some points, past the borders of frames."""
        self._out.courses.append((piece[0], points))
        self._out.courses += [(hop, points[-1:]) for hop in piece[1:]]

    def _exit(self, rung: Rung) -> float:
        return self._measures.exit(rung.source, rung.skip.pieces[0][0].value)

    def _turn_up(self, lowest: float, end: float) -> float:
        """Lead what leaves the bottom to the column that goes up, and return where that begins, if possible as high as here."""
        shape, out = self._shape, self._out
        hops = (shape.turn,) if shape.rise.vertices else (shape.turn, *shape.rungs[-1].gates)
        out.height = end + self._labelled(shape.bottom.vertices[-1], hops, end) + _TURN
        out.forks.append((shape.turn, out.height))
        begin = min(lowest, out.height - _TURN)
        out.shapes += [across(0.0, self._x, out.height), line(self._x, lowest - self._rise.height - STEP, out.height)]
        out.add_up(self._rise, self._x, begin)
        self._right.add(self._rise, begin)
        return begin

    def _cross(self, rung: Rung, end: Vertex, i: int) -> None:
        """Draw what goes from one side of a join to the other, and put a label on what goes up to it."""
        size, bottoms, turns = self._measures.size(end), self._bottoms, self._turns
        borders = [*(self._border(one) for one in self._shape.rungs), 0.0]
        blocks = list(zip([*self._rights, self._rise], turns, borders, strict=True))
        below, begin, border = next((one for one in blocks[i + 1 :] if one[0].vertices), blocks[-1])
        axis = self._x if below.vertices else 0.0
        if below.vertices:
            edge = begin + border - below.height
            middle, turn = edge + size.height / 2, edge - TRACK
            up = _with_label((rung.up, *rung.gates))
            if up is not None:
                label, x = self._measures.label(up.label), axis + self._measures.exit(end, up.value)
                place = Rectangle(x + label.left, edge - 1 - label.height, x + label.right, edge - 1)
                self._right.shapes.append(self._label(up, place))
        else:
            edge, middle, turn = bottoms[-1], bottoms[-1] - size.height / 2, self._out.height
        for hop in rung.gates:
            x, at = axis + self._measures.exit(end, hop.value), self._on_skip(hop.target)
            under = at.y + self._measures.size(hop.target).height
            self._out.courses.append((hop, (Point(x, edge), Point(x, turn), Point(at.x, turn), Point(at.x, under))))
        for hop in rung.sizes:
            side = Point(axis - size.left if below.vertices else size.right, middle)
            if isinstance(hop.source, Box) and hop.source is not rung.source:
                at = self._on_skip(hop.source)
                start: tuple[Point, ...] = (at, Point(at.x, middle))
            else:
                x, beside, level = self._exit(rung), self._end - GAP / 2, turns[i]
                start = (Point(x, bottoms[i]), Point(x, level), Point(beside, level), Point(beside, middle))
            self._out.courses.append((hop, (*start, side)))

    def _on_skip(self, vertex: Vertex) -> Point:
        """Return where a box on a skip is."""
        return next(at for box, at in self._out.vertices if box is vertex)


def _with_label(hops: Iterable[Hop | None]) -> Hop | None:
    """Return the first of some hops that has a label."""
    return next((hop for hop in hops if hop is not None and hop.label), None)
