"""Every colour, size and font of a diagram.

The fills of the light theme are Paul Tol's "light" scheme (personal.sron.nl/~pault, distinct to all kinds of colour vision),
mixed with white so that dark text stands on them at a contrast above 9 : 1; the borders are darker tones
of the same hues. The theme for print has greys alone. No fact is in a colour alone: every box has its words.
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
    Category.CONVOLUTION: Paint("#bcd6ef", "#3d74a8"),
    Category.DENSE: Paint("#f7c9b2", "#b5562f"),
    Category.NORMALIZATION: Paint("#f6eebb", "#948023"),
    Category.ACTIVATION: Paint("#e0e898", "#77801a"),
    Category.POOLING: Paint("#a9dfcf", "#2a7f66"),
    Category.REGULARIZATION: Paint("#fdd5dd", "#b25a6d"),
    Category.SHAPE: Paint("#e6e6e6", "#707070"),
    Category.SCALE: Paint("#cdefff", "#3a87a8"),
    Category.ATTENTION: Paint("#e6cdf0", "#84499f"),
    Category.ARITHMETIC: Paint("#dcd6f2", "#6a5ca8"),
    Category.REDUCTION: Paint("#bfe6b8", "#4c8a41"),
    Category.VALUE: Paint("#f4dcb0", "#9a6f1e"),
    Category.JOIN: Paint("#ffffff", "#333333"),
    Category.INPUT: Paint("#ffffff", "#333333"),
}
_DARK = {
    Category.CONVOLUTION: Paint("#1f3f5f", "#7fb2e0"),
    Category.DENSE: Paint("#5a2b18", "#f0936a"),
    Category.NORMALIZATION: Paint("#484010", "#d8c65a"),
    Category.ACTIVATION: Paint("#3b4010", "#bcc94f"),
    Category.POOLING: Paint("#134438", "#5cc4a6"),
    Category.REGULARIZATION: Paint("#58283a", "#ee94aa"),
    Category.SHAPE: Paint("#3a3a3a", "#a8a8a8"),
    Category.SCALE: Paint("#154355", "#6cc3e6"),
    Category.ATTENTION: Paint("#42234f", "#c48ae0"),
    Category.ARITHMETIC: Paint("#342c5c", "#a99ae8"),
    Category.REDUCTION: Paint("#23451d", "#86c97a"),
    Category.VALUE: Paint("#4d370c", "#dda94c"),
    Category.JOIN: Paint("#1b1e23", "#d0d0d0"),
    Category.INPUT: Paint("#1b1e23", "#d0d0d0"),
}
_GREYS = {
    Category.CONVOLUTION: "#dcdcdc", Category.DENSE: "#c8c8c8", Category.NORMALIZATION: "#f4f4f4",
    Category.ACTIVATION: "#f8f8f8", Category.POOLING: "#ececec", Category.REGULARIZATION: "#f6f6f6",
    Category.SHAPE: "#fbfbfb", Category.SCALE: "#f2f2f2", Category.ATTENTION: "#d0d0d0", Category.ARITHMETIC: "#e8e8e8",
    Category.REDUCTION: "#eeeeee", Category.VALUE: "#e4e4e4", Category.JOIN: "#ffffff", Category.INPUT: "#ffffff",
}  # fmt: skip
_PRINT = {category: Paint(fill, "#333333") for category, fill in _GREYS.items()}

THEMES: dict[ThemeName, Theme] = {
    "light": Theme(
        _LIGHT, page="#ffffff", ink="#1a1a1a", faint="#5a5a5a", edge="#4d4d4d", skip="#a5357c", size="#5f6f7f", error="#c01c1c",
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
