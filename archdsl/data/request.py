"""What all sources of examples have in common: what they are asked for, and the names of the splits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from archdsl.data.inputs import Input

HELD_OUT: Final = ("val", "test")
"""Names of the validation set, in arrays and folders. If both exist, `test` is the test set."""


@dataclass(frozen=True)
class Request:
    """The arguments for opening a data set."""

    root: Path
    """The folder that relative paths are relative to."""
    inputs: tuple[Input, ...]
    ignore: int | None = None
    skip_bad: bool = False
    download: bool = False
    whole: bool = False
    """Whether examples without a split are all used, for evaluation; otherwise a validation set is split off."""
    names: tuple[str, ...] | None = None
    """The names of the classes by number, if a trained network gives them; otherwise the folders give them."""

    @property
    def image(self) -> Input:
        """The first input for images, or else the first input."""
        return next((given for given in self.inputs if given.image), self.inputs[0])
