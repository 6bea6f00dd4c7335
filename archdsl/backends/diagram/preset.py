"""Sizes of pictures for papers and slides."""

from __future__ import annotations

from typing import Literal, NamedTuple

from archdsl.backends.diagram.placed import Direction

PresetName = Literal["column", "page", "slide"]
"""A column of a paper, the text of a page, or a slide."""


class Preset(NamedTuple):
    """The most room that a picture may take, in points; whether it has a heading, since figures have captions; its direction."""

    width: float
    height: float
    heading: bool
    direction: Direction

    def scaled_width(self, width: float, height: float) -> float:
        """Return the width of a picture of a size so that it fits; it is not enlarged."""
        return width * min(1.0, self.width / width, self.height / height)


PRESETS: dict[PresetName, Preset] = {
    "column": Preset(252, 648, heading=False, direction="down"),  # 3.5 by 9 inches, as in journals of the IEEE
    "page": Preset(468, 648, heading=False, direction="down"),  # 6.5 by 9 inches: letter paper with margins of an inch
    "slide": Preset(960, 540, heading=True, direction="right"),  # 13.33 by 7.5 inches, the wide slide of PowerPoint
}
