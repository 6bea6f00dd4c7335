"""A description of the labels of a data set: their kind, the number of classes, and properties of their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from archdsl.recipe.metrics import Kind

IGNORED = -100
"""The label that the loss and the metrics ignore: the default `ignore_index` of PyTorch."""
_MOST_VALUES = 1000


@dataclass(frozen=True)
class Labels:
    """A description of the labels in the training set and the validation set."""

    kind: Kind
    count: int
    """The number of classes, or of values per label."""
    names: tuple[str, ...] | None = None
    ignore: int | None = None
    shape: tuple[int, ...] = ()
    """The shape of one label."""
    frequencies: tuple[int, ...] = ()
    """The number of training examples of each class, or of pixels for masks; of a sample if masks are decoded on demand."""
    values: tuple[int, ...] = ()
    """The distinct integers among the labels, sorted and without the ignored one; at most a thousand."""
    low: float = 0.0
    high: float = 0.0
    whole: bool = True
    """Whether all values are whole numbers, stored as integers or floats."""
    one_hot: bool = False
    """Whether each label is a one-hot vector."""
    yes_or_no: bool = False
    """Whether all values are 0 or 1."""
    soft: bool = False
    """Whether each label is a vector of class probabilities that add up to one, and some are not one-hot."""

    @property
    def classes(self) -> int | None:
        """The number of classes; None for float labels."""
        return self.count if self.kind in ("class", "mask") else None

    def as_data(self) -> dict[str, Any]:
        """Return what is known of the labels without their statistics, for JSON."""
        return {
            "kind": self.kind, "count": self.count, "names": self.names, "ignore": self.ignore, "shape": self.shape,
            "yes_or_no": self.yes_or_no, "soft": self.soft,
        }  # fmt: skip

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Return labels from the result of `as_data`. Raise `LookupError` or `TypeError` if it is something else."""
        names = data["names"]
        return cls(
            data["kind"], int(data["count"]), None if names is None else tuple(map(str, names)), data["ignore"],
            tuple(map(int, data["shape"])), yes_or_no=bool(data["yes_or_no"]), soft=bool(data["soft"]),
        )  # fmt: skip


def describe_labels(train: Any, others: list[Any], names: tuple[str, ...] | None = None, ignore: int | None = None) -> Labels:
    """Describe arrays of labels [examples, ...], of the training set and of the other splits."""
    shape, every = tuple(train.shape[1:]), [train, *others]
    one_hot = train.ndim == 2 and train.shape[1] > 1 and all(_one_hot(labels) for labels in every)
    yes_or_no = all(_within_0_and_1(labels) for labels in every)
    if train.dtype.kind == "f":
        kind: Kind = (
            "map" if train.ndim > 2 else "multilabel" if train.ndim == 2 and train.shape[1] > 1 and yes_or_no else "value"
        )
        low, high = min(float(labels.min()) for labels in every), max(float(labels.max()) for labels in every)
        whole = all(_whole(labels) for labels in every)
        count = int(np.prod(shape)) if shape else 1
        frequencies = tuple(int(number) for number in train.sum(0)) if kind == "multilabel" else ()
        soft = kind == "value" and all(_soft(labels) for labels in every)
        return Labels(kind, count, names, ignore, shape, frequencies, (), low, high, whole, one_hot, yes_or_no, soft)
    found, counts = distinct(train)
    values = sorted({*found, *(value for labels in others for value in distinct(labels)[0])})
    return describe_classes(
        values, dict(zip(found, counts, strict=True)), shape, names, ignore, one_hot=one_hot, yes_or_no=yes_or_no
    )  # fmt: skip


def describe_classes(
    values: list[int], frequencies: dict[int, int], shape: tuple[int, ...], names: tuple[str, ...] | None, ignore: int | None,
    *, one_hot: bool = False, yes_or_no: bool = False,
) -> Labels:  # fmt: skip
    """Describe integer labels by their distinct values and their frequencies in the training set."""
    kept = [value for value in values if value != ignore and value != IGNORED]
    low, high = (kept[0], kept[-1]) if kept else (0, 0)
    count = max(high + 1, len(names or ()))
    often = tuple(frequencies.get(number, 0) for number in range(count)) if count <= max(_MOST_VALUES, 2 * len(kept)) else ()
    return Labels(
        "mask" if shape else "class", count, names, ignore, shape, often, tuple(kept[:_MOST_VALUES]), low, high, True, one_hot,
        yes_or_no
    )  # fmt: skip


def distinct(labels: Any) -> tuple[list[int], list[int]]:
    """Return the distinct integers of an array, sorted, with their frequencies."""
    if labels.dtype.kind == "b" or labels.dtype == np.uint8:
        counts = np.zeros(256, np.int64)
        for piece in pieces(labels):
            counts += np.bincount(piece.reshape(-1).view(np.uint8), minlength=256)
        found = counts.nonzero()[0]
        return found.tolist(), counts[found].tolist()
    values: dict[int, int] = {}
    for piece in pieces(labels):
        for value, count in zip(*(part.tolist() for part in np.unique(piece, return_counts=True)), strict=True):
            values[value] = values.get(value, 0) + count
    return sorted(values), [values[value] for value in sorted(values)]


def pieces(array: Any, most: int = 1 << 22) -> Any:
    """Yield slices of an array with at most a few million numbers, to avoid temporary arrays as large as the array."""
    step = max(1, most // max(1, int(np.prod(array.shape[1:]))))
    return (array[start : start + step] for start in range(0, len(array), step))


def _within_0_and_1(labels: Any) -> bool:
    return all(bool(((piece == 0) | (piece == 1)).all()) for piece in pieces(labels))


def _whole(labels: Any) -> bool:
    return all(bool((piece == piece.round()).all()) for piece in pieces(labels))


def _one_hot(labels: Any) -> bool:
    return _within_0_and_1(labels) and bool((labels.sum(1) == 1).all())


def _soft(labels: Any) -> bool:
    if labels.ndim != 2 or labels.shape[1] < 2:
        return False
    return all(bool((piece >= 0).all()) and bool((abs(piece.sum(1) - 1) < 1e-3).all()) for piece in pieces(labels))
