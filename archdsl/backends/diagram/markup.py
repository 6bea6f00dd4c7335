"""Text for DOT: every string that goes into it passes through here."""

from __future__ import annotations

from html import escape

from archdsl.backends.diagram import theme


def clean(text: str) -> str:
    """Free text without what XML cannot hold: control characters, surrogates and their like become spaces."""
    return "".join(c if c.isprintable() and c not in "\ufffe\uffff" else " " for c in text)


def html(text: str) -> str:
    """Text as HTML-like labels take it, which must not be empty."""
    return escape(clean(text), quote=True) or " "


def quote(text: str) -> str:
    """A DOT string, with its backslashes doubled: Graphviz gives them a meaning in some attributes."""
    return '"' + clean(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def font(markup: str, size: float, color: str = theme.INK) -> str:
    """Markup in a size and colour."""
    return f'<FONT POINT-SIZE="{size:g}" COLOR="{color}">{markup}</FONT>'
