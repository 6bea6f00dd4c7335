"""What all sources of examples have in common: what they are asked for, and the names of the splits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from archdsl.data.inputs import Input

HELD_OUT: Final = ("val", "test")
"""What the validation set may be called, of arrays and of folders. If there are both, `test` is left for the end."""


@dataclass(frozen=True)
class Request:
    """What a source is asked for."""

    root: Path
    """Where relative paths start."""
    inputs: tuple[Input, ...]
    ignore: int | None = None
    skip_bad: bool = False
    download: bool = False

    @property
    def image(self) -> Input:
        """The first input that takes images, or the first."""
        return next((given for given in self.inputs if given.image), self.inputs[0])
