"""A report as sections of paragraphs, tables and curves, and its three forms: text, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final, NamedTuple, TypeAlias

from archdsl.html_page import Markup, html_page, html_table
from archdsl.reports.curve import Curve, curve_svg
from archdsl.text_table import BOLD, Cell, format_columns


class Table(NamedTuple):
    """Rows below titles; `align` has `<` or `>` for each column. A `long` one is left out of text, and folded in HTML."""

    titles: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    align: str
    caption: str = ""
    long: bool = False


Part: TypeAlias = "str | Table | Curve"
"""A part of a section: a paragraph, in which code is between backticks, a table, or a curve, which only HTML shows."""


class Section(NamedTuple):
    """A title and what is below it."""

    title: str
    parts: Sequence[Part]


class Document(NamedTuple):
    """The title of a report, its first paragraph, and its sections."""

    title: str
    lead: str
    sections: Sequence[Section]


def as_text(document: Document, *, color: bool = False) -> str:
    """Return the report for a terminal."""
    lines = [document.title, "", *([document.lead, ""] if document.lead else [])]
    for section in document.sections:
        lines += [section.title, "-" * len(section.title), ""]
        for part in _shown(section):
            lines += [*_text_of(part, color), ""]
    return "\n".join(lines)


def _text_of(part: str | Table, color: bool) -> list[str]:
    if isinstance(part, str):
        from textwrap import wrap  # here: HTML needs none

        return wrap(part, 110, break_long_words=False, break_on_hyphens=False)
    head: list[list[Cell | str]] = [[Cell(title, BOLD) for title in part.titles]] if any(part.titles) else []
    rows = [*head, *part.rows]
    caption = [part.caption] if part.caption else []
    return [*caption, format_columns(rows, part.align, color=color).rstrip("\n")]


def _shown(section: Section) -> list[str | Table]:
    """Return the parts that text and Markdown have."""
    return [part for part in section.parts if not isinstance(part, Curve) and not (isinstance(part, Table) and part.long)]


def as_markdown(document: Document) -> str:
    """Return the report as GitHub's Markdown."""
    lines = [f"# {_plain(document.title)}", "", *([document.lead, ""] if document.lead else [])]
    for section in document.sections:
        lines += [f"## {section.title}", ""]
        for part in _shown(section):
            lines += [*_markdown_of(part), ""]
    return "\n".join(lines).rstrip() + "\n"


def _markdown_of(part: str | Table) -> list[str]:
    if isinstance(part, str):
        return [part]
    lines = [part.caption, ""] if part.caption else []
    lines.append(f"| {' | '.join(map(_plain, part.titles))} |")
    lines.append("|" + "|".join(" --- " if side == "<" else " ---: " for side in part.align) + "|")
    return [*lines, *(f"| {' | '.join(map(_plain, row))} |" for row in part.rows)]


def _plain(text: str) -> str:
    """Return text that Markdown leaves as it is."""
    return "".join("\\" + c if c in "\\|*_<>[]#" else c for c in text)


def as_html(document: Document) -> str:
    """Return the report as a page that needs no network."""
    return html_page(document.title, "\n".join(_html(document)), style=_STYLE)


def _html(document: Document) -> Iterator[str]:
    yield f"<main>\n<h1>{escape(document.title)}</h1>"
    yield f"<p>{_inline(document.lead)}</p>" if document.lead else ""
    for section in document.sections:
        yield f"<section>\n<h2>{escape(section.title)}</h2>"
        for part in section.parts:
            if isinstance(part, str):
                yield f"<p>{_inline(part)}</p>"
            elif isinstance(part, Curve):
                yield curve_svg(part)
            elif part.long:
                yield f"<details>\n<summary>{escape(part.caption)}</summary>\n{_html_table(part, caption=False)}\n</details>"
            else:
                yield _html_table(part, caption=True)
        yield "</section>"
    yield "</main>"


def _html_table(table: Table, *, caption: bool) -> str:
    rows = [[_inline(cell) for cell in row] for row in table.rows]
    made = html_table(_inline(table.caption) if caption else "", table.titles, rows, align=table.align)
    return f'<div class="wide">{made}</div>'


def _inline(text: str) -> Markup:
    """Return text as HTML, with code for what is between backticks."""
    pieces = text.split("`")
    return Markup("".join(f"<code>{escape(piece)}</code>" if i % 2 else escape(piece) for i, piece in enumerate(pieces)))


_STYLE: Final = """\
.wide { overflow-x: auto } td.number, caption { white-space: nowrap } p { max-width: 46rem }
summary { cursor: pointer; color: var(--accent); margin: .5rem 0 }
figure { margin: 1rem 0; max-width: 46rem } figcaption { color: var(--faint) } svg { display: block; width: 100%; height: auto }
"""
