"""What files of arrays and folders of images have in common: the name of the held-out part, and the errors."""

from __future__ import annotations

from typing import Final

from archdsl.declared import Fault

HELD_OUT: Final = ("val", "test")
"""What the held-out part may be called, of arrays and of folders. Where there are both, `test` is left for the end."""


def unread(message: str, help: str) -> Fault:
    """E0802: data that cannot be read."""
    return Fault("E0802", message, argument="data", help=help)


def misshapen(message: str, help: str) -> Fault:
    """E0803: examples of another shape than the input."""
    return Fault("E0803", message, argument="data", help=help)


def unfit(message: str, help: str) -> Fault:
    """E0801: labels that go with nothing."""
    return Fault("E0801", message, argument="data", help=help)
