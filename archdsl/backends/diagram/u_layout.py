"""Networks that go down in resolution and come up again, as a U: equal resolutions level, skips straight across.

A U is a strand with a bundle of a skip and a strand of lower resolution, in which there is such a bundle again. What is before
each bundle goes down on the left, what is after it goes up on the right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from archdsl.backends.diagram.blocks import Block, Size, across, line
from archdsl.backends.diagram.levels import Hop, Port, Vertex
from archdsl.backends.diagram.model import Box, Frame
from archdsl.backends.diagram.placed import Point, Rectangle
from archdsl.backends.diagram.strands import Bundle, Strand, strands_in

_LEAST_LEVELS = 2
_BETWEEN = 48.0
"""Points between the columns."""
_STEP = 15.0
_TURN = 9.0

LaneOf = Callable[[Vertex], tuple[float, str] | None]


class Step(NamedTuple):
    """A level of a U: what goes down to it, what comes up from it, the skip between them, and the hops below."""

    left: Strand
    right: Strand
    skip: Hop
    down: Hop
    up: Hop
    joined: Box


class UShape(NamedTuple):
    """The levels of a U from the finest to the coarsest, and what is below them all."""

    steps: tuple[Step, ...]
    bottom: Strand


def u_shape(strand: Strand, lane_of: LaneOf, fits: Callable[[Strand], bool]) -> UShape | None:
    """Return a strand as a U; None if it is none. `fits` says whether a strand can be drawn upwards."""
    steps: list[Step] = []
    while (step := _step(strand, lane_of, fits)) is not None:
        steps.append(step[0])
        strand = step[1]
    bottom = Strand([None, *strand.links[1:-1], None], strand.vertices)
    return UShape(tuple(steps), bottom) if len(steps) >= _LEAST_LEVELS else None


def _step(strand: Strand, lane_of: LaneOf, fits: Callable[[Strand], bool]) -> tuple[Step, Strand] | None:
    for i, link in enumerate(strand.links):
        if not isinstance(link, Bundle) or len(link.strands) != 2 or not 0 < i < len(strand.vertices):
            continue
        inner, lane = sorted(link.strands, key=lambda one: not one.vertices)
        joined = strand.vertices[i]
        ends = [inner.links[0], lane.links[0], inner.links[-1]]
        if not inner.vertices or lane.vertices or not all(isinstance(hop, Hop) for hop in ends) or not isinstance(joined, Box):
            continue
        sizes = [size for vertex in inner.vertices if (size := lane_of(vertex)) is not None]
        here = lane_of(strand.vertices[i - 1])
        right = Strand([None, *strand.links[i + 1 : -1], None], strand.vertices[i:])
        if here is None or not sizes or min(sizes)[0] >= here[0] or not fits(right):
            continue
        left = Strand([None, *strand.links[1:i], None], strand.vertices[:i])
        down, skip, up = ends
        assert isinstance(down, Hop) and isinstance(skip, Hop) and isinstance(up, Hop)
        return Step(left, right, skip, down, up, joined), inner
    return None


def u_block(
    shape: UShape,
    lay_out: Callable[[Strand], Block],
    size_of: Callable[[Vertex], Size],
    label: Callable[[str], Size],
    exit_of: Callable[[Vertex, str], float],
) -> Block:
    """Return a U as a block: its axis is that of the left column."""
    lefts = [lay_out(step.left) for step in shape.steps]
    rights = [lay_out(step.right) for step in shape.steps]
    bottom = lay_out(shape.bottom)
    x = max(block.right for block in (*lefts, bottom)) - min(block.left for block in rights) + _BETWEEN
    out = Block()
    y = 0.0
    for step, left, right in zip(shape.steps, lefts, rights, strict=True):
        half = size_of(step.joined).height / 2
        y += max(0.0, right.height - left.height - _TURN - half)
        out.add(left, 0.0, y)
        end = y + left.height
        room = _labelled(out, step.left.vertices[-1], (step.skip, step.down), end, label, exit_of)
        turn = end + room + _TURN
        out.add_up(right, x, turn + half)
        side = x - size_of(step.joined).left
        out.forks.append((step.skip, turn))
        out.bends.append((step.skip, (Point(side, turn),)))
        out.joins.append((step.skip, None))
        out.shapes.append(across(0.0, side, turn))
        y = turn + half + _STEP
        out.shapes.append(line(x, turn, y + _STEP))
    out.add(bottom, 0.0, y)
    last = shape.steps[-1]
    end = y + bottom.height
    room = _labelled(out, shape.bottom.vertices[-1], (last.up,), end, label, exit_of)
    out.forks.append((last.up, end + room + _TURN))
    out.shapes += [across(0.0, x, end + room + _TURN), line(x, y - _STEP, end + room + _TURN)]
    out.height = end + room + _TURN
    return out


def _labelled(
    out: Block,
    source: Vertex,
    hops: tuple[Hop, ...],
    y: float,
    label: Callable[[str], Size],
    exit_of: Callable[[Vertex, str], float],
) -> float:
    """Put the label of what leaves a vertex below it, and return the room that it takes."""
    hop = next((hop for hop in hops if hop.label), None)
    if hop is None:
        return 0.0
    size, x = label(hop.label), exit_of(source, hop.value)
    place = Rectangle(x + size.left, y + 1, x + size.right, y + 1 + size.height)
    out.labels.append((hop, place))
    out.shapes.append(place)
    return size.height + 1


def can_go_up(strand: Strand, frames: Mapping[str, tuple[dict[str, float], dict[str, float]]]) -> bool:
    """Return whether a strand may be drawn upwards: nothing leaves it but at its end, and its frames are left where entered."""
    for vertex in (vertex for one in strands_in(strand) for vertex in one.vertices):
        if isinstance(vertex, Port):
            return False
        if isinstance(vertex, Frame):
            for frame in (vertex, *vertex.frames()):
                entries, exits = frames[frame.key]
                if set(exits.values()) != set(entries.values()) or frame.table is not None:
                    return False
    return True
