"""Data sets in memory: named ones, `.npz` files, and folders of images."""

from __future__ import annotations

import os
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch import Tensor

from archdsl.recipe import Dataset
from archdsl.train.arrays import read_arrays
from archdsl.train.formats import misshapen, unread
from archdsl.train.images import read_images


@dataclass(frozen=True)
class Data:
    """Examples [count, *shape] as float32, images between 0 and 1; labels int64 (classes) or float32 (values)."""

    x_train: Tensor
    y_train: Tensor
    x_test: Tensor
    y_test: Tensor

    @property
    def classes(self) -> int | None:
        """How many classes there are; none for values."""
        return None if self.y_train.is_floating_point() else int(max(self.y_train.max(), self.y_test.max())) + 1

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each channel over the training examples, [channels, 1, ...]."""
        others = [axis for axis in range(self.x_train.ndim) if axis != 1]
        deviation, mean = torch.std_mean(self.x_train, others, keepdim=True)
        return mean[0], torch.where(deviation > 0, deviation, 1.0)[0]


def load(source: Dataset | str, root: Path, input_shape: tuple[int, ...]) -> Data:
    """Reads a data set; raises `Fault` (E0802 unreadable, E0803 other shape than the network's input)."""
    x_train, y_train, x_test, y_test = _named(source) if isinstance(source, Dataset) else _read(root / source, root, input_shape)
    return Data(_examples(x_train, input_shape), _labels(y_train), _examples(x_test, input_shape), _labels(y_test))


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
