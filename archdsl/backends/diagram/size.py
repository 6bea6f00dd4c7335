"""How much a picture can show."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from archdsl.declared import Fault

MOST_BOXES = 1500
"""Above this no picture can be read, and Graphviz takes minutes."""
MOST_EDGES = 3000
"""Graphviz takes below five seconds for so many, whatever they connect."""


class Size(NamedTuple):
    """How much there is to draw."""

    boxes: int
    edges: int

    @property
    def fits(self) -> bool:
        """Whether a picture can show it."""
        return self.boxes <= MOST_BOXES and self.edges <= MOST_EDGES

    def require(self, name: str, folded: Callable[[], Size] | None = None) -> None:
        """Raise `Fault` E0904 unless it fits. `folded` is the size with equal parts folded, if they are not yet."""
        if self.fits:
            return
        what = f"{self.boxes} boxes to draw, over the limit of {MOST_BOXES}"
        if self.boxes <= MOST_BOXES:
            what = f"{self.edges} connections to draw, over the limit of {MOST_EDGES}"
        other = folded() if folded is not None else None
        help = "draw a part: define a network of one block of it and render that; `archdsl check` lists all layers"
        if other is not None and other.fits:
            help = "`--detail blocks` folds equal parts, and then it fits"
        raise Fault("E0904", f"`{name}` has {what}", help=help)
