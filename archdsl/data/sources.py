"""Parts of a data set, the training set and others: arrays, files that are decoded when they are needed, or streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from archdsl.data.labels import Labels


class Header(NamedTuple):
    """What is known of an image before it is decoded; the sizes are those of the upright image."""

    height: int
    width: int
    mode: str


class Images(Protocol):
    """Images that are decoded one by one, which may go to another process."""

    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """What messages call an image."""

    def source(self, index: int) -> Any:
        """What Pillow opens: a path or a file."""


@dataclass
class Arrays:
    """Examples in memory, or mapped from a file; `rows` chooses some of them without copying."""

    inputs: tuple[Any, ...]
    """An array [examples, *shape] for each input of the network."""
    labels: Any
    rows: Any | None = None

    def __len__(self) -> int:
        return len(self.labels) if self.rows is None else len(self.rows)

    def chosen(self, array: Any) -> Any:
        """The rows of one of the arrays."""
        return array if self.rows is None else array[self.rows]

    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shape of one example of each input."""
        return tuple(tuple(array.shape[1:]) for array in self.inputs)


@dataclass
class Decoded:
    """Images, decoded when they are needed, with the class or the mask of each."""

    images: Images
    labels: Any
    """The classes [examples]; None if there are masks."""
    masks: Images | None = None
    rows: Any | None = None
    values: tuple[int, ...] | None = None
    """The value in the masks that stands for each class."""
    known: frozenset[int] | None = None
    """The numbers that masks may hold: those of the masks that were looked at."""
    deep: bool = False
    """Whether some have 16 bits, so that all are read as floats."""

    def __len__(self) -> int:
        return len(self.images) if self.rows is None else len(self.rows)

    def row(self, index: int) -> int:
        """The number of an example among all pictures."""
        return int(index if self.rows is None else self.rows[index])


@dataclass
class Stream:
    """Examples that come in sequence."""

    examples: int
    shards: tuple[str, ...]
    read: Callable[[str, bool], Iterator[tuple[str, Any, int]]]
    """The examples of a shard: name, opened image, class. Where not wanted, the image is None and nothing is read of it."""
    buffer: int

    def __len__(self) -> int:
        return self.examples


Part = Arrays | Decoded | Stream


@dataclass
class Source:
    """What opening a data set gives."""

    train: Part
    held_out: Part
    labels: Labels
    headers: Sequence[tuple[str, Header]] = ()
    """Names and headers of images that were looked at."""
    test: Part | None = None
    left_out: tuple[str, ...] = field(default_factory=tuple)
    """Files that cannot be read, which the data set goes without."""


def as_classes(labels: Any) -> tuple[Any, tuple[str, ...] | None]:
    """Class numbers as int64, and the names where the labels were texts."""
    array = np.asarray(labels)
    if array.dtype.kind in "US":
        names, numbers = np.unique(array, return_inverse=True)
        return numbers.astype(np.int64), tuple(str(name) for name in names)
    return array, None
