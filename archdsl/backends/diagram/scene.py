"""A drawing as what every format can draw: rectangles, lines and words, in groups that are the blocks of the network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from archdsl.backends.diagram import theme
from archdsl.backends.diagram.labels import Words, box_lines, caption_lines, glyph, heading_lines, plain, text_size
from archdsl.backends.diagram.measures import table_columns
from archdsl.backends.diagram.model import Box, Diagram, Edge, Frame, Kind, Part, Table
from archdsl.backends.diagram.placed import Drawing, Line, Point, Rectangle
from archdsl.backends.diagram.text_width import text_width
from archdsl.backends.diagram.theme import Theme
from archdsl.ir import Usage
from archdsl.ops.base import Category

Dash = Literal["solid", "dashed", "dotted"]
"""How a line is drawn."""
_DASHES: dict[Usage, Dash] = {Usage.ALWAYS: "solid", Usage.TRAINING: "dashed", Usage.NEVER: "dotted"}


@dataclass(frozen=True, slots=True)
class Shape:
    """A rectangle with round corners; a circle if these are as large as it is. One without a fill shows what is behind."""

    place: Rectangle
    fill: str
    line: str
    width: float = 1.0
    corner: float = 0.0
    dash: Dash = "solid"


@dataclass(frozen=True, slots=True)
class Way:
    """A line with round corners, and an arrow at its end."""

    points: tuple[Point, ...]
    color: str
    width: float = 1.0
    dash: Dash = "solid"
    arrow: bool = True


@dataclass(frozen=True, slots=True)
class Text:
    """One line of words; `x` is where they start, or their middle, and `y` their baseline."""

    x: float
    y: float
    words: Words
    size: float
    color: str
    middle: bool = True


@dataclass(eq=False, slots=True)
class Group:
    """Things that belong together. `of` is the box, the frame or the edge that they show; `name` identifies it in a file."""

    name: str
    of: Box | Frame | Edge | None = None
    items: list[Item] = field(default_factory=list)


Item: TypeAlias = "Shape | Way | Text | Group"


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole picture, from back to front."""

    drawing: Drawing
    theme: Theme
    items: list[Item]

    @property
    def width(self) -> float:
        """In points."""
        return self.drawing.page.width

    @property
    def height(self) -> float:
        """In points."""
        return self.drawing.page.height


def scene_of(drawing: Drawing, colors: Theme) -> Scene:
    """Return what is drawn of a drawing in the colours of a theme."""
    return Scene(drawing, colors, list(_Painter(drawing, colors).items()))


