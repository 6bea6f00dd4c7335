"""An open data set and its splits: arrays, image files that are decoded on demand, or streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from archdsl.data.labels import Labels


class Header(NamedTuple):
    """The properties of an image that are known before decoding; the sizes are those of the upright image."""

    height: int
    width: int
    mode: str


class Images(Protocol):
    """Images that are decoded one by one. The object can be sent to another process."""

    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """Return the name of an image in messages."""

    def source(self, index: int) -> Any:
        """Return the path or file that Pillow opens."""


@dataclass
class Arrays:
    """Examples in memory, or mapped from a file; `rows` selects some of them without copying."""

    inputs: tuple[Any, ...]
    """An array [examples, *shape] for each input of the network."""
    labels: Any
    rows: Any | None = None

    def __len__(self) -> int:
        return len(self.labels) if self.rows is None else len(self.rows)

    def chosen(self, array: Any) -> Any:
        """Return the selected rows of an array."""
        return array if self.rows is None else array[self.rows]

    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Return the shape of one example of each input."""
        return tuple(tuple(array.shape[1:]) for array in self.inputs)


@dataclass
class Decoded:
    """Images that are decoded on demand, each with its class or mask."""

    images: Images
    labels: Any
    """The classes [examples]; None if there are masks."""
    masks: Images | None = None
    rows: Any | None = None
    values: tuple[int, ...] | None = None
    """The pixel value of each class in the masks."""
    known: frozenset[int] | None = None
    """The pixel values that masks may contain, from the masks inspected so far."""
    deep: bool = False
    """Whether some images have 16 bits, so that all are read as floats."""

    def __len__(self) -> int:
        return len(self.images) if self.rows is None else len(self.rows)

    def row(self, index: int) -> int:
        """Return the number of an example among all images."""
        return int(index if self.rows is None else self.rows[index])


@dataclass
class Stream:
    """Examples that are read sequentially."""

    examples: int
    shards: tuple[str, ...]
    read: Callable[[str, bool], Iterator[tuple[str, Any, int]]]
    """Yield the examples of a shard: name, opened image, class. If the image is not wanted, it is None and is not read."""
    buffer: int

    def __len__(self) -> int:
        return self.examples


Part = Arrays | Decoded | Stream


@dataclass
class Source:
    """An open data set."""

    train: Part
    held_out: Part
    labels: Labels
    headers: Sequence[tuple[str, Header]] = ()
    """Names and headers of the images inspected."""
    test: Part | None = None
    left_out: tuple[str, ...] = field(default_factory=tuple)
    """Unreadable files that were skipped."""


def as_classes(labels: Any) -> tuple[Any, tuple[str, ...] | None]:
    """Return class numbers as int64, and the names if the labels were strings."""
    array = np.asarray(labels)
    if array.dtype.kind in "US":
        names, numbers = np.unique(array, return_inverse=True)
        return numbers.astype(np.int64), tuple(str(name) for name in names)
    return array, None
