"""The arguments for opening a data set, the names of splits, and the errors of all data sets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from archdsl.data.inputs import Input
from archdsl.declared import Fault

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

    @property
    def image(self) -> Input:
        """The first input for images, or else the first input."""
        return next((given for given in self.inputs if given.image), self.inputs[0])


def unread(message: str, help: str) -> Fault:
    """Return E0802, for data that cannot be read."""
    return Fault("E0802", message, argument="data", help=help)


def misshapen(message: str, help: str) -> Fault:
    """Return E0803, for examples whose shape differs from that of the input."""
    return Fault("E0803", message, argument="data", help=help)


def unfit(message: str, help: str) -> Fault:
    """Return E0801, for labels that do not match the network."""
    return Fault("E0801", message, argument="data", help=help)
