"""HTML: tables for notebooks, and the frame of pages, which are single files that need no network.

Pages are light or dark like the system of the reader. `_BODY` styles what all pages have: text, tables, code and links. A page
adds its own style and script.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

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


def html_table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table. All texts are escaped; without a head there are only rows."""

    def line(cell: str, texts: Sequence[str]) -> str:
        return "<tr>" + "".join(f"<{cell}>{escape(text)}</{cell}>" for text in texts) + "</tr>"

    first = f"<thead>{line('th', head)}</thead>" if head else ""
    body = "".join(line("td", row) for row in rows)
    return f"<table><caption>{escape(caption)}</caption>{first}<tbody>{body}</tbody></table>"
