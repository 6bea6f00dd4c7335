"""Data sets in memory: named ones, `.npz` files, and folders of images."""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch import Tensor

from archdsl.recipe import Dataset, Recipe
from archdsl.recipe.metrics import Kind
from archdsl.train.arrays import read_arrays
from archdsl.train.batches import Batch, TrainingBatches
from archdsl.train.experiment import Input
from archdsl.train.formats import misshapen, unread
from archdsl.train.images import read_images
from archdsl.train.labels import Labels
from archdsl.train.prepare import Preparation


@dataclass(frozen=True)
class Split:
    """The examples of the training set or of another part."""

    inputs: tuple[Tensor, ...]
    """One tensor [count, *shape] for each input of the network, float32, images between 0 and 1."""
    labels: Tensor
    """[count, ...]: int64 for classes, float32 for values."""

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, chosen: Any, keys: Tensor) -> Batch:
        """The examples at these indices."""
        return Batch(tuple(given[chosen] for given in self.inputs), self.labels[chosen], keys)


@dataclass(frozen=True)
class Data:
    """The examples of a run: what it trains on, and what it is measured on."""

    train: Split
    held_out: Split

    @property
    def classes(self) -> int | None:
        """The number of classes; None for values."""
        if self.train.labels.is_floating_point():
            return None
        return int(max(self.train.labels.max(), self.held_out.labels.max())) + 1

    @property
    def labels(self) -> Labels:
        """What the labels are."""
        given = self.train.labels
        shape = tuple(given.shape[1:])
        if self.classes is None:
            yes_or_no = len(shape) == 1 and shape[0] > 1 and bool(((given == 0) | (given == 1)).all())
            kind: Kind = "map" if len(shape) > 1 else "multilabel" if yes_or_no else "value"
            return Labels(kind, shape[0] if shape else 1, shape=shape)
        frequencies = tuple(given.flatten().bincount(minlength=self.classes).tolist())
        return Labels("mask" if shape else "class", self.classes, shape=shape, frequencies=frequencies)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shape of one example of each input, as the module gets it."""
        return tuple(tuple(given.shape[1:]) for given in self.train.inputs)

    def preparation(self, recipe: Recipe) -> Preparation:
        """The module that prepares batches on the device; its statistics are of the training set."""
        return Preparation(recipe.augment, *_statistics(self.train.inputs[0]))

    def training_batches(self, batch: int, seed: int, step: Callable[[], int]) -> TrainingBatches:
        """The training set in a new order every epoch; iterating starts at `step()`, which counts batches from the start of the run."""
        return TrainingBatches(self.train, batch, seed, step)

    def evaluation_batches(self, split: Split, batch: int = 256) -> Iterator[Batch]:
        """The examples of a split in their order."""
        for start in range(0, len(split), batch):
            chosen = slice(start, start + batch)
            yield split.batch(chosen, torch.zeros(len(split.labels[chosen]), dtype=torch.int64))


def _statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel over examples, [channels, 1, ...]."""
    others = [axis for axis in range(x.ndim) if axis != 1]
    deviation, mean = torch.std_mean(x, others, keepdim=True)
    return mean[0], torch.where(deviation > 0, deviation, 1.0)[0]


def load(source: Dataset | str, root: Path, inputs: Sequence[Input]) -> Data:
    """Read a data set. Raise `Fault` E0802 if it cannot be read, E0803 if its examples have another shape than the network's input."""
    input_shape = cast(tuple[int, ...], inputs[0].shape)
    x_train, y_train, x_test, y_test = _named(source) if isinstance(source, Dataset) else _read(root / source, root, input_shape)
    return Data(
        Split((_examples(x_train, input_shape),), _labels(y_train)), Split((_examples(x_test, input_shape),), _labels(y_test))
    )


def _read(path: Path, root: Path, input_shape: tuple[int, ...]) -> list[Any]:
    if not os.path.exists(path):  # which no name is too long for
        names = ", ".join(Dataset.registry.names())
        raise unread(f"{path} does not exist", f"paths start at {root.resolve()}; data sets known by name: {names}")
    arrays, folders = read_images(path, input_shape) if path.is_dir() else (read_arrays(path), None)
    return arrays if len(arrays) == 4 else _split(arrays[0], arrays[1], folders=folders)


def _named(source: Dataset) -> list[Any]:
    bundle = pkgutil.resolve_name(source.target)()
    x = bundle.data.reshape(-1, *source.shape).astype(np.float32) / (source.white or 1.0)
    return _split(x, bundle.target, source.held_out, source.split)


def _split(x: Any, y: Any, held_out: int | None = None, seed: int = 0, folders: list[str] | None = None) -> list[Any]:
    """A part held out, a fifth where not said, with the same share of every class; the same whatever the seed of the training."""
    count = max(1, len(x) // 5) if held_out is None else held_out
    classes = y if y.ndim == 1 and y.dtype.kind != "f" else None
    if folders is None:
        help = "give the held-out examples too: `x_train`, `y_train`, `x_test` and `y_test`"
        help += "; or, where the labels are values, save them as floats: `y.astype(float)`" if classes is not None else ""
    else:
        help = "part the images yourself, into train/CLASS/*.png and test/CLASS/*.png; or put five images or more into each class"
    if len(x) == 1:
        raise unread("there is one example, and none can be held out of it", "give more, at least five of each class")
    if classes is not None:
        numbers, sizes = np.unique(classes, return_counts=True)
        if sizes.min() == 1:
            name = f"`{folders[numbers[sizes.argmin()]]}`" if folders else numbers[sizes.argmin()]
            raise unread(f"no example can be held out of the class {name}, which has one", help)
        if count < len(sizes):
            raise unread(f"a fifth of {len(x)} examples, {count}, are fewer than the {len(sizes)} classes", help)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=count, stratify=classes, random_state=seed)
    return [x_train, y_train, x_test, y_test]


def _examples(x: Any, input_shape: tuple[int, ...]) -> Tensor:
    """As float32, bytes divided by 255, with the channel that grey images may leave out."""
    values = torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32))
    if x.dtype == np.uint8:
        values /= 255
    if values.shape[1:] == input_shape[1:] and input_shape[0] == 1:
        values = values.unsqueeze(1)
    if values.shape[1:] != input_shape:
        shape = list(values.shape[1:])
        message = f"examples of the data set are {shape}, and the network's input is {list(input_shape)}"
        raise misshapen(message, _other_input(shape, list(input_shape)))
    return values


def _other_input(shape: list[int], input_shape: list[int]) -> str:
    """What to do where examples are [shape], and the input is another."""
    first = [*shape[-1:], *shape[:-1]]
    if len(shape) == 3 and (first == input_shape or (shape[-1] in (1, 3, 4) and shape[0] not in (1, 3, 4))):
        return "put the channels first: `x.transpose(0, 3, 1, 2)`" + (f", and write `input image {first}`" if first != input_shape else "")
    return f"write `input {'image' if len(shape) > 1 else 'row'} {shape}`" if shape else "save rows of one number: `x[:, None]`, and write `input row [1]`"


def _labels(y: Any) -> Tensor:
    """Floats are values, whole numbers classes."""
    return torch.from_numpy(np.ascontiguousarray(y, dtype=np.float32 if y.dtype.kind == "f" else np.int64))
