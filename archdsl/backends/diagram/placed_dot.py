"""A scene as DOT text with a place for everything, which Graphviz draws as PNG or PDF.

Each shape and each line of words is a node, and each line between boxes an edge with its own course.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archdsl.backends.diagram import theme
from archdsl.backends.diagram.course import course_of
from archdsl.backends.diagram.markup import font, html, quote
from archdsl.backends.diagram.placed import Point
from archdsl.backends.diagram.scene import Group, Item, Scene, Shape, Text, Way
from archdsl.backends.diagram.text_width import text_width

_INCH = 72


def to_placed_dot(scene: Scene, *, dpi: float = 72.0, width: float | None = None) -> str:
    """Return the DOT text of a scene, for Graphviz's `nop2`; `width` points wide if given."""
    page = {"bgcolor": scene.theme.page, "pad": "0", "margin": "0", "dpi": f"{dpi:g}", "outputorder": "nodesfirst"}
    page["bb"] = f"0,0,{scene.width:.2f},{scene.height:.2f}"
    if width is not None:
        page["size"] = f"{width / _INCH:.4f},{width * scene.height / scene.width / _INCH:.4f}"
    writer = _Writer(scene)
    lines = ["digraph {", f"  graph {_attributes(page)};", '  node [label="", fixedsize=true];']
    return "\n".join([*lines, *writer.corners(), *writer.items(scene.items), "}", ""])


def _attributes(values: Mapping[str, str], label: str | None = None) -> str:
    words = [f"{key}={quote(value)}" for key, value in values.items()]
    return "[" + ", ".join([*words, *([f"label={label}"] if label is not None else [])]) + "]"


class _Writer:
    def __init__(self, scene: Scene) -> None:
        self._scene, self._count = scene, 0

    def corners(self) -> Iterator[str]:
        """Yield two nodes that nobody sees, in the corners of the page: the picture is as large as what is in it."""
        for x, y in ((0.0, 0.0), (self._scene.width, self._scene.height)):
            look = {"shape": "point", "style": "invis", "width": "0", "height": "0", "pos": self._at(Point(x, y))}
            yield f"  {quote(f'c{x:.0f}')} {_attributes(look)};"

    def items(self, items: list[Item]) -> Iterator[str]:
        """Yield a statement for each thing, in order."""
        for item in items:
            if isinstance(item, Group):
                yield from self.items(item.items)
            elif isinstance(item, Shape):
                yield self._shape(item)
            elif isinstance(item, Text):
                yield self._text(item)
            else:
                yield from self._way(item)

    def _at(self, point: Point) -> str:
        return f"{point.x:.2f},{self._scene.height - point.y:.2f}"

    def _name(self) -> str:
        self._count += 1
        return f"n{self._count}"

    def _shape(self, shape: Shape) -> str:
        place = shape.place
        round_one = shape.corner >= place.width / 2 - 0.01
        style = "filled" if round_one or not shape.corner else "rounded,filled"
        look = {
            "shape": "circle" if round_one else "box",
            "style": f"{style},{shape.dash}" if shape.dash != "solid" else style,
            "pos": self._at(place.center),
            "width": f"{place.width / _INCH:.4f}",
            "height": f"{place.height / _INCH:.4f}",
            "fillcolor": shape.fill or "transparent",
            "color": shape.line,
            "penwidth": f"{shape.width:g}",
        }
        return f"  {quote(self._name())} {_attributes(look)};"

    def _text(self, text: Text) -> str:
        words = "".join(f"<B>{html(part.text)}</B>" if part.main else html(part.text) for part in text.words)
        height = text.size * theme.LINE_HEIGHT
        middle = Point(text.x, text.y + 0.32 * text.size - height / 2)
        look = {"shape": "plain", "pos": self._at(middle), "fontname": theme.FONT, "fixedsize": "false"}
        if not text.middle:
            width = sum(text_width(part.text, text.size, bold=part.main) for part in text.words) + 2
            look |= {"pos": self._at(Point(text.x + width / 2, middle.y))}
            cell = f'<TD FIXEDSIZE="TRUE" WIDTH="{width:.0f}" HEIGHT="{height:.0f}" ALIGN="LEFT">'
            label = f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"><TR>{cell}' + "{}</TD></TR></TABLE>>"
            return f"  {quote(self._name())} {_attributes(look, label.format(font(words, text.size, text.color)))};"
        return f"  {quote(self._name())} {_attributes(look, f'<{font(words, text.size, text.color)}>')};"

    def _way(self, way: Way) -> Iterator[str]:
        course = course_of(way)
        tip = f"e,{self._at(course.tip[0])} " if course.tip else ""
        points = [course.start]
        for before, corner, after in course.corners:
            points += [*_straight(points[-1], before), _between(before, corner), _between(after, corner), after]
        points += _straight(points[-1], course.end)
        look = {"pos": tip + " ".join(map(self._at, points)), "color": way.color, "penwidth": f"{way.width:g}"}
        look |= {"style": way.dash, "arrowsize": "0.6", "arrowhead": "normal" if way.arrow else "none"}
        ends = []
        for point in (course.start, way.points[-1]):
            ends.append(self._name())
            spot = {"shape": "point", "style": "invis", "width": "0", "height": "0", "pos": self._at(point)}
            yield f"  {quote(ends[-1])} {_attributes(spot)};"
        yield f"  {quote(ends[0])} -> {quote(ends[1])} {_attributes(look)};"


def _straight(a: Point, b: Point) -> list[Point]:
    """Return the remaining control points of a cubic that is a straight line."""
    return [Point((2 * a.x + b.x) / 3, (2 * a.y + b.y) / 3), Point((a.x + 2 * b.x) / 3, (a.y + 2 * b.y) / 3), b]


def _between(end: Point, corner: Point) -> Point:
    """Return the control point of a cubic that is the quadratic around a corner."""
    return Point(end.x + 2 * (corner.x - end.x) / 3, end.y + 2 * (corner.y - end.y) / 3)
