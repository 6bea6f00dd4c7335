"""The layout of strands and bundles: one thing below the other on one axis, and side by side between a fork and a join."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from typing import Protocol

from archdsl.backends.diagram.beside import Side
from archdsl.backends.diagram.blocks import GAP, Block, Size, across, coarse, distance, line, mirrored, outermost, thinned, tracks
from archdsl.backends.diagram.levels import Hop, Port, Vertex
from archdsl.backends.diagram.model import Box, Kind
from archdsl.backends.diagram.placed import Point, Rectangle
from archdsl.backends.diagram.strands import Bundle, Link, Strand, Tangle, strands_in

STEP = 15.0
"""Points from one vertex to the next."""
TRACK = 6.0
"""Points between lines that run across the flow side by side."""
_SIDE_BY_SIDE = 3
"""From so many branches on, none of them goes straight on."""
_RIGHT_BIAS = 40.0
"""Points that something may be further out to stand on the right."""
_ARROW = 7.0
_BEND = 7.0
"""Points along the flow from what is beside a vertex to the line into the vertex."""
NEAR = 5.0
"""Points from the corner of a box in which no line enters it."""


class Measures(Protocol):
    """What is known of vertices before anything is placed."""

    trunk: Set[str]
    """The keys of boxes and frames on the longest way."""

    def size(self, vertex: Vertex) -> Size:
        """Return the size of a vertex."""

    def entry(self, vertex: Vertex, value: str) -> float:
        """Return the x, from the axis of a vertex, at which a value comes in."""

    def exit(self, vertex: Vertex, value: str) -> float:
        """Return the x, from the axis of a vertex, at which a value goes out."""

    def label(self, text: str) -> Size:
        """Return the size of a label on an edge, on either side of its line."""


class StrandLayout:
    """Places strands. `tangle` places what is neither strand nor bundle."""

    def __init__(self, measures: Measures, tangle: Callable[[Tangle], Block]) -> None:
        self._measures, self._tangle = measures, tangle
        self._lanes: set[Hop] = set()
        """Hops that go past everything between their ends."""
        self._laid_out: dict[int, Block] = {}
        """The blocks of inner strands, while the strand around them all is laid out."""
        self.left_first = False
        """Whether what stands beside a trunk does so on its left, unless that is much further out."""
        self._sides: dict[int, Block] = {}
        """What stands beside a vertex and leads into it, by the identity of the vertex."""

    def put_beside(self, sides: Iterable[Side]) -> None:
        """Note what shall stand beside the vertices of strands that are laid out from here on."""
        self._sides = {}
        self._sides = {id(side.target): self.strand(side.strand) for side in sides}

    def strand(self, strand: Strand) -> Block:
        """Return a strand with all its vertices on its axis; the ways before and after it are open."""
        known = self._laid_out.pop(id(strand), None)
        if known is not None:
            return known
        for inner in reversed(list(strands_in(strand))):  # those within others first
            self._laid_out[id(inner)] = self._in_line(inner)
        block = self._laid_out[id(strand)]
        self._laid_out.clear()
        return block

    def _in_line(self, strand: Strand) -> Block:
        """Return a strand, whose inner strands are laid out."""
        out = Block()
        y, last = 0.0, len(strand.vertices)
        for i, link in enumerate(strand.links):
            source = strand.vertices[i - 1] if i else None
            target = strand.vertices[i] if i < last else None
            block = self._link(link, source, target)
            if source is None:
                out.starts = block.starts
            else:
                y += self._fork(out, source, block, y, alone=isinstance(link, Hop))
            out.add(block, 0.0, y)
            y += block.height
            if target is None:
                out.ends = block.ends
            else:
                y = self._join(out, target, block, y, gap=self._gap(link, source, target))
        out.height = y
        return out

    def _gap(self, link: Link, source: Vertex | None, target: Vertex) -> float:
        """Return the room before a vertex: less inside a frame's border, which has a margin, and none at its beginning."""
        if source is None and not isinstance(link, Bundle | Tangle):
            return 0.0
        inside = isinstance(source, Port) and source.enters
        if isinstance(target, Port):
            return 0.0 if inside or not target.enters else STEP - 3
        if isinstance(target, Box) and target.kind is Kind.FORK:
            return 0.0
        return STEP / 2 if inside else STEP - 3

    # -- what is between two vertices --

    def _link(self, link: Link, source: Vertex | None, target: Vertex | None) -> Block:
        """Return what is between two vertices, open at both ends; a vertex is None if it is outside the strand."""
        if link is None:
            return Block()
        if isinstance(link, Bundle):
            return self._bundle(link)
        if isinstance(link, Tangle):
            return self._tangle(link)
        begins = self._measures.exit(source, link.value) if source is not None else None
        ends = self._measures.entry(target, link.value) if target is not None else None
        x = ends if ends is not None else begins if begins is not None else 0.0
        return Block(starts=[(link, x)], ends=[(link, x)])

    def _fork(self, out: Block, source: Vertex, block: Block, y: float, *, alone: bool) -> float:
        """Lead the ways that begin at a vertex to where they go on, and return the room that this takes."""
        room, turned = 0.0, []
        labelled: set[str] = set()
        for hop, x in block.starts:
            at = self._measures.exit(source, hop.value)
            if hop.label and hop.value not in labelled:
                labelled.add(hop.value)
                size = self._measures.label(hop.label)
                others = [self._measures.exit(source, other.value) for other, _ in block.starts if other.value != hop.value]
                if not covers(at, size, others):
                    place = Rectangle(at + size.left, y + 1, at + size.right, y + 1 + size.height)
                    out.labels.append((hop, place))
                    out.shapes.append(place)
                    room = max(room, size.height + 1)
            if abs(x - at) > 0.01:
                turned.append((hop, x, at))
        lanes = tracks((min(x, at), max(x, at), hop.value) for hop, x, at in turned)
        height = room + (TRACK * (max(lanes.values(), default=0) + 1) if turned else 0.0)
        for hop, x, at in turned:
            turn = y + room + TRACK * (lanes[hop.value] + 1) - 1
            out.forks.append((hop, turn))
            out.shapes.append(across(x, at, turn))
        if not alone and block.starts:
            height += STEP - TRACK
        return height

    def _join(self, out: Block, target: Vertex, block: Block, y: float, *, gap: float) -> float:
        """Lead the ways into a vertex, place it, and return where it ends."""
        ends = block.ends
        size = self._widened(out, target, ends)
        sides: list[tuple[Hop, float]] = []
        turned: list[tuple[Hop, float, float]] = []
        for hop, x in ends:
            into = self._measures.entry(target, hop.value)
            if isinstance(target, Box) and target.kind is not Kind.FORK:
                at = into_top(target, size, x)
                if at is None:
                    sides.append((hop, x))
                elif abs(x - at) > 0.01:
                    turned.append((hop, x, at))
            elif abs(x - into) > 0.01:
                turned.append((hop, x, into))
        lanes = tracks((min(x, into), max(x, into), f"{hop.value} {into}") for hop, x, into in turned)
        room = gap + (TRACK * (max(lanes.values(), default=0) + 1) if turned else 0.0)
        top = y + room
        beside = self._sides.get(id(target))
        if beside is not None and ends:
            top = max(top, beside.height - (size.height if _is_single(beside) else size.height / 2 - _BEND))
        for hop, x, into in turned:
            turn = top - _ARROW - TRACK * (lanes[f"{hop.value} {into}"]) - 1
            out.joins.append((hop, turn))
            out.shapes.append(across(x, into, turn))
        middle = top + size.height / 2
        for hop, x in sides:
            out.joins.append((hop, None))
            out.shapes += [across(x, size.right if x > 0 else -size.left, middle), line(x, y, middle)]
        out.vertices.append((target, Point(0.0, top)))
        out.shapes.append(Rectangle(-size.left, top, size.right, top + size.height))
        if beside is not None:
            self._put_beside(out, beside, size, top, on_left=any(x > 0 for _, x in sides))
        return top + size.height

    def _put_beside(self, out: Block, beside: Block, size: Size, top: float, *, on_left: bool) -> None:
        """Place what leads into the side of a vertex: level with it if it is one box, or else above that."""
        middle, single = top + size.height / 2, _is_single(beside)
        start = middle - _BEND - beside.height
        if single:  # not below the vertex, where a label may be
            start = top + size.height - max(beside.height, (size.height + beside.height) / 2)
        shapes = [shape.moved(0.0, start) for shape in beside.shapes]
        shapes += [line(x, start, middle) for _, x in beside.ends if not single]
        fixed = [*out.shapes, Rectangle(-size.left, top, size.right + STEP - GAP, top + size.height)]
        x = -distance(mirrored(fixed), mirrored(shapes)) if on_left else distance(fixed, shapes)
        out.add(beside, x, start)
        side = -size.left if on_left else size.right
        for hop, leaves in beside.ends:
            if single:
                begin = x + (beside.right if on_left else beside.left)
                out.courses.append((hop, (Point(begin, middle), Point(side, middle))))
            else:
                out.joins.append((hop, None))
                out.shapes.append(line(x + leaves, start + beside.height, middle))
            out.shapes.append(across(x + leaves, side, middle))

    def _widened(self, out: Block, target: Vertex, ends: Sequence[tuple[Hop, float]]) -> Size:
        """Return the size of a vertex, that of a bar so that it reaches as far as what it joins."""
        size = self._measures.size(target)
        if isinstance(target, Box) and target.kind is Kind.BAR:
            xs = [x for hop, x in ends if hop not in self._lanes]
            size = Size(max(size.left, 8 - min(xs, default=0.0)), max(size.right, 8 + max(xs, default=0.0)), size.height)
            out.wide.append((target, size))
        return size

    # -- side by side --

    def _bundle(self, bundle: Bundle) -> Block:
        """Return strands side by side, the trunk among them on the axis."""
        strands = bundle.strands
        blocks = [self.strand(strand) for strand in strands]
        height = max(block.height for block in blocks)
        trunk = self._trunk_of(strands, blocks)
        placed: list[tuple[int, float]] = []
        out = Block(height=height)
        padded = [self._padded(strand, block, height) for strand, block in zip(strands, blocks, strict=True)]
        branches = [i for i, strand in enumerate(strands) if strand.vertices]
        inside = all(strand.links[0] is not None and strand.links[-1] is not None for strand in strands)
        if len(branches) >= _SIDE_BY_SIDE and inside:
            placed = self._in_a_row(branches, padded)
        else:
            placed = [(trunk, 0.0)]
        around = [i for i in range(len(strands)) if i not in {i for i, _ in placed}]
        shapes = [shape.moved(x, 0.0) for i, x in placed for shape in padded[i].shapes]
        for i in sorted(around, key=lambda i: (not strands[i].vertices, i)):
            x = self._beside(shapes, padded[i].shapes)
            placed.append((i, x))
            shapes = thinned([*shapes, *(shape.moved(x, 0.0) for shape in padded[i].shapes)])
        for i, x in sorted(placed):
            out.add(padded[i], x, 0.0)
            out.starts += [(hop, x + at) for hop, at in padded[i].starts]
            out.ends += [(hop, x + at) for hop, at in padded[i].ends]
        out.shapes = thinned(out.shapes)
        return out

    def _trunk_of(self, strands: Sequence[Strand], blocks: Sequence[Block]) -> int:
        trunk = self._measures.trunk
        for i, strand in enumerate(strands):
            if any(not isinstance(vertex, Port) and vertex.key in trunk for vertex in strand.vertices):
                return i
        found = [i for i, strand in enumerate(strands) if not strand.begins_with_tag] or list(range(len(strands)))
        return max(found, key=lambda i: (blocks[i].height, bool(strands[i].vertices), -self._bend(strands[i]), -i))

    def _bend(self, strand: Strand) -> float:
        """Return how far from the axis of its source a hop begins."""
        hop = strand.links[0]
        return abs(self._measures.exit(hop.source, hop.value)) if isinstance(hop, Hop) else 0.0

    def _padded(self, strand: Strand, block: Block, height: float) -> Block:
        """Return a strand of a bundle as high as the bundle: in its middle, or at the border that it touches."""
        starts, ends = strand.links[0] is None, strand.links[-1] is None
        y = 0.0 if starts or ends else (height - block.height) / 2
        if starts and not ends and not any(_is_input(vertex) for vertex in strand.vertices):
            y = height - block.height  # what takes nothing stands near what takes it
        out = Block(height=height, starts=block.starts, ends=block.ends)
        out.add(block, 0.0, y)
        if y > 0.0 or not block.shapes:
            out.shapes += [line(x, 0.0, y) for _, x in block.starts]
        if y + block.height < height:
            out.shapes += [line(x, y + block.height, height) for _, x in block.ends]
        if ends and y + block.height < height:  # what leaves the frame here is at the block's end already
            out.shapes += [line(x, y + block.height, height) for port, x in block.ports() if not port.enters]
        if starts and y > 0.0:
            out.shapes += [line(x, 0.0, y) for port, x in block.ports() if port.enters]
        if not strand.vertices and isinstance(strand.links[0], Hop):
            self._lanes.add(strand.links[0])
            out.bends.append((strand.links[0], (Point(0.0, 0.0), Point(0.0, height))))
        return out

    def _in_a_row(self, branches: Sequence[int], blocks: Sequence[Block]) -> list[tuple[int, float]]:
        """Return the places of branches from left to right, with their middle on the axis."""
        shapes = coarse(blocks[branches[0]].shapes)
        places = [0.0]
        for i in branches[1:]:
            new = coarse(blocks[i].shapes)
            places.append(distance(shapes, new))
            shapes = outermost(shapes, [shape.moved(places[-1], 0.0) for shape in new])
        middle = (places[0] + places[-1]) / 2
        near = min(places, key=lambda x: abs(x - middle))
        if len(places) % 2 and abs(near - middle) < GAP:
            middle = near
        return [(i, x - middle) for i, x in zip(branches, places, strict=True)]

    def side_by_side(self, block: Block, others: Sequence[Block]) -> Block:
        """Return a block that neither begins nor ends on a line, with others beside it."""
        out = Block(height=max(part.height for part in (block, *others)))
        out.add(block, 0.0, 0.0)
        for other in others:
            out.add(other, self._beside(out.shapes, other.shapes), 0.0)
        return out

    def _beside(self, fixed: Sequence[Rectangle], moved: Sequence[Rectangle]) -> float:
        fixed, moved = coarse(fixed), coarse(moved)
        right = distance(fixed, moved)
        left = distance(mirrored(fixed), mirrored(moved))
        bias = -_RIGHT_BIAS if self.left_first else _RIGHT_BIAS
        return right if right <= left + bias else -left


def into_top(box: Box, size: Size, x: float) -> float | None:
    """Return the x, from a box's axis, at which a line that comes along the flow at x enters it; None if at its side."""
    if abs(x) < 0.01:
        return 0.0
    near = 2.0 if box.kind is Kind.JOIN else NEAR
    if not -size.left - near < x < size.right + near:
        return None
    return min(max(x, near - size.left), size.right - near)


def covers(x: float, label: Size, others: Iterable[float]) -> bool:
    """Return whether a label beside a line at x would cover another line along the flow."""
    return any(x + min(label.left, 0.0) < other < x + max(label.right, 0.0) and other != x for other in others)


def _is_single(block: Block) -> bool:
    """Return whether a block is one vertex."""
    return len(block.vertices) == 1 and all(not part.vertices and not part.parts for _, part in block.parts)


def _is_input(vertex: Vertex) -> bool:
    return isinstance(vertex, Port) or (isinstance(vertex, Box) and vertex.kind is Kind.INPUT)
