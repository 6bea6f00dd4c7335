"""Every colour, size and font of a diagram.

The fills of each theme differ for everyone: also in deuteranopia, protanopia and tritanopia as Machado et al. 2009 simulate
them, and in greys, since no two are equally light. They were searched for such that the least of these differences is as large
as possible, with hues near those of Okabe & Ito (jfly.uni-koeln.de/color); tests/backends/diagram/test_theme.py measures
them. Text stands on the light ones at a contrast above 9 : 1. The theme for print has greys alone. No fact is in a colour
alone: every box has its words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from archdsl.ops.base import Category

ThemeName = Literal["light", "dark", "print"]
"""`light` and `dark` for screens, `print` for printers and readers without colours."""


class Paint(NamedTuple):
    """A fill and the line around it."""

    fill: str
    line: str


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of everything."""

    paints: Mapping[Category, Paint]
    page: str
    ink: str
    faint: str
    edge: str
    skip: str
    size: str
    """Of an edge on which only a size is taken."""
    error: str
    head: str
    frame: Paint
    repeat: Paint
    head_frame: Paint
    band: str
    bar_ink: str


_LIGHT = {
    Category.CONVOLUTION: Paint("#c8e3ff", "#3d74a8"),
    Category.DENSE: Paint("#f9c9b4", "#b5562f"),
    Category.NORMALIZATION: Paint("#cccc87", "#948023"),
    Category.ACTIVATION: Paint("#fcf9c8", "#77801a"),
    Category.POOLING: Paint("#b3f8f1", "#2a7f66"),
    Category.REGULARIZATION: Paint("#fba6b5", "#b25a6d"),
    Category.SHAPE: Paint("#dcd8d5", "#707070"),
    Category.SCALE: Paint("#9fd7e3", "#3a87a8"),
    Category.ATTENTION: Paint("#d0abc9", "#84499f"),
    Category.ARITHMETIC: Paint("#c1bef2", "#6a5ca8"),
    Category.REDUCTION: Paint("#e1f7de", "#4c8a41"),
    Category.VALUE: Paint("#fde3a8", "#9a6f1e"),
    Category.JOIN: Paint("#ffffff", "#333333"),
    Category.INPUT: Paint("#ffffff", "#333333"),
}
_DARK = {
    Category.CONVOLUTION: Paint("#0c2940", "#7fb2e0"),
    Category.DENSE: Paint("#462619", "#f0936a"),
    Category.NORMALIZATION: Paint("#4a3d03", "#d8c65a"),
    Category.ACTIVATION: Paint("#485238", "#bcc94f"),
    Category.POOLING: Paint("#014f4a", "#5cc4a6"),
    Category.REGULARIZATION: Paint("#47061f", "#ee94aa"),
    Category.SHAPE: Paint("#353230", "#a8a8a8"),
    Category.SCALE: Paint("#193f4c", "#6cc3e6"),
    Category.ATTENTION: Paint("#3c2e60", "#c48ae0"),
    Category.ARITHMETIC: Paint("#39477c", "#a99ae8"),
    Category.REDUCTION: Paint("#143100", "#86c97a"),
    Category.VALUE: Paint("#5b3b22", "#dda94c"),
    Category.JOIN: Paint("#1b1e23", "#d0d0d0"),
    Category.INPUT: Paint("#1b1e23", "#d0d0d0"),
}
_GREYS = {
    Category.CONVOLUTION: "#c6c6c6", Category.DENSE: "#a8a8a8", Category.NORMALIZATION: "#ebebeb",
    Category.ACTIVATION: "#fbfbfb", Category.POOLING: "#d4d4d4", Category.REGULARIZATION: "#e4e4e4",
    Category.SHAPE: "#f3f3f3", Category.SCALE: "#cdcdcd", Category.ATTENTION: "#b7b7b7", Category.ARITHMETIC: "#bebebe",
    Category.REDUCTION: "#dcdcdc", Category.VALUE: "#b0b0b0", Category.JOIN: "#ffffff", Category.INPUT: "#ffffff",
}  # fmt: skip
_PRINT = {category: Paint(fill, "#333333") for category, fill in _GREYS.items()}

THEMES: dict[ThemeName, Theme] = {
    "light": Theme(
        _LIGHT, page="#ffffff", ink="#111111", faint="#5a5a5a", edge="#4d4d4d", skip="#a5357c", size="#5f6f7f", error="#c01c1c",
        head="#7f6317", frame=Paint("#f7f8fa", "#b4bac4"), repeat=Paint("#eef1f6", "#5b6b85"),
        head_frame=Paint("#fffdf4", "#7f6317"), band="#f0f3f8", bar_ink="#ffffff",
    ),
    "dark": Theme(
        _DARK, page="#14161a", ink="#eeeeee", faint="#b4b8be", edge="#c4c4c4", skip="#ee8fc8", size="#9fb0c0", error="#ff7b72",
        head="#d9b85a", frame=Paint("#1b1e23", "#4c535e"), repeat=Paint("#20252d", "#8794ab"),
        head_frame=Paint("#211f17", "#d9b85a"), band="#1a1f27", bar_ink="#14161a",
    ),
    "print": Theme(
        _PRINT, page="#ffffff", ink="#000000", faint="#404040", edge="#333333", skip="#000000", size="#555555", error="#000000",
        head="#333333", frame=Paint("#ffffff", "#999999"), repeat=Paint("#ffffff", "#333333"),
        head_frame=Paint("#ffffff", "#555555"), band="#f2f2f2", bar_ink="#ffffff",
    ),
}  # fmt: skip

MARKS = {
    "added": Paint("#c9ecd3", "#146c3c"),
    "removed": Paint("#f6cfcb", "#a3221b"),
    "changed": Paint("#f7e3b0", "#8a5a00"),
}
"""Paints of boxes and frames that differ, which have a sign before their text, too."""
MARK_WIDTH = 2

FONT = "Helvetica,Arial,Liberation Sans,DejaVu Sans,sans-serif"
TITLE_SIZE = 18.0
TEXT_SIZE = 11.0
SMALL_SIZE = 9.5
FACTS_SIZE = 11.0
LINE_HEIGHT = 1.25
"""Of text, as a multiple of its size."""

CARD_WIDTH = 90.0
CARD_HEIGHT = 21.0
CARD_PADDING = 7.0
JOIN_SIZE = 17.0
BAR_WIDTH = 90.0
BAR_HEIGHT = 15.0
FORK_SIZE = 3.6
TAG_POINT = 6.0
"""How far the ends of a tag are pointed."""
TAG_PADDING = 2.0
FRAME_MARGIN = 8.0
PAGE_MARGIN = 10.0
LEGEND_HEIGHT = 22.0
COLUMN_GAP = 8.0
"""Points between the columns of a table."""
CORNER = 5.0
"""Radius of the corners of lines and boxes."""
LINE_WIDTH = 1.0
SKIP_WIDTH = 1.3
FRAME_WIDTH = 0.8
REPEAT_WIDTH = 1.6
TITLE_LINE_CHARACTERS = 16
"""Longer lines of titles in several lines break at the last dot."""
DOC_CHARACTERS = 88
"""Where the documentation breaks into lines."""
DPI = 144
"""Resolution of a PNG."""
MOST_PIXELS = 40_000_000
"""Of a PNG, for which a large picture has a lower resolution: it takes seconds to write so many."""
