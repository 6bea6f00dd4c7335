"""Every colour, size and font of a diagram.

The fills are Paul Tol's "light" scheme (personal.sron.nl/~pault, distinct to all kinds of colour vision),
mixed with white so that dark text stands on them at a contrast above 9 : 1; the borders are darker tones
of the same hues. No fact is in a colour alone: every box has its words.
"""

from __future__ import annotations

from typing import NamedTuple

from archdsl.ops.base import Category


class Paint(NamedTuple):
    """A fill and the line around it."""

    fill: str
    line: str


PAINTS: dict[Category, Paint] = {
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

PAGE = "#ffffff"
INK = "#1a1a1a"
FAINT = "#5a5a5a"
EDGE = "#4d4d4d"
SKIP = "#a5357c"
HEAD_LINE = "#8a6d1c"
FRAME = Paint("#f7f8fa", "#b4bac4")
REPEAT = Paint("#eef1f6", "#5b6b85")
HEAD_FRAME = Paint("#fffdf4", HEAD_LINE)

MARKS = {
    "added": Paint("#c9ecd3", "#146c3c"),
    "removed": Paint("#f6cfcb", "#a3221b"),
    "changed": Paint("#f7e3b0", "#8a5a00"),
}
"""Paints of boxes and frames that differ, which have a sign before their text, too."""
MARK_WIDTH = 2

FONT = "Helvetica,Arial,Liberation Sans,DejaVu Sans,sans-serif"
TITLE_SIZE = 18
TEXT_SIZE = 11
SMALL_SIZE = 9.5
FACTS_SIZE = 11

CARD_WIDTH = 1.25
CARD_HEIGHT = 0.29
JOIN_SIZE = 0.24
BAR_WIDTH = 1.25
BAR_PER_BRANCH = 0.95
FORK_SIZE = 0.05
BAR_HEIGHT = 0.2
RANK_GAP = 0.2
NODE_GAP = 0.22
FRAME_MARGIN = 9
PAGE_MARGIN = 0.15
ARC_GAP = 11
"""Points between an arc and what it goes round."""
ARC_RADIUS = 9
ARC_BIAS = 60
"""Points of detour that an arc takes to stay on the right."""
SKIP_WIDTH = 1.3
FRAME_WIDTH = 0.8
REPEAT_WIDTH = 1.6
TRUNK_WEIGHT = 100
CHAIN_WEIGHT = 8
FORK_WEIGHT = 3
"""What `dot` gives up last: a straight trunk, then straight branches, then branches that begin together."""
MANY_EDGES = 10
"""So many edges from one box are not kept short: what is made of it stands beside what takes that."""
TITLE_CHARACTERS = 20
"""Longer titles of frames are split into several lines."""
TITLE_LINE_CHARACTERS = 16
"""Longer lines of them break at the last dot."""
DOC_CHARACTERS = 88
"""Where the documentation breaks into lines."""
DPI = 144
"""Resolution of a PNG."""
MOST_PIXELS = 40_000_000
"""Of a PNG, for which a large picture has a lower resolution: it takes seconds to write so many."""
