"""How wide words are, without a font at hand."""

from __future__ import annotations

_WIDTHS = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556,
    556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)  # fmt: skip
"""Of Helvetica, in thousandths of its size, from the space to the tilde (Adobe's metrics of the 14 core fonts)."""
_OTHERS = {"·": 278, "×": 584, "–": 556, "…": 1000, "⌊": 390, "⌋": 390, "⌈": 390, "⌉": 390}
_OTHER = 700
_WIDEST = {False: 1.17, True: 1.29}
"""DejaVu Sans, the widest of the fonts that a picture names, in proportion: without and with bold letters."""


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line in points, in the widest of the fonts that may be used."""
    total = sum(_WIDTHS[ord(c) - 32] if " " <= c <= "~" else _OTHERS.get(c, _OTHER) for c in text)
    return total * size * _WIDEST[bold] / 1000
