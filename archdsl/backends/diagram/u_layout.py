"""The layout of a U: equal resolutions level, skips straight across."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archdsl.backends.diagram.blocks import GAP, Block, across, line
from archdsl.backends.diagram.levels import Hop, Vertex
from archdsl.backends.diagram.model import Box
from archdsl.backends.diagram.placed import Point, Rectangle
from archdsl.backends.diagram.strand_layout import STEP, TRACK, Measures, into_top
from archdsl.backends.diagram.strands import Strand
from archdsl.backends.diagram.u_shape import Step, UShape

_BETWEEN = 48.0
"""Points between the columns, at least."""
_TURN = 9.0
_ARROW = 22.0
"""Points before a box on a skip."""


class ULayout:
    """Places one U. Its axis is that of the left column; the right one goes up."""

    def __init__(self, shape: UShape, measures: Measures, lay_out: Callable[[Strand], Block]) -> None:
        self._shape, self._measures = shape, measures
        self._lefts = [lay_out(step.left) for step in shape.steps]
        self._rights = [lay_out(step.right) for step in shape.steps]
        self._bottom = lay_out(shape.bottom)
        self._lanes = [
            lay_out(Strand([None, *step.lane.links[1:-1], None], step.lane.vertices)) if self._is_upright(step) else Block()
            for step in shape.steps
        ]
        self._out = Block()
        self._x, self._to = self._columns()

    def is_straight(self) -> bool:
        """Return whether what comes up to each join does so in a straight line."""
        for step, end in list(zip(self._shape.steps, self._shape.ends(), strict=True))[:-1]:
            x = self._measures.exit(end, step.up.value)
            into = self._measures.entry(step.joined, step.up.value)
            if isinstance(step.joined, Box):
                size = self._measures.size(step.joined)
                if into_top(step.joined, size, x) is None:
                    return False
            elif abs(x - into) > 0.01:
                return False
        last = self._shape.steps[-1]
        return isinstance(last.joined, Box) or abs(self._measures.entry(last.joined, last.up.value)) < 0.01

    def _is_upright(self, step: Step) -> bool:
        return bool(step.lane.vertices) and not step.boxes

    def _columns(self) -> tuple[float, float]:
        """Return the axis of the right column, and the x up to which there is nothing but skips beside the left one."""
        rights = min(block.left for block in self._rights)
        begin = max(block.right for block in (*self._lefts, self._bottom))
        needs = [
            self._row_width(step) if step.boxes else lane.right - lane.left + 2 * _ARROW if lane.shapes else 0.0
            for step, lane in zip(self._shape.steps, self._lanes, strict=True)
        ]
        if any(needs):
            begin = max([begin, *(self._label_right(step) for step in self._shape.steps)])
        end = begin + max(_BETWEEN, *needs)
        return end - rights, end

    def _label_right(self, step: Step) -> float:
        hop = next((hop for hop in (step.ways[0], step.down) if hop.label), None)
        return self._measures.exit(hop.source, hop.value) + self._measures.label(hop.label).right if hop is not None else 0.0

    def _row_width(self, step: Step) -> float:
        sizes = [self._measures.size(box) for box in step.boxes]
        return _ARROW + sum(size.left + size.right for size in sizes) + sum(self._after(hop) for hop in step.ways[1:])

    def _after(self, hop: Hop) -> float:
        """Return the length of a skip behind a box, which its label may need."""
        size = self._measures.label(hop.label)
        return max(_ARROW, size.right - size.left + 14 if hop.label else 0.0)

    # -- from level to level --

    def block(self) -> Block:
        """Return the U as a block."""
        out, y = self._out, 0.0
        bottoms: list[float] = []
        turns: list[float] = []
        for i, (step, left, right) in enumerate(zip(self._shape.steps, self._lefts, self._rights, strict=True)):
            border = self._border(step)
            rise = self._lanes[i].height + 2 * _TURN if self._is_upright(step) else 0.0
            y += max(0.0, right.height + rise - left.height - _TURN - border)
            out.add(left, 0.0, y)
            end = y + left.height
            room = self._labelled(step.left.vertices[-1], (step.ways[0], step.down), end)
            low = end + room + _TURN
            turn = low - rise
            out.add_up(right, self._x, turn + border)
            self._skip(step, i, end, low, turn)
            turns.append(turn)
            bottoms.append(end)
            y = low + max(border, 0.0) + STEP + self._above(step)
            out.shapes.append(line(self._x, turn, y + STEP))
        out.add(self._bottom, 0.0, y)
        bottoms.append(y + self._bottom.height)
        self._turn_up(y, bottoms[-1])
        for i, (step, below) in enumerate(zip(self._shape.steps, self._shape.ends(), strict=True)):
            self._cross(step, below, i, bottoms, turns)
        return out

    def _border(self, step: Step) -> float:
        """Return how far the lower border of a join is below its skip, which comes into the side of a box, or below a frame."""
        return self._measures.size(step.joined).height / 2 if isinstance(step.joined, Box) else -_TURN

    def _above(self, step: Step) -> float:
        """Return the room between a join and what is below it, beside that of an arrow: for a label and for gates."""
        label = max([self._measures.label(hop.label).height for hop in (step.up, *step.gates) if hop.label], default=0.0)
        return max(label, 2 * TRACK if step.gates else 0.0)

    def _labelled(self, source: Vertex, hops: Sequence[Hop], y: float) -> float:
        """Put the label of what leaves a vertex below it, and return the room that it takes."""
        hop = next((hop for hop in hops if hop.label), None)
        if hop is None:
            return 0.0
        size, x = self._measures.label(hop.label), self._measures.exit(source, hop.value)
        self._label(hop, Rectangle(x + size.left, y + 1, x + size.right, y + 1 + size.height))
        return size.height + 1

    def _label(self, hop: Hop, place: Rectangle) -> None:
        self._out.labels.append((hop, place))
        self._out.shapes.append(place)

    # -- lines --

    def _skip(self, step: Step, i: int, end: float, low: float, turn: float) -> None:
        """Draw a skip: from the end of what goes down, straight across, past its boxes or up through its strand."""
        out, hops = self._out, step.ways
        x, lane = self._exit(step), self._lanes[i]
        joined = step.joined
        if isinstance(joined, Box):
            side = self._x - self._measures.size(joined).left
            finish: tuple[Point, ...] = (Point(side, turn),)
        else:
            side = self._x + self._measures.entry(joined, hops[-1].value)
            finish = (Point(side, turn), Point(side, turn - _TURN))
        start = [Point(x, end), Point(x, low)]
        if lane.shapes:
            axis = self._to - _ARROW - lane.right
            enters = axis + self._measures.entry(step.lane.vertices[0], hops[0].value)
            leaves = axis + self._measures.exit(step.lane.vertices[-1], hops[-1].value)
            bottom = low - _TURN
            out.add_up(lane, axis, bottom)
            out.courses.append((hops[0], (*start, Point(enters, low), Point(enters, bottom))))
            top = Point(leaves, bottom - lane.height)
            out.courses.append((hops[-1], (top, Point(leaves, turn), *finish)))
        else:
            right = self._to
            places: list[tuple[Box, float]] = []
            for box, hop in zip(reversed(step.boxes), reversed(hops), strict=False):
                size = self._measures.size(box)
                axis = right - self._after(hop) - size.right
                places.insert(0, (box, axis))
                right = axis - size.left
            self._row(places, hops, start, finish)
        out.shapes += [across(x, side, low), across(x, side, turn)]

    def _row(self, places: list[tuple[Box, float]], hops: list[Hop], start: list[Point], finish: tuple[Point, ...]) -> None:
        """Draw boxes beside each other, and the pieces of the skip between them."""
        out, turn = self._out, finish[0].y
        for (box, axis), hop, after in zip(places, hops, hops[1:], strict=False):
            size = self._measures.size(box)
            left, right, top = axis - size.left, axis + size.right, turn - size.height / 2
            out.vertices.append((box, Point(axis, top)))
            out.shapes.append(Rectangle(left, top, right, top + size.height))
            out.courses.append((hop, (*start, Point(left, turn))))
            start = [Point(right, turn)]
            if after.label:
                label = self._measures.label(after.label)
                self._label(after, Rectangle(right + 3, turn - 1 - label.height, right + 3 + label.right - label.left, turn - 1))
        out.courses.append((hops[-1], (*start, *finish)))

    def _exit(self, step: Step) -> float:
        return self._measures.exit(step.left.vertices[-1], step.ways[0].value)

    def _turn_up(self, top: float, end: float) -> None:
        """Lead what leaves the bottom to the column that goes up."""
        last, out = self._shape.steps[-1], self._out
        room = self._labelled(self._shape.bottom.vertices[-1], (last.up, *last.gates), end)
        turn = end + room + _TURN
        out.forks.append((last.up, turn))
        out.shapes += [across(0.0, self._x, turn), line(self._x, top - STEP, turn)]
        out.height = turn

    def _cross(self, step: Step, end: Vertex, i: int, bottoms: Sequence[float], turns: Sequence[float]) -> None:
        """Draw what goes from one side of a join to the other, and put a label on what goes up to it."""
        size = self._measures.size(end)
        last = i + 1 == len(turns)
        axis = 0.0 if last else self._x
        if last:
            edge, middle, turn = bottoms[-1], bottoms[-1] - size.height / 2, self._out.height
        else:
            edge = turns[i + 1] + self._border(self._shape.steps[i + 1]) - self._rights[i + 1].height
            middle, turn = edge + size.height / 2, edge - TRACK
            for up in [hop for hop in (step.up, *step.gates) if hop.label][:1]:
                label, x = self._measures.label(up.label), axis + self._measures.exit(end, up.value)
                self._label(up, Rectangle(x + label.left, edge - 1 - label.height, x + label.right, edge - 1))
        for hop in step.gates:
            x = axis + self._measures.exit(end, hop.value)
            box, place = next((box, place) for box, place in self._out.vertices if box is hop.target)
            below = place.y + self._measures.size(box).height
            self._out.courses.append((hop, (Point(x, edge), Point(x, turn), Point(place.x, turn), Point(place.x, below))))
        for hop in step.sizes:
            x, beside = self._exit(step), self._to - GAP / 2
            start = (Point(x, bottoms[i]), Point(x, turns[i]), Point(beside, turns[i]), Point(beside, middle))
            self._out.courses.append((hop, (*start, Point(size.right if last else axis - size.left, middle))))
