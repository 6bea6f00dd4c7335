"""The tensors in a file of weights: shapes and dtypes by key, and how to match them to parameters.

This module does not import PyTorch, so that the command line can define its options without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from archdsl.diagnostics import SpecError, codes
from archdsl.frozen_record import record


class StoredTensor(NamedTuple):
    """The shape of a stored tensor, and the name of its dtype in PyTorch, such as `float32`."""

    shape: tuple[int, ...]
    dtype: str


@record
class StoredWeights:
    """The tensors of a file of weights, by key.

    `ordered` tells whether the keys have the order of the module, and `notes` describe how the tensors were unwrapped.
    """

    name: str
    entries: Mapping[str, StoredTensor]
    ordered: bool = True
    notes: tuple[str, ...] = ()
    spoiled: Callable[[str, str], int] = lambda key, wanted: 0
    """Return how many values of a stored tensor are NaN or infinite, or become so in the dtype of the network's tensor."""


def unreadable(name: str, why: str, help: str | None = None) -> SpecError:
    """Return E0906, for a file from which no weights can be read."""
    kind = codes.outputs.UnreadableWeights
    return SpecError(kind(name, why, help) if help is not None else kind(name, why))
