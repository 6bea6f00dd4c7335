"""Options for reading a data set. A separate module, so that the command line can import it without NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class ReadOptions:
    """Options for reading a data set."""

    skip_bad: bool = False
    """Decode all images before training, and skip unreadable ones."""
    download: bool = False
    """Download the data set if it is not on this machine."""


DEFAULT_OPTIONS: Final = ReadOptions()
