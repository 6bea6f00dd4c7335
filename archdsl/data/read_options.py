"""How a data set is read; apart from what reads it, since the command line must not import NumPy to know it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class ReadOptions:
    """How a data set is read."""

    skip_bad: bool = False
    """Decode every image once, and leave out those that cannot be read."""
    download: bool = False
    """Fetch what is not on this machine."""


DEFAULT_OPTIONS: Final = ReadOptions()
