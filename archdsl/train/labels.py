"""What the labels of a data set are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from archdsl.recipe.metrics import Kind

IGNORED: Final = -100
"""The label that losses and metrics leave out: PyTorch's default `ignore_index`."""


@dataclass(frozen=True)
class Labels:
    """The kind of the labels and what is known of them."""

    kind: Kind
    count: int
    """Of classes, or of values to an example."""
    names: tuple[str, ...] | None = None
    """Of the classes."""
    ignore: int | None = None
    """The label that losses and metrics leave out."""
    shape: tuple[int, ...] = ()
    """Of one label."""
    frequencies: tuple[int, ...] = ()
    """How often each class is in the training set."""
