"""A diagram as DOT text without places, for Graphviz or another program to lay out.

All words stand in HTML-like labels, where nothing but markup has a meaning, and are escaped for them; the
names of nodes are our own. So no text of a spec can be read as DOT.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archdsl.backends.diagram import theme
from archdsl.backends.diagram.labels import Words, box_lines, caption_lines, glyph, heading_lines, text_size
from archdsl.backends.diagram.markup import font, html, quote, shorten
from archdsl.backends.diagram.model import Box, Diagram, Edge, Frame, Kind
from archdsl.backends.diagram.theme import Theme
from archdsl.ir import Usage

Attributes = Mapping[str, str]
_STYLES = {Usage.ALWAYS: "solid", Usage.TRAINING: "dashed", Usage.NEVER: "dotted"}
_INCH = 72


def to_dot(diagram: Diagram, colors: Theme = theme.THEMES["light"], *, right: bool = False) -> str:
    """Return the DOT text of a diagram."""
    lines = [f"digraph {quote(shorten(diagram.name))} {{", *_defaults(diagram, colors, right)]
    lines += _items(diagram.root, colors, "  ")
    lines += [_edge(edge, colors) for edge in diagram.edges]
    return "\n".join([*lines, "}", ""])


def _defaults(diagram: Diagram, colors: Theme, right: bool) -> Iterator[str]:
    words = {"fontname": theme.FONT, "fontcolor": colors.ink}
    graph = words | {"labelloc": "t", "rankdir": "LR" if right else "TB", "bgcolor": colors.page, "newrank": "true"}
    graph |= {"ranksep": "0.2", "nodesep": "0.22"}
    node = words | {"fontsize": f"{theme.TEXT_SIZE:g}", "margin": "0.12,0.03"}
    node |= {"height": f"{theme.CARD_HEIGHT / _INCH:.2f}", "width": f"{theme.CARD_WIDTH / _INCH:.2f}"}
    edge = words | {"fontsize": f"{theme.SMALL_SIZE:g}", "color": colors.edge, "arrowsize": "0.55"}
    rows = [font(_line(words), size, colors.faint if faint else colors.ink) for words, size, faint in heading_lines(diagram)]
    yield f"  graph {_attributes(graph, '<' + '<BR/>'.join(rows) + '>')};"
    yield f"  node {_attributes(node)};"
    yield f"  edge {_attributes(edge)};"


def _line(words: Words) -> str:
    return "".join(f"<B>{html(part.text)}</B>" if part.main else html(part.text) for part in words)


def _items(frame: Frame, colors: Theme, indent: str) -> Iterator[str]:
    for item in frame.items:
        if isinstance(item, Box):
            yield f"{indent}{quote(item.key)} {_attributes(_box(item, colors), _box_label(item, colors))};"
        else:
            yield f"{indent}subgraph {quote('cluster_' + item.key)} {{"
            rows = [_line(words) for words in caption_lines(item, split=False)]
            color = colors.ink if item.times > 1 else colors.faint
            label = "<" + font('<BR ALIGN="LEFT"/>'.join(rows) or " ", theme.SMALL_SIZE, color) + ">"
            yield f"{indent}  graph {_attributes(_frame(item, colors), label)};"
            yield from _items(item, colors, indent + "  ")
            yield f"{indent}}}"


def _frame(frame: Frame, colors: Theme) -> dict[str, str]:
    training = all(box.usage is Usage.TRAINING for box in frame.boxes())
    paint = colors.head_frame if training else colors.repeat if frame.times > 1 else colors.frame
    if frame.mark is not None:
        paint = theme.MARKS[frame.mark]
    style = "rounded,filled,dashed" if training else "rounded,filled"
    return {"labeljust": "l", "style": style, "fillcolor": paint.fill, "color": paint.line}


def _box(box: Box, colors: Theme) -> dict[str, str]:
    paint = colors.paints[box.category] if box.mark is None else theme.MARKS[box.mark]
    look = {"shape": "box", "style": "rounded,filled", "fillcolor": paint.fill, "color": paint.line}
    if box.mark is not None:
        look |= {"penwidth": str(theme.MARK_WIDTH)}
    if box.kind is Kind.FORK:
        return {"shape": "point", "width": "0.05", "height": "0.05", "color": colors.edge}
    if glyph(box) is not None:
        size = f"{theme.JOIN_SIZE / _INCH:.2f}"
        look |= {"shape": "circle", "fixedsize": "true", "width": size, "height": size, "style": "filled", "margin": "0"}
    elif box.kind is Kind.BAR:
        look |= {"style": "filled", "fillcolor": paint.line, "margin": "0.1,0", "height": "0.2"}
    elif box.kind in (Kind.INPUT, Kind.RESULT, Kind.OUTPUT):
        look["style"] += ",bold"
    elif box.kind is Kind.TAG:
        look |= {"shape": "hexagon", "style": "filled", "margin": "0,0", "height": "0.2", "width": "0"}
    elif box.kind is Kind.HEAD:
        look["color"] = colors.head
    if box.usage is not Usage.ALWAYS:
        look["style"] += f",{_STYLES[box.usage]}"
    if box.failed:
        look["color"] = colors.error
    return look


def _box_label(box: Box, colors: Theme) -> str:
    lines = [_line(words) for words in box_lines(box)]
    if not lines:
        return '""'
    words, ink = "<BR/>".join(lines), colors.bar_ink if box.kind is Kind.BAR else colors.ink
    return f"<{font(words, text_size(box), ink)}>" if text_size(box) != theme.TEXT_SIZE else f"<{words}>"


def _edge(edge: Edge, colors: Theme) -> str:
    look: dict[str, str] = {}
    if edge.skip or edge.projection:
        look |= {"color": colors.skip, "penwidth": f"{theme.SKIP_WIDTH:g}"}
    if edge.projection:
        look["style"] = "dashed"
    if edge.skip:
        look |= {"weight": "0", "tailport": "e", "headport": "e"}
    if edge.size_only:
        look |= {"color": colors.size, "style": "dotted"}
    if edge.failed:
        look["color"] = colors.error
    if edge.usage is not Usage.ALWAYS:
        look["style"] = _STYLES[edge.usage]
    if edge.target.startswith("fork_"):
        look["arrowhead"] = "none"
    label = f"<{font(' ' + html(edge.label) + ' ', theme.SMALL_SIZE, colors.faint)}>" if edge.label else None
    return f"  {quote(edge.source)} -> {quote(edge.target)} {_attributes(look, label)};"


def _attributes(values: Attributes, label: str | None = None) -> str:
    words = [f"{key}={quote(value)}" for key, value in values.items()]
    return "[" + ", ".join([*words, *([f"label={label}"] if label is not None else [])]) + "]"
