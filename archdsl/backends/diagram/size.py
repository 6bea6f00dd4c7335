"""The limits of a picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from archdsl.diagnostics import SpecError, codes

MOST_BOXES = 1500
"""Above this no picture can be read."""
MOST_EDGES = 3000
"""Pictures of so many take a few seconds, whatever they connect, and more cannot be read."""


class Size(NamedTuple):
    """The amount of things to draw."""

    boxes: int
    edges: int

    @property
    def fits(self) -> bool:
        """Whether a picture can show it."""
        return self.boxes <= MOST_BOXES and self.edges <= MOST_EDGES

    def require(self, name: str, folded: Callable[[], Size] | None = None) -> None:
        """Raise `SpecError` E0904 unless it fits. `folded` is the size with equal parts folded, if they are not yet."""
        if self.fits:
            return
        count, what, most = self.boxes, "boxes", MOST_BOXES
        if self.boxes <= MOST_BOXES:
            count, what, most = self.edges, "connections", MOST_EDGES
        other = folded() if folded is not None else None
        raise SpecError(codes.outputs.TooMuchToDraw(name, count, what, most, other is not None and other.fits))
