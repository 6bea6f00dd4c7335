"""The cells of a tangle and the wires between them: each vertex, and each strand between two of them, is a cell in a row."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from archdsl.backends.diagram.blocks import Block
from archdsl.backends.diagram.levels import Hop, LaneOf, Port, Vertex, is_tag
from archdsl.backends.diagram.model import Box, Frame, Kind
from archdsl.backends.diagram.strand_layout import NEAR, Measures
from archdsl.backends.diagram.strands import Bundle, Strand, Tangle, Tie


@dataclass(eq=False, slots=True)
class Cell:
    """A vertex or a strand in a row and a column. `left` and `right` are how far it extends from its axis."""

    vertex: Vertex | None
    block: Block | None
    left: float
    right: float
    height: float
    lane: Hashable = None
    trunk: bool = False
    border: Literal["", "enters", "leaves"] = ""
    """Whether it has a port."""
    tagged: bool = False
    """Whether it begins with a tag."""
    before: list[Cell] = field(default_factory=list)
    after: list[Cell] = field(default_factory=list)
    arriving: int = 0
    row: int = 0
    column: int = 0

    def ports(self) -> list[Port]:
        """Return the ports in it."""
        if isinstance(self.vertex, Port):
            return [self.vertex]
        return [port for port, _ in self.block.ports()] if self.block is not None else []


@dataclass(eq=False, slots=True)
class Wire:
    """A hop from a cell to a cell, each None beyond the border; x counts from the cell's axis.

    `down` is the column (odd) or the corridor (even) in which it goes past rows; None if it passes none.
    """

    hop: Hop
    source: Cell | None
    target: Cell | None
    leaves: float = 0.0
    arrives: float = 0.0
    down: int | None = None
    first: int = 0
    last: int = 0


def _border(vertices: Sequence[Vertex]) -> Literal["", "enters", "leaves"]:
    found = [vertex.enters for vertex in vertices if isinstance(vertex, Port)]
    return "" if not found else "enters" if all(found) else "leaves"


def _apart(tie: Tie) -> list[Tie]:
    """Return a strand of a tangle; several if some of it begins with tags, which stand near what takes them."""
    link = tie.strand.links[0]
    if tie.strand.vertices or not isinstance(link, Bundle):
        return [tie]
    tagged = [strand for strand in link.strands if strand.begins_with_tag]
    rest = [strand for strand in link.strands if not strand.begins_with_tag]
    if not tagged or not rest:
        return [tie]
    onward = rest[0] if len(rest) == 1 else Strand([Bundle(rest)])
    return [Tie(None, tie.target, strand) for strand in (onward, *tagged)]


def _is_node(vertex: Vertex) -> bool:
    """Whether a vertex is more than an op: a block, or a join."""
    return isinstance(vertex, Frame) or (isinstance(vertex, Box) and vertex.kind in (Kind.BLOCK, Kind.JOIN, Kind.BAR))


def _pieces(strand: Strand, lane_of: LaneOf) -> tuple[list[Strand], list[Hop]]:
    """Return the pieces of a strand that have one resolution each, and the hops between them.

    What only leads to another resolution, such as a convolution before an enlargement, stays with what it leads to.
    """
    pieces, hops, start = list[Strand](), list[Hop](), 0
    for i in range(1, len(strand.vertices)):
        link, before, here = strand.links[i], lane_of(strand.vertices[i - 1]), lane_of(strand.vertices[i])
        changes = isinstance(link, Hop) and before is not None and here is not None and before != here
        if changes and any(_is_node(vertex) for vertex in strand.vertices[start:i]):
            pieces.append(
                Strand([None if start else strand.links[0], *strand.links[start + 1 : i], None], strand.vertices[start:i])
            )
            assert isinstance(link, Hop)
            hops.append(link)
            start = i
    rest = Strand([None, *strand.links[start + 1 :]], strand.vertices[start:]) if start else strand
    return [*pieces, rest], hops


class TangleCells:
    """The cells of a tangle with their rows, sources before targets, and the wires between them.

    Where several resolutions go on side by side, a strand that changes its resolution is a cell for each of them.
    """

    def __init__(self, tangle: Tangle, measures: Measures, strand: Callable[[Strand], Block], lane_of: LaneOf) -> None:
        self._measures, self._strand, self._lane_of = measures, strand, lane_of
        self._make_cells(tangle, whole=True)
        if self.run_side_by_side():
            self._make_cells(tangle, whole=False)
        self._mark_ends_of_trunk()

    @property
    def rows(self) -> int:
        """The number of rows."""
        return max((cell.row for cell in self.cells), default=0) + 1

    def run_side_by_side(self) -> bool:
        """Return whether several resolutions go on beside each other; a trunk alone that changes its own does not."""
        lanes: dict[int, set[Hashable]] = {}
        for wire in self.wires:
            source, target = wire.source, wire.target
            if source is None or target is None or wire.hop.size_only or source.lane is None or source.lane != target.lane:
                continue
            for row in range(source.row, target.row + 1):
                lanes.setdefault(row, set()).add(source.lane)
        return any(len(found) > 1 for found in lanes.values())

    def _make_cells(self, tangle: Tangle, *, whole: bool) -> None:
        """Make the cells and wires, and rank the cells. Strands are one cell each, or else one for each resolution in them."""
        self.wires: list[Wire] = []
        self.cells: list[Cell] = []
        self._of: dict[int, Cell] = {}
        for vertex in tangle.vertices:
            self._of[id(vertex)] = self._cell_of(vertex)
        for tie in [part for whole_tie in tangle.ties for part in _apart(whole_tie)]:
            source = self._of[id(tie.source)] if tie.source is not None else None
            target = self._of[id(tie.target)] if tie.target is not None else None
            pieces, hops = ([tie.strand], []) if whole else _pieces(tie.strand, self._lane_of)
            self._tie_up(pieces, hops, source, target)
        self.cells = self._sorted()
        for wire in self.wires:
            if wire.target is not None and isinstance(wire.target.vertex, Box):
                wire.target.arriving += 1
        self._spread()
        self._rank()

    def _cell_of(self, vertex: Vertex) -> Cell:
        size = self._measures.size(vertex)
        cell = Cell(vertex, None, size.left, size.right, size.height, self._lane_of(vertex))
        cell.trunk = not isinstance(vertex, Port) and vertex.key in self._measures.trunk
        cell.border = _border([vertex])
        cell.tagged = is_tag(vertex)
        return cell

    def _tie_up(self, pieces: Sequence[Strand], hops: Sequence[Hop], source: Cell | None, target: Cell | None) -> None:
        """Make the cells of a strand, or of its pieces with the hops between them, and the wires."""
        link = pieces[0].links[0]
        if not pieces[0].vertices and (link is None or isinstance(link, Hop)):
            self._connect(source, target)
            if link is not None:
                self._wire(link, source, target)
            return
        at = source
        for i, piece in enumerate(pieces):
            cell, block = self._cell_of_strand(piece, target or source)
            self._of[id(cell)] = cell
            self._connect(at, cell)
            if i:
                self._wire(hops[i - 1], at, cell)
            for hop, x in block.starts:
                self.wires.append(Wire(hop, source, cell, self._leaves(hop, source), x))
            for hop, x in block.ends:
                self.wires.append(Wire(hop, cell, target, x, self._arrives(hop, target)))
            at = cell
        self._connect(at, target)

    def _cell_of_strand(self, strand: Strand, beside: Cell | None) -> tuple[Cell, Block]:
        """Return the cell of a strand, which has the resolution that it ends with, or that of a cell beside it."""
        block, vertices = self._strand(strand), strand.vertices
        cell = Cell(None, block, max(-block.left, 1.0), max(block.right, 1.0), block.height)
        cell.lane = (self._lane_of(vertices[-1]) if vertices else None) or (beside.lane if beside is not None else None)
        cell.trunk = any(not isinstance(v, Port) and v.key in self._measures.trunk for v in vertices)
        cell.border = _border([port for port, _ in block.ports()])
        cell.tagged = strand.begins_with_tag
        return cell, block

    def _wire(self, hop: Hop, source: Cell | None, target: Cell | None) -> None:
        self.wires.append(Wire(hop, source, target, self._leaves(hop, source), self._arrives(hop, target)))

    def _connect(self, source: Cell | None, target: Cell | None) -> None:
        if source is not None and target is not None:
            source.after.append(target)
            target.before.append(source)

    def _leaves(self, hop: Hop, source: Cell | None) -> float:
        return self._measures.exit(hop.source, hop.value) if source is not None else 0.0

    def _arrives(self, hop: Hop, target: Cell | None) -> float:
        return self._measures.entry(hop.target, hop.value) if target is not None else 0.0

    def _sorted(self) -> list[Cell]:
        cells = list(self._of.values())
        missing = {id(cell): len(cell.before) for cell in cells}
        ready = [cell for cell in cells if not cell.before]
        order = []
        for cell in ready:
            order.append(cell)
            for after in cell.after:
                missing[id(after)] -= 1
                if not missing[id(after)]:
                    ready.append(after)
        return order

    def _spread(self) -> None:
        """Let several wires into a box arrive side by side."""
        seen: dict[int, int] = {}
        for wire in self.wires:
            cell = wire.target
            if cell is not None and isinstance(cell.vertex, Box) and cell.arriving > 1 and cell.vertex.kind is not Kind.FORK:
                number = seen[id(cell)] = seen.get(id(cell), -1) + 1
                room = min(cell.left, cell.right) - (2.0 if cell.vertex.kind is Kind.JOIN else NEAR)
                step = min(2 * room / (cell.arriving - 1), 16.0)
                wire.arrives = (number - (cell.arriving - 1) / 2) * step

    def _rank(self) -> None:
        for cell in self.cells:
            cell.row = max((before.row + 1 for before in cell.before), default=0)
        for cell in reversed(self.cells):
            if not cell.before and cell.after and not cell.border:
                cell.row = max(min(after.row for after in cell.after) - 1, 0)
        last = max((cell.row for cell in self.cells), default=0)
        for cell in self.cells:  # nothing stands between a port and its border
            if cell.border == "leaves":
                cell.row = last + 1
            elif cell.tagged and not cell.after:
                cell.row = last

    def _mark_ends_of_trunk(self) -> None:
        """Mark the ports through which the trunk enters and leaves, so that it is straight there, too.

        Of several values of the trunk, others are skips: they enter a later cell of it, or leave an earlier one.
        """
        ports = [cell for cell in self.cells if any(port.value in self._measures.trunk for port in cell.ports())]
        entries = [cell for cell in ports if any(after.trunk for after in cell.after)]
        exits = [cell for cell in ports if any(before.trunk for before in cell.before)]
        if entries:
            min(entries, key=lambda cell: min(after.row for after in cell.after if after.trunk)).trunk = True
        if exits:
            max(exits, key=lambda cell: max(before.row for before in cell.before if before.trunk)).trunk = True
