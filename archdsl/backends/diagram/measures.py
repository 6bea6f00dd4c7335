"""How large the things of a diagram are, before they have a place."""

from __future__ import annotations

from collections.abc import Set

from archdsl.backends.diagram import theme
from archdsl.backends.diagram.blocks import Size
from archdsl.backends.diagram.labels import Words, box_lines, caption_lines, glyph, text_size
from archdsl.backends.diagram.levels import Port, Vertex
from archdsl.backends.diagram.model import Box, Diagram, Frame, Kind, Table
from archdsl.backends.diagram.placed import Direction
from archdsl.backends.diagram.text_width import text_width


def words_size(lines: list[Words], size: float) -> tuple[float, float]:
    """Return the width and the height of lines of words."""
    width = max((sum(text_width(part.text, size, bold=part.main) for part in line) for line in lines), default=0.0)
    return width, len(lines) * size * theme.LINE_HEIGHT


def trunk_of(diagram: Diagram) -> Set[str]:
    """Return the keys of boxes and frames on the longest way."""
    trunk = set(diagram.trunk)
    return trunk | {frame.key for frame in diagram.frames if any(box.key in trunk for box in frame.boxes())}


class PlacedFrame:
    """What the frame around a frame has to know of it: its size, and where values cross its border."""

    def __init__(self, size: Size, entries: dict[str, float], exits: dict[str, float]) -> None:
        self.size, self.entries, self.exits = size, entries, exits


class DiagramMeasures:
    """The sizes of vertices along and across the flow. Frames are added from the inside out."""

    def __init__(self, diagram: Diagram, direction: Direction) -> None:
        self.direction: Direction = direction
        self.frames: dict[str, PlacedFrame] = {}
        self.borders: dict[int, float] = {}
        """Where the border of an opened frame is crossed along the flow, by the identity of the port: the room along it."""
        self.trunk = trunk_of(diagram)
        self._sizes: dict[str, Size] = {}

    def size(self, vertex: Vertex) -> Size:
        """Return the size of a vertex."""
        if isinstance(vertex, Port):
            return Size(0.0, 0.0, self.borders.get(id(vertex), 0.0))
        if isinstance(vertex, Frame):
            return self.frames[vertex.key].size
        found = self._sizes.get(vertex.key)
        if found is None:
            width, height = box_size(vertex, self.direction)
            if self.direction == "right":
                width, height = height, width
            found = self._sizes[vertex.key] = Size(width / 2, width / 2, height)
        return found

    def entry(self, vertex: Vertex, value: str) -> float:
        """Return where a value comes in."""
        return self.frames[vertex.key].entries[value] if isinstance(vertex, Frame) else 0.0

    def exit(self, vertex: Vertex, value: str) -> float:
        """Return where a value goes out."""
        return self.frames[vertex.key].exits[value] if isinstance(vertex, Frame) else 0.0

    def label(self, text: str) -> Size:
        """Return the room of a label beside its line: to the right of one that goes down, above one that goes right."""
        width, height = text_width(text, theme.SMALL_SIZE) + 2, theme.SMALL_SIZE * theme.LINE_HEIGHT
        if self.direction == "right":
            return Size(-height - 1, -1.0, width + 4)
        return Size(4.0, 4.0 + width, height)


def box_size(box: Box, direction: Direction) -> tuple[float, float]:
    """Return the width and the height of a box on the page."""
    if box.kind is Kind.FORK:
        return 0.0, 0.0
    if glyph(box) is not None:
        return theme.JOIN_SIZE, theme.JOIN_SIZE
    lines = box_lines(box, direction)
    width, height = words_size(lines, text_size(box))
    if box.kind is Kind.TAG:
        return width + 2 * (theme.TAG_POINT + theme.TAG_PADDING), height + 4
    if box.kind is Kind.BAR:
        return max(width + 10, theme.BAR_WIDTH), theme.BAR_HEIGHT
    return max(width + 2 * theme.CARD_PADDING, theme.CARD_WIDTH), max(height + 7, theme.CARD_HEIGHT)


def caption_size(frame: Frame, *, split: bool) -> tuple[float, float]:
    """Return the width and the height of the words of a frame."""
    return words_size(caption_lines(frame, split=split), theme.SMALL_SIZE)


def table_columns(table: Table) -> list[float]:
    """Return the width of each column of a table."""
    rows = [table.columns, *table.rows]
    return [max(text_width(row[i], theme.SMALL_SIZE) for row in rows) + theme.COLUMN_GAP for i in range(len(table.columns))]


def table_size(table: Table | None) -> tuple[float, float]:
    """Return the width and the height of a table; zero without one."""
    if table is None:
        return 0.0, 0.0
    return sum(table_columns(table)), (len(table.rows) + 1) * theme.SMALL_SIZE * theme.LINE_HEIGHT
