"""Columns: what the text aligns over several lines stays aligned, in the narrowest columns that hold it.

A token is aligned if more blanks stand before it than its place needs, and a token at the same place of another line begins,
or ends, in the same column. Places are the same if they have the same brackets around them and the same sign beside them: the
third number in each row of a list, what follows a `;`, an `=`. Empty lines divide what can be aligned.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator
from typing import Final, NamedTuple

from archdsl.formatting.layout import TOP, WIDTH, Layout
from archdsl.formatting.positions import Positions, positions_in_result, positions_in_text
from archdsl.syntax import nodes as ast
from archdsl.syntax.error_context import KEYWORDS

_ROUNDS: Final = 8
_STANDS_OUT: Final = 8
"""How far a line may be off a column and still belong to it."""
_MARKS: Final = frozenset(KEYWORDS) | frozenset(";,:=({[+-*/%<>") | {"->", "//", "==", "!=", "<=", ">="}
"""What says by standing beside a token what place it has."""


class _Cell(NamedTuple):
    """What may stand in a column: the first and the last token, and the columns of its start and end in the text."""

    line: int
    first: int
    last: int | None
    """None if its end cannot be aligned."""
    start: int
    end: int
    padded: bool
    occurrence: int = 0
    """How many cells of its line stand before it at the same place."""


class _Column(NamedTuple):
    """Cells that begin or end in one column of the text."""

    position: int
    by_start: bool
    cells: list[_Cell]
    others: list[_Cell]
    """The cells at this place that are in no column."""
    ranks: dict[int, int]
    """The order of the lines that have this place."""


def align(layout: Layout) -> dict[int, int]:
    """Pad the tokens in columns. Return how many more blanks to put before the comments that stand before a token.

    What is aligned is decided again in the result, until nothing changes, so that the result stays as it is when it is formatted
    again. Nothing is aligned if that has no end.
    """
    positions = positions_in_text(layout)
    for _ in range(_ROUNDS):
        before = layout.pads
        layout.pads = [0] * len(before)
        comment_pads = _aligned(layout, positions)
        following = positions_in_result(layout, comment_pads)
        if following == positions:
            return comment_pads
        positions = following
    layout.pads = [0] * len(layout.pads)
    return {}


def _aligned(layout: Layout, positions: Positions) -> dict[int, int]:
    """Pad the tokens that are aligned in these positions. Return the blanks before comments.

    Columns are widened from the left, so that each is where the ones before it push it.
    """
    finder = _Finder(layout, positions)
    comments: list[tuple[int, int, int]] = []  # section, column, token behind
    cells: dict[Hashable, list[_Cell]] = defaultdict(list)
    for section in _sections(layout):
        padded = any(positions.padded[i] for start, end in section for i in range(start + 1, end))
        for start, end in section:
            if padded:
                seen = Counter[Hashable]()
                for index in range(start + 1, end):
                    cell = finder.cell(index, start, end)
                    if cell is not None:
                        place = section[0], finder.place(index)
                        cells[place].append(cell._replace(occurrence=seen[place]))
                        seen[place] += 1
            if end in positions.comments:
                comments.append((section[0][0], positions.comments[end], end))
    columns = [column for group in cells.values() for column in _columns(group)]
    for column in sorted(columns, key=lambda column: (column.position, column.by_start)):
        _pad(layout, column)
    return _comment_pads(layout, comments)


def _sections(layout: Layout) -> Iterator[list[tuple[int, int]]]:
    """Yield the lines between empty ones, each as its first token and the one behind its last."""
    start, section = 0, list[tuple[int, int]]()
    while start < len(layout.tokens):
        end = layout.line_end(start)
        if section and (layout.is_below_blank(start) or any(blank for _, blank in layout.comments_above(start))):
            yield section
            section = []
        section.append((start, end))
        start = end
    if section:
        yield section


class _Finder:
    """Finds what may be aligned, and in which places."""

    def __init__(self, layout: Layout, positions: Positions) -> None:
        self._layout, self._positions = layout, positions
        self._ordinals = _ordinals(layout)
        self._broken = [0]
        for broken in layout.breaks:
            self._broken.append(self._broken[-1] + bool(broken))

    def cell(self, index: int, line: int, end: int) -> _Cell | None:
        """Return the cell that begins with a token, on a line that begins with `line`; None if nothing can be aligned there."""
        layout, starts = self._layout, self._positions.starts
        start = starts[index]
        if start is None or layout.tokens[index].text in (",", ")", "]"):
            return None
        first_item = layout.groups[index] == index - 1 and not layout.is_body(index - 1) and layout.has_items(index - 1)
        if not layout.blanks(index) and not first_item:
            return None
        last, stop = self._last(index, end), start
        if last is not None:
            last_start = starts[last]
            if last_start is None or None in starts[index:last]:
                last = None
            else:
                stop = last_start + len(layout.tokens[last].text)
        return _Cell(line, index, last, start, stop, self._positions.padded[index])

    def _last(self, index: int, end: int) -> int | None:
        """Return the last token of a cell whose end can be aligned: an item, or a number."""
        layout, group = self._layout, self._layout.groups[index]
        if index == group + 1 or layout.tokens[index - 1].text == ",":
            if layout.is_body(group):
                return None
            at = index
            while at < end and not (layout.groups[at] == group and layout.tokens[at].text in (",", ")", "]")):
                at = layout.closes.get(at, at) + 1
            return at - 1 if at < end else None
        at = index + (layout.tokens[index].text in ("+", "-"))
        return at if at < end and layout.tokens[at].text[0].isdigit() else None

    def place(self, index: int) -> Hashable:
        """Return what says where a token stands: the brackets around it, and a sign beside it.

        The outermost brackets are a body, or such with several lines.
        """
        layout = self._layout
        group, path = layout.groups[index], list[object]()
        while not (group == TOP or layout.is_open_body(group) or self._has_lines(group)):
            path += [self._ordinals[group], layout.tokens[group].text]
            group = layout.groups[group]
        before, token = layout.tokens[index - 1].text, layout.tokens[index].text
        sign: object = None
        if layout.separated(index):
            sign = ";"
        elif before == ",":
            sign = self._ordinals[index]
        elif before in _MARKS and not (before in "+-" and isinstance(layout.tokens[index - 1].node, ast.Unary)):
            sign = "after", before
        elif token in _MARKS:
            sign = "before", token
        return group, *path[1:], sign  # not which member of the outermost brackets it stands in: rows have the same columns

    def _has_lines(self, opening: int) -> bool:
        """Whether brackets have line breaks inside."""
        return self._broken[self._layout.closes[opening] + 1] > self._broken[opening + 1]


def _ordinals(layout: Layout) -> list[int]:
    """Return for each token how many commas of its brackets stand before it."""
    found, counts = list[int](), dict[int, int]()
    for index, token in enumerate(layout.tokens):
        group = layout.groups[index]
        found.append(counts.get(group, 0))
        if token.text == ",":
            counts[group] = counts.get(group, 0) + 1
    return found


def _columns(cells: list[_Cell]) -> list[_Column]:
    """Return the columns that cells at one place of several lines form: those with the most cells first."""
    found: dict[tuple[int, bool], list[_Cell]] = defaultdict(list)
    for cell in cells:
        found[cell.start, True].append(cell)
        if cell.last is not None:
            found[cell.end, False].append(cell)
    taken, others, columns = set[int](), list[_Cell](), list[_Column]()
    ranks = {line: rank for rank, line in enumerate(sorted({cell.line for cell in cells}))}
    for (position, by_start), members in sorted(found.items(), key=lambda item: (-len(item[1]), not item[0][1], item[0][0])):
        free = [cell for cell in members if cell.first not in taken]
        if len({cell.line for cell in free}) > 1 and any(cell.padded for cell in free):
            taken.update(cell.first for cell in free)
            columns.append(_Column(position, by_start, free, others, ranks))
    others += [cell for cell in cells if cell.first not in taken]
    return columns


def _pad(layout: Layout, column: _Column) -> None:
    """Pad the cells of a column to the one that is furthest right. Nothing is padded if a line would become too long."""
    while joined := _joining(layout, column):
        column.cells.append(joined)
        column.others.remove(joined)
    ends = [(cell, _reach(layout, column, cell)) for cell in column.cells]
    target = max(end for _, end in ends)
    for cell, end in ends:
        layout.pads[cell.first] += target - end
    if any(_overflows(layout, cell.line) for cell, end in ends if end < target):
        for cell, end in ends:
            layout.pads[cell.first] -= target - end


def _joining(layout: Layout, column: _Column) -> _Cell | None:
    """Return a cell of a line next to a column that belongs to it, although a change of its line has moved it; None if none does.

    It is close, and either padded, or it stands out with the same kind of statement before and behind it.
    """
    target = max(_reach(layout, column, cell) for cell in column.cells)
    for cell in column.others:
        if cell.last is None and not column.by_start:
            continue
        rank = column.ranks[cell.line]
        others = [member for member in column.cells if member.occurrence == cell.occurrence]
        near = [member for member in others if abs(column.ranks[member.line] - rank) == 1]
        position = cell.start if column.by_start else cell.end
        distances = (_reach(layout, column, cell) - target, position - column.position)  # in the result, and in the text
        close = any(abs(distance) <= _STANDS_OUT for distance in distances)
        stands_out = any(0 < distance <= _STANDS_OUT for distance in distances)
        alike = any(_kind(layout, member) == _kind(layout, cell) for member in near)
        if (
            near
            and cell.line not in {member.line for member in column.cells}
            and ((cell.padded and close) or (stands_out and alike))
        ):
            return cell
    return None


def _reach(layout: Layout, column: _Column, cell: _Cell) -> int:
    """Return the column of what is aligned, without padding: the start of a cell, or its end."""
    return layout.column(cell.first) + (0 if column.by_start else _width(layout, cell))


def _kind(layout: Layout, cell: _Cell) -> list[str]:
    """Return which words and signs a line and a cell begin with."""
    tokens = layout.tokens
    beginnings = [*tokens[cell.line : cell.line + 2], *tokens[cell.first : cell.first + 2]]
    return [token.text if token.text in _MARKS else "" for token in beginnings]


def _width(layout: Layout, cell: _Cell) -> int:
    return layout.span_width(cell.first, cell.last + 1) if cell.last is not None else 0


def _overflows(layout: Layout, line: int) -> bool:
    return layout.indent(line) + layout.span_width(line, layout.line_end(line)) > WIDTH


def _comment_pads(layout: Layout, comments: Iterable[tuple[int, int, int]]) -> dict[int, int]:
    """Return how far to move the comments at the ends of lines that stand in one column of the text."""
    groups: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for section, column, end in comments:
        line = layout.line_start(end - 1)
        groups[section, column].append((end, layout.indent(line) + layout.span_width(line, end)))
    pads: dict[int, int] = {}
    for members in groups.values():
        target = max(width for _, width in members)
        pads |= {end: target - width for end, width in members}
    return pads
