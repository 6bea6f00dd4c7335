"""The text of a diagram as Graphviz's HTML-like labels."""

from __future__ import annotations

import textwrap

from archdsl.backends.diagram import theme
from archdsl.backends.diagram.markup import clean, font, html
from archdsl.backends.diagram.model import Box, Diagram, Edge, Frame, Kind
from archdsl.ir import Usage
from archdsl.ops.base import Category, Op


def box_label(box: Box) -> str:
    """Return the text of a box, with the op that has the weights in bold."""
    if box.kind is Kind.FORK:
        return '""'
    if (sign := glyph(box)) is not None:
        return f"<<B>{html(sign)}</B>>"
    if box.kind is Kind.BAR:
        return f"<{font(html(box.text), theme.SMALL_SIZE, theme.PAGE)}>"
    return "<" + " · ".join(f"<B>{html(part.text)}</B>" if part.main else html(part.text) for part in box.parts) + ">"


def glyph(box: Box) -> str | None:
    """Return the sign that a join shows in a circle, if it has one."""
    op = Op.registry.get(box.text) if box.kind is Kind.JOIN else None
    return op.glyph if op is not None else None


def edge_label(edge: Edge) -> str | None:
    """Return the shape on an edge; None if it shows none."""
    return f"<{font(' ' + html(edge.label) + ' ', theme.SMALL_SIZE, theme.FAINT)}>" if edge.label else None


def frame_label(frame: Frame) -> str:
    """Return the title, split into lines if it is long: the trunk enters a frame in the middle, and should not cross text."""
    many = frame.times > 1
    lines = (
        [part for line in frame.heading.lines for part in _parts(line)]
        if len(frame.title) > theme.TITLE_CHARACTERS
        else [frame.title]
    )
    rows = [f"<B>{html(line)}</B>" if many else html(line) for line in lines]
    markup = '<BR ALIGN="LEFT"/>'.join([*rows, *([""] if len(rows) > 1 else [])])
    return f"<{font(markup, theme.SMALL_SIZE, theme.INK if many else theme.FAINT)}>"


def _parts(line: str) -> list[str]:
    """Return a line of a title, broken at a dot if it is long."""
    before, dot, last = line.rpartition(".")
    return [before + dot, last] if dot and len(line) > theme.TITLE_LINE_CHARACTERS else [line]


def page_label(diagram: Diagram) -> str:
    """Name, facts, documentation and the legend."""
    rows = [font(f"<B>{html(diagram.name)}</B>", theme.TITLE_SIZE), font(html("  ·  ".join(diagram.facts)), theme.FACTS_SIZE)]
    lines = textwrap.wrap(clean(diagram.doc[: 4 * theme.DOC_CHARACTERS]), theme.DOC_CHARACTERS, max_lines=2, placeholder=" …")
    rows += [font(html(line), theme.SMALL_SIZE, theme.FAINT) for line in lines]
    cells = "".join(f"<TR><TD>{row}</TD></TR>" for row in [*rows, _legend(diagram)] if row)
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="1" CELLPADDING="1">{cells}</TABLE>>'


def _legend(diagram: Diagram) -> str:
    cells = [
        f'<TD BORDER="1" STYLE="ROUNDED" CELLPADDING="2" COLOR="{paint.line}" BGCOLOR="{paint.fill}">'
        f"{font(html(category.value), theme.SMALL_SIZE)}</TD>"
        for category in diagram.categories
        if category is not Category.JOIN
        for paint in [theme.PAINTS[category]]
    ]
    if any(edge.skip for edge in diagram.edges):
        cells.append(f"<TD>{font('<B>━</B> skip', theme.SMALL_SIZE, theme.SKIP)}</TD>")
    if any(box.usage is Usage.TRAINING for box in diagram.boxes):
        cells.append(f"<TD>{font('╌╌ training only', theme.SMALL_SIZE, theme.HEAD_LINE)}</TD>")
    if not cells:
        return ""
    return f'<TABLE BORDER="0" CELLSPACING="4" CELLPADDING="1"><TR>{"".join(cells)}</TR></TABLE>'
