"""A diagram as a Mermaid flowchart, for Markdown pages that draw it themselves."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.backends.diagram.labels import box_lines, glyph
from archdsl.backends.diagram.markup import clean, shorten
from archdsl.backends.diagram.model import Box, Diagram, Edge, Frame, Kind
from archdsl.backends.diagram.theme import Theme
from archdsl.ir import Usage
from archdsl.ops.base import Category


def to_mermaid(diagram: Diagram, colors: Theme, *, right: bool = False) -> str:
    """Return the text of a flowchart."""
    lines = [f"flowchart {'LR' if right else 'TB'}"]
    lines += _items(diagram.root, "  ")
    lines += [_edge(edge) for edge in diagram.edges]
    shown = {box.category for box in diagram.boxes}
    for category in Category:
        if category in shown:
            paint = colors.paints[category]
            lines.append(f"  classDef {_class(category)} fill:{paint.fill},stroke:{paint.line},color:{colors.ink}")
    lines += _styles(diagram, colors)
    return "\n".join([*lines, ""])


def _items(frame: Frame, indent: str) -> Iterator[str]:
    for item in frame.items:
        if isinstance(item, Box):
            yield f"{indent}{item.key}{_shape(item)}:::{_class(item.category)}"
        else:
            yield f"{indent}subgraph {item.key}[{_quoted(item.title)}]"
            yield from _items(item, indent + "  ")
            yield f"{indent}end"


def _shape(box: Box) -> str:
    if box.kind is Kind.FORK:
        return '((" "))'
    words = " ".join("".join(part.text for part in line) for line in box_lines(box))
    if glyph(box) is not None:
        return f"(({_quoted(words)}))"
    if box.kind is Kind.TAG:
        return f"{{{{{_quoted(words)}}}}}"
    if box.kind in (Kind.INPUT, Kind.RESULT, Kind.OUTPUT, Kind.HEAD):
        return f"([{_quoted(words)}])"
    return f"[{_quoted(words)}]" if box.kind is Kind.BAR else f"({_quoted(words)})"


def _edge(edge: Edge) -> str:
    dashed = edge.projection or edge.size_only or edge.usage is not Usage.ALWAYS
    arrow = "-.->" if dashed else "---" if edge.target.startswith("fork_") else "-->"
    label = f"|{_quoted(edge.label)}|" if edge.label else ""
    return f"  {edge.source} {arrow}{label} {edge.target}"


def _styles(diagram: Diagram, colors: Theme) -> Iterator[str]:
    """Yield the colours of single edges and boxes."""
    for i, edge in enumerate(diagram.edges):
        color = colors.error if edge.failed else colors.size if edge.size_only else ""
        color = color or (colors.skip if edge.skip or edge.projection else "")
        if color:
            yield f"  linkStyle {i} stroke:{color}"
    for box in diagram.boxes:
        if box.failed:
            yield f"  style {box.key} stroke:{colors.error},stroke-width:2px"


def _class(category: Category) -> str:
    return f"kind_{category.name.lower()}"


def _quoted(text: str) -> str:
    """Return text in quotes, in which anything but letters, digits and a few signs is written as a character's number."""
    plain = clean(shorten(text)) or " "
    return '"' + "".join(c if c.isalnum() or c in " .,:/+-=()×·–" else f"#{ord(c)};" for c in plain) + '"'
