"""What a file of weights holds: each tensor's shape and kind of number, and the error where it holds none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from archdsl.diagnostics import SpecError, codes


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored tensor: its shape, and its kind of number as PyTorch calls it, such as `float32`."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Stored:
    """What a file of weights holds, by key; `ordered` where the order of the keys is that of the module.

    `spoiled` counts the numbers of a tensor, by its key, that are NaN or infinite, or become so as numbers of the network's
    kind; `notes` say what was done to find the tensors.
    """

    name: str
    entries: Mapping[str, Entry]
    ordered: bool = True
    notes: tuple[str, ...] = ()
    spoiled: Callable[[str, str], int] = lambda key, wanted: 0
    """Of a stored key, for a key of the network."""


def unreadable(name: str, why: str, help: str | None = None) -> SpecError:
    """Return the error (E0906) for a file from which no weights can be read."""
    kind = codes.outputs.UnreadableWeights
    return SpecError(kind(name, why, help) if help is not None else kind(name, why))