class _Painter:
    def __init__(self, drawing: Drawing, colors: Theme) -> None:
        self._drawing, self._colors = drawing, colors

    def items(self) -> Iterator[Item]:
        """Yield bands, the heading, frames with their boxes, and edges."""
        for band in self._drawing.bands:
            words = Text(
                band.place.left + 4, band.place.top + 11, (Part(band.text),), theme.SMALL_SIZE, self._colors.faint, False
            )
            yield Group(f"band {band.text}", None, [Shape(band.place, self._colors.band, self._colors.band, 0.0), words])
        if self._drawing.heading is not None:
            yield from self._heading(self._drawing.heading)
        yield from self._content(self._drawing.diagram.root)
        onward: dict[str, list[Line]] = {}
        for line in self._drawing.lines:
            if not line.edge.skip:
                onward.setdefault(line.edge.source, []).append(line)
        for i, line in enumerate(self._drawing.lines):
            yield self._edge(i, line, _parting(line, onward.get(line.edge.source, ())) if line.edge.skip else line.points)

    # -- the heading --

    def _heading(self, place: Rectangle) -> Iterator[Item]:
        y = place.top
        for words, size, faint in heading_lines(self._drawing.diagram):
            y += size * theme.LINE_HEIGHT
            color = self._colors.faint if faint else self._colors.ink
            yield Text(place.center.x, y - 0.3 * size, words, size, color)
        entries = self._legend()
        width = legend_width(entries)
        x = place.center.x - width / 2
        group = Group("legend")
        for text, paint, color, dash in entries:
            size = text_width(text, theme.SMALL_SIZE)
            swatch = Rectangle(x, y + 6, x + 10, y + 16)
            if paint is not None:
                group.items.append(Shape(swatch, paint.fill, paint.line, 1.0, 2.0))
            else:
                group.items.append(Way((Point(x, y + 11), Point(x + 11, y + 11)), color, theme.SKIP_WIDTH, dash, arrow=False))
            group.items.append(Text(x + 14, y + 14.3, (Part(text),), theme.SMALL_SIZE, color, False))
            x += size + 22
        if entries:
            yield group

    def _legend(self) -> list[tuple[str, theme.Paint | None, str, Dash]]:
        return legend(self._drawing.diagram, self._colors)

    # -- boxes and frames --

    def _content(self, frame: Frame) -> Iterator[Group]:
        for item in frame.items:
            yield self._box(item) if isinstance(item, Box) else self._frame(item)

    def _frame(self, frame: Frame) -> Group:
        training = all(box.usage is Usage.TRAINING for box in frame.boxes())
        many = frame.times > 1
        paint = self._colors.head_frame if training else self._colors.repeat if many else self._colors.frame
        width = theme.REPEAT_WIDTH if many else theme.FRAME_WIDTH
        if frame.mark is not None:
            paint, width = theme.MARKS[frame.mark], theme.MARK_WIDTH
        place = self._drawing.frames[frame.key]
        group = Group(frame.name or frame.key, frame)
        fill = "" if self._drawing.bands else paint.fill
        group.items.append(Shape(place, fill, paint.line, width, 2 * theme.CORNER, "dashed" if training else "solid"))
        caption = self._drawing.captions[frame.key]
        lines = caption_lines(frame, split=False)
        if len(lines) == 1 and caption.width + 0.01 < sum(text_width(p.text, theme.SMALL_SIZE, bold=p.main) for p in lines[0]):
            lines = caption_lines(frame, split=True)
        y = caption.top
        for words in lines:
            y += theme.SMALL_SIZE * theme.LINE_HEIGHT
            ink = self._colors.ink if many else self._colors.faint
            group.items.append(Text(caption.left, y - 0.3 * theme.SMALL_SIZE, words, theme.SMALL_SIZE, ink, False))
        if frame.table is not None:
            group.items += self._table(frame.table, self._drawing.tables[frame.key])
        group.items += self._content(frame)
        return group

    def _table(self, table: Table, place: Rectangle) -> Iterator[Text]:
        widths = table_columns(table)
        y = place.top
        for number, row in enumerate((table.columns, *table.rows)):
            y += theme.SMALL_SIZE * theme.LINE_HEIGHT
            x = place.left
            for width, cell in zip(widths, row, strict=True):
                color = self._colors.faint if number == 0 else self._colors.ink
                yield Text(x, y - 0.3 * theme.SMALL_SIZE, (Part(plain(cell)),), theme.SMALL_SIZE, color, False)
                x += width

    def _box(self, box: Box) -> Group:
        place = self._drawing.boxes[box.key]
        group = Group(box.name or box.key, box)
        paint = self._colors.paints[box.category]
        if box.kind is Kind.FORK:
            r = theme.FORK_SIZE / 2
            dot = Rectangle(place.left - r, place.top - r, place.left + r, place.top + r)
            group.items.append(Shape(dot, self._colors.edge, self._colors.edge, 0.0, r))
            return group
        corner, width = theme.CORNER, 1.0
        fill, line, ink, size = paint.fill, paint.line, self._colors.ink, text_size(box)
        if glyph(box) is not None:
            corner = place.width / 2
        elif box.kind is Kind.BAR:
            fill, ink, corner = paint.line, self._colors.bar_ink, 2.0
        elif box.kind in (Kind.INPUT, Kind.RESULT, Kind.OUTPUT):
            width = 2.0
        elif box.kind is Kind.HEAD:
            line = self._colors.head
        if box.mark is not None:
            fill, line, width = *theme.MARKS[box.mark], theme.MARK_WIDTH
            ink = theme.THEMES["light"].ink
        if box.failed:
            line, width = self._colors.error, 2.2
        if box.kind is Kind.TAG:
            group.items.append(Way(_pointed(place), self._colors.edge, theme.LINE_WIDTH, _DASHES[box.usage], arrow=False))
        else:
            group.items.append(Shape(place, fill, line, width, corner, _DASHES[box.usage]))
        lines = box_lines(box, self._drawing.direction)
        step = size * theme.LINE_HEIGHT
        y = place.center.y - step * len(lines) / 2
        for words in lines:
            y += step
            color = self._colors.error if box.failed and box.kind is not Kind.BAR else ink
            group.items.append(Text(place.center.x, y - 0.32 * size, words, size, color))
        return group

    # -- edges --

    def _edge(self, number: int, line: Line, points: tuple[Point, ...]) -> Group:
        edge = line.edge
        color, width, dash = self._colors.edge, theme.LINE_WIDTH, _DASHES[edge.usage]
        if edge.failed:
            color, width = self._colors.error, 2.0
        elif edge.size_only:
            color, dash = self._colors.size, "dotted"
        elif edge.projection:
            color, width, dash = self._colors.skip, theme.SKIP_WIDTH, "dashed"
        elif edge.skip:
            color, width = self._colors.skip, theme.SKIP_WIDTH
        group = Group(f"edge {number}", edge, [Way(points, color, width, dash, not edge.target.startswith("fork_"))])
        if line.label is not None:
            ink = self._colors.error if edge.failed else self._colors.faint
            y = line.label.bottom - 0.3 * theme.SMALL_SIZE
            group.items.append(Text(line.label.left + 1, y, (Part(plain(edge.label)),), theme.SMALL_SIZE, ink, False))
        return group


