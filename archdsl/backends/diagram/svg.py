"""Prepare Graphviz's SVG for a page: a title, a description, and tooltips with the names of modules."""

from __future__ import annotations

import textwrap
from hashlib import sha256
from html import escape
from xml.etree import ElementTree

from archdsl.backends.diagram.markup import clean
from archdsl.backends.diagram.model import Box, Diagram
from archdsl.source import SourceFile

_SVG = "http://www.w3.org/2000/svg"
_LINE, _STEP, _MOST_CHARACTERS = 90, 20, 1000
"""Characters in a line of a picture of text, points from line to line, and characters of a sentence."""


def finish_svg(drawn: bytes, diagram: Diagram, source: SourceFile | None = None) -> bytes:
    """Return the picture with text for screen readers and tooltips, as one self-contained file.

    With a `source`, each box has the lines that it was written by, as `data-lines`.
    """
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = ElementTree.fromstring(drawn)
    root.set("role", "img")
    for group in root.iter(f"{{{_SVG}}}g"):
        group.attrib.pop("id", None)  # Graphviz's, the same in every picture of a page
    mark = f"archdsl-{sha256(drawn).hexdigest()[:12]}"
    root.set("aria-labelledby", f"{mark}-title {mark}-text")
    title = ElementTree.Element(f"{{{_SVG}}}title", {"id": f"{mark}-title"})
    title.text = clean(f"{diagram.name}: network architecture")
    description = ElementTree.Element(f"{{{_SVG}}}desc", {"id": f"{mark}-text"})
    description.text = clean(". ".join(part for part in (diagram.doc.rstrip("."), ", ".join(diagram.facts)) if part))
    root[:0] = [title, description]
    if source is not None:
        _add_lines(root, diagram, source)
    _replace_titles(root, diagram)
    picture: str = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{picture}\n'.encode()


def _add_lines(root: ElementTree.Element, diagram: Diagram, source: SourceFile) -> None:
    """Add the lines of the source to each box, while Graphviz's names of the boxes are still there."""
    spans = {box.key: [node.span for node in box.nodes if node.span is not None] for box in diagram.boxes}
    for group in root.iter(f"{{{_SVG}}}g"):
        title = group.find(f"{{{_SVG}}}title")
        name = title.text if title is not None else None
        lines = sorted({span.line_column[0] for span in spans.get(name or "", ()) if span.file is source})
        if lines:
            group.set("data-lines", " ".join(map(str, lines)))


def _replace_titles(root: ElementTree.Element, diagram: Diagram) -> None:
    """Replace the titles: Graphviz writes the names of its nodes there, and a reader needs the names of modules."""
    names = {box.key: _tooltip(box) for box in diagram.boxes} | {f"cluster_{f.key}": f.title for f in diagram.frames}
    for group in root.iter(f"{{{_SVG}}}g"):
        title = group.find(f"{{{_SVG}}}title")
        if title is None:
            continue
        source, arrow, target = (title.text or "").partition("->")
        text = names.get(source, "")
        if group.get("class") == "graph" or not text or (arrow and not names.get(target)):
            group.remove(title)
        else:
            title.text = clean(f"{text} → {names[target]}" if arrow else text)


def _tooltip(box: Box) -> str:
    return f"{box.name}: {box.text}" if box.name else box.text


def text_picture(sentences: list[str]) -> str:
    """Return an SVG element with a few sentences, in place of a diagram that cannot be drawn."""
    lines = [line for sentence in sentences for line in textwrap.wrap(clean(sentence[:_MOST_CHARACTERS]), _LINE)]
    height = 2 * _STEP + _STEP * len(lines)
    font = 'font-family="sans-serif" font-size="13"'
    texts = [f'<text x="12" y="{_STEP * (i + 1.8):g}" {font}>{escape(line)}</text>' for i, line in enumerate(lines)]
    return f'<svg xmlns="{_SVG}" role="img" width="{8 * _LINE}" height="{height}">{"".join(texts)}</svg>'
