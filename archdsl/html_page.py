"""HTML: tables, and the frame of pages, which are single files that need no network.

Pages are light or dark like the system of the reader. `_BODY` styles what all pages have: text, tables, code and links. A page
adds its own style and script.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final, NamedTuple, TypeVar

T = TypeVar("T")

_COLOURS: Final = """\
:root { color-scheme: light dark; --page: #ffffff; --ink: #1a1a1a; --faint: #5a5a5a; --line: #c9ced6; --band: #f4f5f7;
  --accent: #1f5fa8; --added: #1a7f4b; --added-band: #dff3e6; --removed: #b3261e; --removed-band: #fbe3e1;
  --changed: #8a5a00; --changed-band: #fbf0d6 }
@media (prefers-color-scheme: dark) { :root { --page: #16181c; --ink: #e8e8e8; --faint: #a3a9b3; --line: #3b414b; --band: #1f2329;
  --accent: #7db4f0; --added: #7ad3a0; --added-band: #173525; --removed: #f2938c; --removed-band: #44201e;
  --changed: #e5bd6a; --changed-band: #3d311a } }
"""
"""The colours by their use, with a contrast of at least 4.5 : 1 for text, in both schemes."""

_BODY: Final = """\
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 Helvetica, Arial, "Liberation Sans", "DejaVu Sans", sans-serif }
h1 { font-size: 1.5rem; margin: 0 0 .5rem } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem } a { color: var(--accent) }
code, pre { font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .9em }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
caption { text-align: left; color: var(--faint); padding: .25rem 0 }
th, td { padding: .15rem .6rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line) }
th { border-bottom-width: 2px } td.number, th.number { text-align: right } .faint { color: var(--faint) }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px }
"""


def html_page(title: str, body: str, *, style: str = "", script: str = "") -> str:
    """Return a page. `title` is text; `body`, `style` and `script` are HTML, CSS and JavaScript, and are taken as they are."""
    scripts = f"<script>\n{script.strip()}\n</script>\n" if script else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_COLOURS}{_BODY}{style}</style>\n</head>\n<body>\n{body}\n{scripts}</body>\n</html>\n"
    )


class Markup(str):
    """HTML that is taken as it is, such as a text with code in it."""

    __slots__ = ()


class HtmlCell(NamedTuple):
    """A cell of a table: its text, its class, whether it is the head of its row, and what a screen reader says instead."""

    text: str
    kind: str = ""
    is_head: bool = False
    label: str = ""


class HtmlRow(NamedTuple):
    """A row of a table, with its class."""

    cells: Sequence[str | HtmlCell]
    kind: str = ""


def html_table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str | HtmlCell] | HtmlRow], *, align: str = "") -> str:
    """Return a table. Texts are escaped, unless they are `Markup`; without a head there are only rows.

    `align` has `<` or `>` for each column, for text and numbers.
    """
    kinds = ["number" if side == ">" else "" for side in align]
    titles = "".join([_tag("th", title, kind, ' scope="col"') for title, kind in _with_kinds(head, kinds)])
    first = f"<thead><tr>{titles}</tr></thead>" if any(head) else ""
    lines = "\n".join([_row(row if isinstance(row, HtmlRow) else HtmlRow(row), kinds) for row in rows])
    shown = f"<caption>{_escaped(caption)}</caption>" if caption else ""
    return f"<table>{shown}{first}<tbody>\n{lines}\n</tbody></table>"


def _row(row: HtmlRow, kinds: Sequence[str]) -> str:
    found = []
    for cell, kind in _with_kinds(row.cells, kinds):
        one = cell if isinstance(cell, HtmlCell) else HtmlCell(cell)
        tag, scope = ("th", ' scope="row"') if one.is_head else ("td", "")
        label = f' aria-label="{escape(one.label)}"' if one.label else ""
        found.append(_tag(tag, one.text, one.kind or kind, scope + label))
    return f"<tr{_class(row.kind)}>{''.join(found)}</tr>"


def _with_kinds(cells: Sequence[T], kinds: Sequence[str]) -> Iterable[tuple[T, str]]:
    return zip(cells, kinds or [""] * len(cells), strict=True)


def _tag(name: str, text: str, kind: str, attributes: str) -> str:
    return f"<{name}{_class(kind)}{attributes}>{_escaped(text)}</{name}>"


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _escaped(text: str) -> str:
    return text if isinstance(text, Markup) else escape(text)
