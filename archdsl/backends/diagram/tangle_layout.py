"""The layout of tangles: cells in rows and columns, and wires in the channels between them.

Every vertex, and every strand between two of them, has a cell. A row is as far from the beginning as the longest way to it; a
column is a resolution, or where that says nothing a chain. Wires run in the channels between rows and columns, where no cells
are, or along a column through rows where it has none; in a channel each has a track of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from archdsl.backends.diagram.blocks import GAP, Block, tracks
from archdsl.backends.diagram.levels import LaneOf
from archdsl.backends.diagram.placed import Point, Rectangle
from archdsl.backends.diagram.strand_layout import STEP, TRACK, Measures, covers
from archdsl.backends.diagram.strands import Strand, Tangle
from archdsl.backends.diagram.tangle_cells import Cell, TangleCells, Wire


class TangleLayout:
    """Places one tangle. `lane_of` says which resolution a vertex has, None if none."""

    def __init__(self, tangle: Tangle, measures: Measures, strand: Callable[[Strand], Block], lane_of: LaneOf) -> None:
        self._measures = measures
        found = TangleCells(tangle, measures, strand, lane_of)
        self._cells, self._wires, self._rows = found.cells, found.wires, found.rows
        self._align(found.run_side_by_side())
        self._lead()

    # -- columns --

    def _align(self, side_by_side: bool) -> None:
        found = dict.fromkeys(cell.lane for cell in self._cells if cell.lane is not None)  # a set has another order each time
        lanes = sorted(found, key=lambda lane: lane[0], reverse=True)  # type: ignore[index]
        if side_by_side and len(lanes) < len(self._cells):
            self._columns_by_lane(lanes)
        else:
            self._columns_by_chain()

    def _columns_by_lane(self, lanes: Sequence[Hashable]) -> None:
        """Give each resolution a column, the finest the first, or several if cells of it are in one row."""
        taken: dict[tuple[Hashable, int], int] = {}
        depth: dict[Hashable, int] = dict.fromkeys(lanes, 1)
        for cell in sorted(self._cells, key=lambda cell: not cell.trunk):
            lane = cell.lane if cell.lane is not None else lanes[0]
            number = taken.get((lane, cell.row), 0)
            taken[lane, cell.row] = number + 1
            depth[lane] = max(depth[lane], number + 1)
            cell.column = number
        start = 0
        starts = {}
        for lane in lanes:
            starts[lane] = start
            start += depth[lane]
        for cell in self._cells:
            cell.column += starts[cell.lane if cell.lane is not None else lanes[0]]

    def _columns_by_chain(self) -> None:
        """Give the trunk a column, and each other cell that of a neighbour before it where that is free, or one nearby."""
        taken: set[tuple[int, int]] = set()
        for cell in self._cells:
            if cell.trunk and (cell.row, 0) not in taken:
                taken.add((cell.row, 0))
            else:
                cell.trunk = False
        for cell in self._cells:
            if cell.trunk:
                continue
            near = [before.column for before in cell.before if not before.trunk] or [after.column for after in cell.after]
            wish = near[0] if near else 1
            wish = wish or 1
            tries = [wish, *(column for step in range(1, len(self._cells) + 1) for column in (wish + step, wish - step))]
            cell.column = next(column for column in tries if column and (cell.row, column) not in taken)
            taken.add((cell.row, cell.column))
        least = min((cell.column for cell in self._cells), default=0)
        for cell in self._cells:
            cell.column -= least

    # -- wires --

    def _lead(self) -> None:
        """Choose the way of each wire: straight down its source's column or its target's where these are free, or a corridor."""
        busy: dict[tuple[int, int], str] = {(cell.row, cell.column): "" for cell in self._cells}
        self._columns = max((cell.column for cell in self._cells), default=0) + 1
        for wire in sorted(self._wires, key=self._passes):
            wire.first = wire.source.row + 1 if wire.source is not None else 0
            wire.last = wire.target.row if wire.target is not None else self._rows
            rows = range(wire.first, wire.last)
            if not rows and wire.source is not None and wire.target is not None:
                continue
            wishes = []
            if wire.source is not None:
                wishes.append(wire.source.column)
            if wire.target is not None:
                wishes.append(wire.target.column)
            for column in wishes:
                if all(busy.get((row, column), wire.hop.value) == wire.hop.value for row in rows):
                    busy |= {(row, column): wire.hop.value for row in rows}
                    wire.down = 2 * column + 1
                    break
            else:
                columns = wishes[::-1]
                towards = columns[-1] > columns[0] if len(columns) > 1 else True
                wire.down = 2 * columns[0] + (2 if towards else 0) if columns else 2 * self._columns

    def _passes(self, wire: Wire) -> int:
        first = wire.source.row + 1 if wire.source is not None else 0
        return (wire.target.row if wire.target is not None else self._rows) - first

    # -- places --

    def block(self) -> Block:
        """Return the tangle as a block."""
        xs, corridors = self._across()
        channels, channel_tracks, label_room = self._along(xs, corridors)
        out = Block()
        y = 0.0
        tops, channel_top = [], []
        heights = [0.0] * self._rows
        for cell in self._cells:
            heights[cell.row] = max(heights[cell.row], cell.height)
        for row in range(self._rows):
            channel_top.append(y)
            y += channels[row]
            tops.append(y)
            y += heights[row]
        channel_top.append(y)
        out.height = y + channels[self._rows]
        for cell in self._cells:
            x, top = xs[cell.column], tops[cell.row]
            if cell.tagged:  # near what takes it
                top += heights[cell.row] - cell.height
            if cell.vertex is not None:
                out.vertices.append((cell.vertex, Point(x, top)))
                out.shapes.append(Rectangle(x - cell.left, top, x + cell.right, top + cell.height))
            elif cell.block is not None:
                out.add(cell.block, x, top)
        for wire in self._wires:
            self._draw(out, wire, xs, corridors, channel_top, channel_tracks, label_room)
        edges = [x for cell in self._cells for x in (xs[cell.column] - cell.left, xs[cell.column] + cell.right)]
        edges += list(corridors.values())
        out.shapes.append(Rectangle(min(edges) - 3, 0.0, max(edges) + 3, out.height))
        return out

    def _across(self) -> tuple[list[float], dict[tuple[int, str], float]]:
        """Return the x of the axis of each column, and of each wire in a corridor."""
        used: dict[int, list[tuple[float, float, str]]] = {}
        for wire in self._wires:
            if wire.down is not None and wire.down % 2 == 0:
                used.setdefault(wire.down, []).append((wire.first, wire.last, wire.hop.value))
        columns: dict[int, list[Cell]] = {}
        for cell in self._cells:
            columns.setdefault(cell.column, []).append(cell)
        labels: dict[int, float] = {}
        for wire in self._wires:
            if wire.hop.label and wire.source is not None:
                labels[wire.source.column] = max(
                    labels.get(wire.source.column, 0.0), wire.leaves + self._measures.label(wire.hop.label).right
                )
        xs: list[float] = []
        corridors: dict[tuple[int, str], float] = {}
        x = 0.0
        for column in range(self._columns + 1):
            found = tracks(used.get(2 * column, ()))
            x += GAP if column else 0.0
            for name, track in found.items():
                corridors[2 * column, name] = x + TRACK * track
            x += TRACK * (max(found.values()) + 1) + GAP - TRACK if found else 0.0
            if column < self._columns:
                own = columns.get(column, ())
                xs.append(x + max((cell.left for cell in own), default=1.0))
                x = xs[-1] + max(*(cell.right for cell in own), labels.get(column, 0.0), 1.0)
        main = next((cell.column for cell in self._cells if cell.trunk), (self._columns - 1) // 2)
        shift = xs[main]
        return [x - shift for x in xs], {key: x - shift for key, x in corridors.items()}

    def _along(
        self, xs: Sequence[float], corridors: dict[tuple[int, str], float]
    ) -> tuple[list[float], list[dict[str, int]], list[float]]:
        """Return for each channel between rows its height, the track of each wire, and the room of labels before them.

        A wire that comes down where another one goes on down turns first.
        """
        comes: list[dict[int, str]] = [{} for _ in range(self._rows + 1)]
        goes_on: list[dict[int, str]] = [{} for _ in range(self._rows + 1)]
        spans: list[list[tuple[float, float, str]]] = [[] for _ in range(self._rows + 1)]
        labels = [0.0] * (self._rows + 1)
        for wire in self._wires:
            if wire.source is not None and wire.hop.label:
                labels[wire.first] = max(labels[wire.first], self._measures.label(wire.hop.label).height + 1)
            begin, down, end = self._course(wire, xs, corridors)
            for channel, low, high in self._turns(wire):
                spans[channel].append((min(low, high), max(low, high), wire.hop.value))
                leaves = wire.source is not None and channel == wire.first
                comes[channel][round(begin if leaves else down)] = wire.hop.value
                goes_on[channel][round(down if leaves and wire.down is not None else end)] = wire.hop.value
        found = [
            tracks(channel, [(name, below[x]) for x, name in above.items() if x in below])
            for channel, above, below in zip(spans, comes, goes_on, strict=True)
        ]
        heights = []
        for row, used in enumerate(found):
            count = max(used.values(), default=-1) + 1
            edge = row in (0, self._rows)
            heights.append(labels[row] + TRACK * count + (0.0 if edge and not count else STEP - 4))
        return heights, found, labels

    def _turns(self, wire: Wire) -> list[tuple[int, float, float]]:
        """Return the channels in which a wire goes across, from where to where in halves of columns."""
        source = 2 * wire.source.column + 1 if wire.source is not None else None
        target = 2 * wire.target.column + 1 if wire.target is not None else None
        if wire.down is None:
            assert source is not None and target is not None
            straight = source == target and wire.leaves == wire.arrives
            return [] if straight else [(wire.first, source, target)]
        turns: list[tuple[int, float, float]] = []
        if source is not None and (source != wire.down or wire.leaves):
            turns.append((wire.first, source, wire.down))
        if target is not None and (target != wire.down or wire.arrives):
            turns.append((wire.last, wire.down, target))
        return turns

    def _course(self, wire: Wire, xs: Sequence[float], corridors: dict[tuple[int, str], float]) -> tuple[float, float, float]:
        """Return the x at which a wire begins, goes past rows, and ends; a border is crossed where it goes past rows."""
        begin = xs[wire.source.column] + wire.leaves if wire.source is not None else None
        end = xs[wire.target.column] + wire.arrives if wire.target is not None else None
        if wire.down is None:
            assert begin is not None and end is not None
            return begin, begin, end
        down = xs[wire.down // 2] if wire.down % 2 else corridors[wire.down, wire.hop.value]
        return down if begin is None else begin, down, down if end is None else end

    def _draw(
        self,
        out: Block,
        wire: Wire,
        xs: Sequence[float],
        corridors: dict[tuple[int, str], float],
        tops: Sequence[float],
        found: Sequence[dict[str, int]],
        labels: Sequence[float],
    ) -> None:
        begin, down, end = self._course(wire, xs, corridors)

        def level(channel: int) -> float:
            return tops[channel] + labels[channel] + TRACK * (found[channel].get(wire.hop.value, 0) + 1) - 2

        points: list[Point] = []
        if wire.source is None:
            out.starts.append((wire.hop, down))
            points.append(Point(down, 0.0))
        elif wire.down is not None and begin != down:
            points += [Point(begin, level(wire.first)), Point(down, level(wire.first))]
        if wire.target is None:
            out.ends.append((wire.hop, down))
            points.append(Point(down, out.height))
        elif end != down:
            points += [Point(down, level(wire.last)), Point(end, level(wire.last))]
        else:
            points.append(Point(end, level(wire.last)))
        out.bends.append((wire.hop, tuple(points)))
        if wire.source is not None and wire.hop.label:
            size = self._measures.label(wire.hop.label)
            others = {other.leaves for other in self._wires if other.source is wire.source}
            if covers(wire.leaves, size, others):
                return
            top = tops[wire.first] + 1
            out.labels.append((wire.hop, Rectangle(begin + size.left, top, begin + size.right, top + size.height)))