def _parting(line: Line, others: Iterable[Line]) -> tuple[Point, ...]:
    """Return the points of a line from where it parts from others that begin in the same place, with the round of its corner."""
    start, corner = line.points[:2]
    shared = 0.0
    for other in others:
        end = other.points[1]
        if other.points[0] == start and _direction(start, end) == _direction(start, corner):
            shared = max(shared, abs(end.x - start.x) + abs(end.y - start.y))
    length = abs(corner.x - start.x) + abs(corner.y - start.y)
    shared = max(min(shared, length - theme.CORNER), 0.0)
    x, y = _direction(start, corner)
    return (Point(start.x + x * shared, start.y + y * shared), *line.points[1:])


def _direction(start: Point, end: Point) -> tuple[int, int]:
    """Return in which direction along each axis a piece of a line goes."""
    return (end.x > start.x) - (end.x < start.x), (end.y > start.y) - (end.y < start.y)


def _pointed(place: Rectangle) -> tuple[Point, ...]:
    """Return the outline of a hexagon with points on the left and on the right, from the middle of its top."""
    left, right, y = place.left + theme.TAG_POINT, place.right - theme.TAG_POINT, place.center.y
    top = Point(place.center.x, place.top)
    return (
        top, Point(right, place.top), Point(place.right, y), Point(right, place.bottom),
        Point(left, place.bottom), Point(place.left, y), Point(left, place.top), top,
    )  # fmt: skip


def legend_width(entries: list[tuple[str, theme.Paint | None, str, Dash]]) -> float:
    """Return the width of a legend."""
    return sum(text_width(text, theme.SMALL_SIZE) + 22 for text, *_ in entries)


def legend(diagram: Diagram, colors: Theme) -> list[tuple[str, theme.Paint | None, str, Dash]]:
    """Return what the legend says: words with a paint, or with the colour and the dashes of a line."""
    found: list[tuple[str, theme.Paint | None, str, Dash]] = [
        (category.value, colors.paints[category], colors.ink, "solid")
        for category in diagram.categories
        if category is not Category.JOIN
    ]
    edges = diagram.edges
    if any(edge.skip and not edge.size_only for edge in edges):
        found.append(("skip", None, colors.skip, "solid"))
    if any(edge.projection for edge in edges):
        found.append(("projection", None, colors.skip, "dashed"))
    if any(edge.size_only for edge in edges):
        found.append(("size only", None, colors.size, "dotted"))
    if any(box.usage is Usage.TRAINING for box in diagram.boxes):
        found.append(("training only", None, colors.head, "dashed"))
    return found
