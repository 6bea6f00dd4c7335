"""Text for DOT: every string that goes into it passes through here."""

from __future__ import annotations

from html import escape

MOST_CHARACTERS = 160
"""Of one text in a picture; Graphviz reads no string of more than 16,384, and nobody would."""


def shorten(text: str) -> str:
    """Return a text, or the beginning and the end of a long one."""
    half = MOST_CHARACTERS // 2
    return text if len(text) <= MOST_CHARACTERS else f"{text[: half - 1]}…{text[-half:]}"


def clean(text: str) -> str:
    """Return free text without what XML cannot represent: control characters, surrogates and the like become spaces."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def html(text: str) -> str:
    """Return text for an HTML-like label: escaped, not empty, and shortened if it is long."""
    return escape(clean(shorten(text)), quote=True) or " "


def quote(text: str) -> str:
    """Return a DOT string with doubled backslashes: Graphviz gives them a meaning in some attributes."""
    return '"' + clean(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def font(markup: str, size: float, color: str) -> str:
    """Return markup in a size and colour."""
    return f'<FONT POINT-SIZE="{size:g}" COLOR="{color}">{markup}</FONT>'
