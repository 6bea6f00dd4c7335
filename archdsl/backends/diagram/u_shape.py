"""Whether a network goes down in resolution and comes up again, as a U-Net does.

A U is a ladder: two columns, and rungs between them. A network with a skip around the rest of it is a rung: what is before the
skip goes down on the left, what is after it goes up on the right, and the rest is the ladder below. There may be several rungs of
one resolution.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

from archdsl.backends.diagram.beside import Side
from archdsl.backends.diagram.levels import Hop, LaneOf, Port, Vertex
from archdsl.backends.diagram.model import Box, Diagram, Frame
from archdsl.backends.diagram.strands import Strand, vertices_in


class Skip(NamedTuple):
    """What leads across a rung: pieces of a line, and between them boxes beside each other, or else a strand that goes up.

    The first boxes, `left` of them, belong to frames of the left column. `ports` are where the line crosses frames.
    """

    pieces: tuple[tuple[Hop, ...], ...]
    boxes: tuple[Box, ...] = ()
    left: int = 0
    strand: Strand | None = None
    ports: tuple[Port, ...] = ()


class Rung(NamedTuple):
    """A skip from a `source` to where it is `joined`, what goes down to it, what comes up from it, and hops to what is below.

    Nothing is on the left if the source has another skip above, and on the right if another one above ends there, too. `down` and
    `up` are those of the last such rung, None for the others. `gates` lead from the end of what is below into boxes on the skip,
    `sizes` from the skip into the end of what is below.
    """

    source: Vertex
    joined: Vertex
    left: Strand
    right: Strand
    skip: Skip
    down: Hop | None
    up: Hop | None
    gates: tuple[Hop, ...] = ()
    sizes: tuple[Hop, ...] = ()


class UShape(NamedTuple):
    """The rungs of a U from the finest to the coarsest, and what is below them all.

    `bottom` continues the column that goes down. `turn` leads from there to the one that goes up, which `rise` begins; it may be
    empty. `sides` stand beside boxes of the columns.
    """

    rungs: tuple[Rung, ...]
    bottom: Strand
    turn: Hop
    rise: Strand
    sides: tuple[Side, ...] = ()

    def ends(self) -> list[Vertex]:
        """Return for each rung the last vertex of what is below it."""
        found = [(self.rise if self.rise.vertices else self.bottom).vertices[-1]]
        for rung in reversed(self.rungs[1:]):
            found.append(rung.right.vertices[-1] if rung.right.vertices else found[-1])
        return found[::-1]

    def columns(self) -> tuple[list[Strand], list[Strand]]:
        """Return the strands of the column that goes down and of the one that goes up, in the order of the flow."""
        return [*(rung.left for rung in self.rungs), self.bottom], [self.rise, *(rung.right for rung in reversed(self.rungs))]


def comes_up(diagram: Diagram, lane_of: LaneOf) -> bool:
    """Return whether a network has a higher resolution after a lower one, on the longest way."""
    trunk = set(diagram.trunk)
    sizes = [size[0] for box in diagram.boxes if box.key in trunk and (size := lane_of(box)) is not None]
    return any(a < b for a, b in pairwise(sizes))


def can_go_up(strand: Strand, frames: Mapping[str, tuple[dict[str, float], dict[str, float]]]) -> bool:
    """Return whether a strand may be drawn upwards: no title is above an exit of a frame in it.

    `frames` has the places where values enter and leave each frame.
    """
    for vertex in vertices_in(strand):
        if isinstance(vertex, Frame):
            for frame in (vertex, *vertex.frames()):
                entries, exits = frames[frame.key]
                low, high = min(entries.values(), default=0.0), max(entries.values(), default=0.0)
                if frame.table is not None or not all(low <= x <= high for x in exits.values()):
                    return False
    return True
