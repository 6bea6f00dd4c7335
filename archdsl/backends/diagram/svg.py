"""A picture as SVG: groups that are the blocks of the network, words as text, and names and descriptions for readers.

One self-contained file that a browser shows and that Inkscape and PowerPoint can edit.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from hashlib import sha256
from html import escape

from archdsl.backends.diagram import theme
from archdsl.backends.diagram.course import course_of
from archdsl.backends.diagram.markup import clean
from archdsl.backends.diagram.model import Box, Edge, Frame
from archdsl.backends.diagram.scene import Dash, Group, Item, Scene, Shape, Text, Way
from archdsl.source import SourceFile

_SVG = "http://www.w3.org/2000/svg"
_LINE, _STEP, _MOST_CHARACTERS = 90, 20, 1000
"""Characters in a line of a picture of text, points from line to line, and characters of a sentence."""
_DASHES: dict[Dash, str] = {"solid": "", "dashed": ' stroke-dasharray="5 3"', "dotted": ' stroke-dasharray="1.5 2.5"'}


def to_svg(scene: Scene, source: SourceFile | None = None, *, width: float | None = None) -> bytes:
    """Return a scene as SVG, `width` points wide if given. With a `source`, boxes have their lines in it as `data-lines`."""
    return _Writer(scene, source).text(width).encode()


class _Writer:
    def __init__(self, scene: Scene, source: SourceFile | None) -> None:
        self._scene, self._source = scene, source
        diagram = scene.drawing.diagram
        self._names = {box.key: _escaped(_tooltip(box)) for box in diagram.boxes}
        self._ids: dict[str, int] = {}

    def text(self, width: float | None) -> str:
        scene, diagram = self._scene, self._scene.drawing.diagram
        body = "".join(self._items(scene.items, "\n"))
        mark = f"archdsl-{sha256(clean(diagram.name + body).encode()).hexdigest()[:12]}"
        body = body.replace('id="', f'id="{mark}-')
        scale = (width or scene.width) / scene.width
        facts = ". ".join(part for part in (diagram.doc.rstrip("."), ", ".join(diagram.facts)) if part)
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<svg xmlns="{_SVG}" width="{scene.width * scale:.2f}pt" height="{scene.height * scale:.2f}pt"'
            f' viewBox="0 0 {scene.width:.2f} {scene.height:.2f}" role="img" aria-labelledby="{mark}-title {mark}-text"'
            f' font-family="{theme.FONT}" stroke-linejoin="round">'
            f'<title id="{mark}-title">{_escaped(f"{diagram.name}: network architecture")}</title>'
            f'<desc id="{mark}-text">{_escaped(facts)}</desc>'
            f'\n<rect width="{scene.width:.2f}" height="{scene.height:.2f}" fill="{scene.theme.page}"/>'
            f"{body}\n</svg>\n"
        )

    def _items(self, items: list[Item], indent: str) -> Iterator[str]:
        for item in items:
            if isinstance(item, Group):
                yield f"{indent}<g{self._attributes(item)}>{self._title(item)}"
                yield from self._items(item.items, indent + " ")
                yield "</g>"
            elif isinstance(item, Shape):
                yield _shape(item)
            elif isinstance(item, Way):
                yield _way(item)
            else:
                yield _text(item)

    def _attributes(self, group: Group) -> str:
        kind = {Box: "box", Frame: "block", Edge: "edge"}.get(type(group.of), "")
        words = f' id="{self._unique(group.name)}"' + (f' class="{kind}"' if kind else "")
        if isinstance(group.of, Box) and self._source is not None:
            spans = [node.span for node in group.of.nodes if node.span is not None]
            lines = sorted({span.line_column[0] for span in spans if span.file is self._source})
            words += f' data-lines="{" ".join(map(str, lines))}"' if lines else ""
        return words

    def _unique(self, name: str) -> str:
        """Return a name that no other element has, of characters that may stand in one."""
        plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in name[:80]) or "part"
        number = self._ids[plain] = self._ids.get(plain, 0) + 1
        return plain if number == 1 else f"{plain}-{number}"

    def _title(self, group: Group) -> str:
        of = group.of
        text = ""
        if isinstance(of, Box):
            text = self._names[of.key]
        elif isinstance(of, Frame):
            text = _escaped(of.full_title)
        elif isinstance(of, Edge) and self._names[of.source] and self._names[of.target]:
            text = f"{self._names[of.source]} → {self._names[of.target]}"
        return f"<title>{text}</title>" if text else ""


def _tooltip(box: Box) -> str:
    return f"{box.name}: {box.text}" if box.name else box.text


def _escaped(text: str) -> str:
    return escape(clean(text), quote=False)


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _shape(shape: Shape) -> str:
    place = shape.place
    stroke = f' stroke="{shape.line}" stroke-width="{_n(shape.width)}"' if shape.width else ""
    corner = f' rx="{_n(shape.corner)}"' if shape.corner else ""
    fill = shape.fill or "none"
    return (
        f'<rect x="{_n(place.left)}" y="{_n(place.top)}" width="{_n(place.width)}" height="{_n(place.height)}"{corner}'
        f' fill="{fill}"{stroke}{_DASHES[shape.dash]}/>'
    )


def _text(text: Text) -> str:
    anchor = ' text-anchor="middle"' if text.middle else ""
    words = "".join(
        f'<tspan font-weight="bold">{_escaped(part.text)}</tspan>' if part.main else _escaped(part.text) for part in text.words
    )
    return (
        f'<text x="{_n(text.x)}" y="{_n(text.y)}"{anchor} font-size="{_n(text.size)}" fill="{text.color}" xml:space="preserve">'
        f"{words}</text>"
    )


def _way(way: Way) -> str:
    course = course_of(way)
    path = f"M{_n(course.start.x)} {_n(course.start.y)}"
    for before, corner, after in course.corners:
        path += f"L{_n(before.x)} {_n(before.y)}Q{_n(corner.x)} {_n(corner.y)} {_n(after.x)} {_n(after.y)}"
    path += f"L{_n(course.end.x)} {_n(course.end.y)}"
    head = ""
    if course.tip:
        corners = " ".join(f"{_n(point.x)},{_n(point.y)}" for point in course.tip)
        head = f'<polygon points="{corners}" fill="{way.color}"/>'
    dash = _DASHES[way.dash]
    return f'<path d="{path}" fill="none" stroke="{way.color}" stroke-width="{_n(way.width)}"{dash}/>{head}'


def text_picture(sentences: list[str]) -> str:
    """Return an SVG element with a few sentences, in place of a diagram that cannot be drawn."""
    lines = [line for sentence in sentences for line in textwrap.wrap(clean(sentence[:_MOST_CHARACTERS]), _LINE)]
    height = 2 * _STEP + _STEP * len(lines)
    font = 'font-family="sans-serif" font-size="13"'
    texts = [f'<text x="12" y="{_STEP * (i + 1.8):g}" {font}>{escape(line)}</text>' for i, line in enumerate(lines)]
    return f'<svg xmlns="{_SVG}" role="img" width="{8 * _LINE}" height="{height}">{"".join(texts)}</svg>'
