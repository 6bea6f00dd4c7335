"""Whether a network goes down in resolution and comes up again, as a U-Net does.

A U is a strand with a bundle of a skip and a strand of lower resolution, in which there is such a bundle again. What is before
each bundle goes down on the left, what is after it goes up on the right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from archdsl.backends.diagram.levels import Hop, LaneOf, Level, Port, Vertex
from archdsl.backends.diagram.model import Box, Frame
from archdsl.backends.diagram.strands import Bundle, Strand, strand_of, strands_in

_LEAST_LEVELS = 2


class Step(NamedTuple):
    """A level of a U: what goes down to it, what comes up from it, the skip between them, and the hops to what is below.

    `lane` has the vertices that the skip passes. `gates` lead from the end of what is below into these, `sizes` from the
    beginning of the skip into the end of what is below.
    """

    left: Strand
    right: Strand
    lane: Strand
    down: Hop
    up: Hop
    gates: tuple[Hop, ...] = ()
    sizes: tuple[Hop, ...] = ()

    @property
    def ways(self) -> list[Hop]:
        """The hops of the skip itself. Those within a strand that is drawn as a whole are not among them."""
        return [link for link in self.lane.links if isinstance(link, Hop)]

    @property
    def boxes(self) -> list[Box]:
        """What the skip passes, if that is a chain of boxes; otherwise nothing."""
        plain = all(isinstance(link, Hop) for link in self.lane.links)
        boxes = [vertex for vertex in self.lane.vertices if isinstance(vertex, Box)]
        return boxes if plain and len(boxes) == len(self.lane.vertices) <= _MOST_IN_A_ROW else []

    @property
    def joined(self) -> Vertex:
        """Where the skip ends."""
        return self.right.vertices[0]


_MOST_IN_A_ROW = 2
"""Boxes on a skip that stand beside each other; more are below each other."""


class UShape(NamedTuple):
    """The levels of a U from the finest to the coarsest, and what is below them all."""

    steps: tuple[Step, ...]
    bottom: Strand

    def ends(self) -> list[Vertex]:
        """Return for each level the last vertex of what is below it."""
        return [strand.vertices[-1] for strand in (*(step.right for step in self.steps[1:]), self.bottom)]


def u_shape(level: Level, lane_of: LaneOf, fits: Callable[[Strand], bool]) -> UShape | None:
    """Return a level as a U; None if it is none. `fits` says whether a strand can be drawn upwards."""
    aside = _crossing(level)
    hops = {id(hop) for hop in aside}
    kept = Level(level.frame, level.entries, level.exits, [hop for hop in level.hops if id(hop) not in hops])
    strand = strand_of(kept)
    steps: list[Step] = []
    while (step := _step(strand, lane_of, fits)) is not None:
        steps.append(step[0])
        strand = step[1]
    if len(steps) < _LEAST_LEVELS:
        return None
    return _with_crossing(UShape(tuple(steps), _inner(strand)), aside)


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
    """Return a U with hops that were set aside; None if one of them does not belong to a level."""
    steps, found = [], 0
    for step, end in zip(shape.steps, shape.ends(), strict=True):
        boxes = {id(box) for box in step.boxes}
        gates = tuple([hop for hop in aside if hop.source is end and id(hop.target) in boxes])
        sizes = tuple([hop for hop in aside if hop.source is step.left.vertices[-1] and hop.target is end])
        steps.append(step._replace(gates=gates, sizes=sizes))
        found += len(gates) + len(sizes)
    return shape._replace(steps=tuple(steps)) if found == len(aside) else None


def _step(strand: Strand, lane_of: LaneOf, fits: Callable[[Strand], bool]) -> tuple[Step, Strand] | None:
    for i, link in enumerate(strand.links):
        if not isinstance(link, Bundle) or len(link.strands) != 2 or not 0 < i < len(strand.vertices):
            continue
        here = lane_of(strand.vertices[i - 1])
        lane, inner = sorted(link.strands, key=lambda one: _least(one, lane_of), reverse=True)
        lowest = _least(inner, lane_of)
        ends = (inner.links[0], inner.links[-1], lane.links[0], lane.links[-1])
        if here is None or lowest >= here[0] or lowest >= _least(lane, lane_of) or not all(isinstance(e, Hop) for e in ends):
            continue
        right = Strand([None, *strand.links[i + 1 : -1], None], strand.vertices[i:])
        left = Strand([None, *strand.links[1:i], None], strand.vertices[:i])
        down, up = ends[:2]
        assert isinstance(down, Hop) and isinstance(up, Hop)
        step = Step(left, right, lane, down, up)
        if fits(right) and (step.boxes or not lane.vertices or fits(lane)):
            return step, inner
    return None


def _inner(strand: Strand) -> Strand:
    return Strand([None, *strand.links[1:-1], None], strand.vertices)


def _least(strand: Strand, lane_of: LaneOf) -> float:
    """Return the lowest resolution of the vertices of a strand; infinite if it has none."""
    return min([size[0] for vertex in strand.vertices if (size := lane_of(vertex)) is not None], default=float("inf"))


def can_go_up(strand: Strand, frames: Mapping[str, tuple[dict[str, float], dict[str, float]]]) -> bool:
    """Return whether a strand may be drawn upwards: nothing leaves it but at its end, and no title is above an exit."""
    for vertex in (vertex for one in strands_in(strand) for vertex in one.vertices):
        if isinstance(vertex, Port):
            return False
        if isinstance(vertex, Frame):
            for frame in (vertex, *vertex.frames()):
                entries, exits = frames[frame.key]
                low, high = min(entries.values(), default=0.0), max(entries.values(), default=0.0)
                if frame.table is not None or not all(low <= x <= high for x in exits.values()):
                    return False
    return True
