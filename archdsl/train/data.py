"""Data sets in memory: named ones, `.npz` files, and folders of images."""

from __future__ import annotations

import pkgutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch import Tensor

from archdsl.declared import Fault
from archdsl.recipe import Dataset

_IMAGES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"}
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_HELD_OUT = ("val", "test")
"""What the held-out part may be called. Where there are both, `test` is left for the end."""


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
    if isinstance(source, Dataset):
        arrays = _named(source)
    else:
        path = root / source
        if not path.exists():
            names = ", ".join(Dataset.registry.names())
            raise _unread(f"{path} does not exist", f"paths start at {root.resolve()}; data sets known by name: {names}")
        arrays = _folder(path, input_shape) if path.is_dir() else _npz(path)
    x_train, y_train, x_test, y_test = arrays
    return Data(
        _examples(x_train, input_shape),
        _labels(y_train, len(x_train)),
        _examples(x_test, input_shape),
        _labels(y_test, len(x_test)),
    )


def _named(source: Dataset) -> list[Any]:
    bundle = pkgutil.resolve_name(source.target)()
    x = bundle.data.reshape(-1, *source.shape).astype(np.float32) / (source.white or 1.0)
    return _split(x, bundle.target, source.held_out, source.split)


def _split(x: Any, y: Any, held_out: int | None = None, seed: int = 0) -> list[Any]:
    """A part held out, a fifth where not said, with the same share of every class; the same whatever the seed of the training."""
    if len(x) != len(y):
        raise _unread(f"there are {len(x)} examples and {len(y)} labels", "give one label to each example")
    count = max(1, len(x) // 5) if held_out is None else held_out
    classes = y if y.ndim == 1 and y.dtype.kind != "f" else None
    help = "give the held-out examples too: `x_test` and `y_test`, or a folder `test`"
    if classes is not None:
        names, sizes = np.unique(classes, return_counts=True)
        if len(sizes) and sizes.min() == 1:
            message = f"no example can be held out of the class {names[sizes.argmin()]}, which has one"
            raise _unread(message, help + ("; labels that are values go in as floats: `y.astype(float)`" if held_out is None else ""))
    try:
        x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=count, stratify=classes, random_state=seed)
    except ValueError as error:
        raise _unread(f"{count} of {len(x)} examples cannot be held out: {error}", help) from error
    return [x_train, y_train, x_test, y_test]


def _npz(path: Path) -> list[Any]:
    """`x_train, y_train, x_test, y_test`, or `x, y`, of which a fifth is held out. Nothing in the file is executed."""
    help = "save it with numpy.savez(path, x_train=..., y_train=..., x_test=..., y_test=...)"
    try:
        with path.open("rb") as opened:
            archive = zipfile.is_zipfile(opened)
        if not archive:
            raise _unread(f"{path} is not a .npz file", help)
        with np.load(path, allow_pickle=False) as file:
            found = list(file.files)
            arrays = [file[name] for name in _chosen(found)]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError, TypeError) as error:
        reason = "an array in it is of Python objects" if "allow_pickle" in str(error) else error
        raise _unread(f"cannot read {path}: {reason}", help) from error
    if not arrays:
        shown = ", ".join(f"`{name}`" for name in found[:8]) + (", ..." if len(found) > 8 else "")
        raise _unread(f"{path} has {shown or 'nothing in it'}, where `x_train`, `y_train`, `x_test` and `y_test` are looked for", help)
    if not all(isinstance(array, np.ndarray) and array.ndim for array in arrays):
        raise _unread(f"{path} has single numbers in place of arrays, or what is no array", help)
    return arrays if len(arrays) == 4 else _split(*arrays)


def _chosen(found: list[str]) -> tuple[str, ...]:
    """The names of the arrays to read, of those that there are; none where some are missing."""
    choices = [("x_train", "y_train", f"x_{part}", f"y_{part}") for part in _HELD_OUT]
    return next((names for names in [*choices, ("x", "y")] if set(names) <= set(found)), ())


def _folder(path: Path, input_shape: tuple[int, ...]) -> list[Any]:
    """`train/CLASS/*.png` and `test/CLASS/*.png`, or `CLASS/*.png`, of which a fifth is held out.

    Classes are numbered in the order of their names.
    """
    if not (path / "train").is_dir():
        names = _folders(path)
        if not names:
            raise _unread(f"{path} has no folders of images", "put images into train/CLASS/*.png and test/CLASS/*.png")
        return _split(*_images(path, names, input_shape))
    names = _folders(path / "train")
    if not names:
        raise _unread(f"{path} has no folders train/CLASS", "put images into train/CLASS/*.png and test/CLASS/*.png")
    held_out = next((path / part for part in _HELD_OUT if (path / part).is_dir()), path / "test")
    extra = [name for name in _folders(held_out) if name not in names]
    if extra:
        raise _unread(f"{held_out} has a class `{extra[0]}` that train lacks", "give both the same classes")
    return [array for part in (path / "train", held_out) for array in _images(part, names, input_shape)]


def _folders(path: Path) -> list[str]:
    """The names of the folders in one, in their order, without those that a program hides there."""
    return sorted(entry.name for entry in path.glob("*") if entry.is_dir() and not entry.name.startswith("."))


def _images(folder: Path, names: list[str], input_shape: tuple[int, ...]) -> tuple[Any, Any]:
    files = [(file, label) for label, name in enumerate(names) for file in sorted((folder / name).glob("*"))]
    chosen = [(file, label) for file, label in files if file.suffix.lower() in _IMAGES and not file.name.startswith(".")]
    if not chosen:
        raise _unread(f"{folder} has no images", f"put images into {folder}/CLASS/*.png")
    return np.stack([_image(file, input_shape) for file, _ in chosen]), np.array([label for _, label in chosen])


def _image(file: Path, input_shape: tuple[int, ...]) -> Any:
    """One image, channels first."""
    try:
        from PIL import Image, UnidentifiedImageError  # an optional dependency, of this one format
    except ModuleNotFoundError as error:
        raise _unread("reading images needs Pillow", "pip install pillow") from error
    mode = _MODES.get(input_shape[0], "L") if len(input_shape) == 3 else "L"
    try:
        with Image.open(file) as image:
            pixels = np.asarray(image.convert(mode))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise _unread(f"cannot read {file}: {error}", "replace or remove it") from error
    pixels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    if pixels.shape != input_shape:
        raise _shapes(f"{file} is {list(pixels.shape)}", pixels.shape, input_shape)
    return pixels


def _examples(x: Any, input_shape: tuple[int, ...]) -> Tensor:
    """As float32, bytes divided by 255, with the channel that grey images may leave out."""
    if x.dtype.kind not in "fiub" or x.size == 0:
        raise _unread(f"the examples are {x.dtype} {list(x.shape)}", "give arrays of numbers that are not empty")
    values = torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32))
    if x.dtype == np.uint8:
        values /= 255
    if values.shape[1:] == input_shape[1:] and input_shape[0] == 1:
        values = values.unsqueeze(1)
    if values.shape[1:] != input_shape:
        raise _shapes(f"examples of the data set are {list(values.shape[1:])}", tuple(values.shape[1:]), input_shape)
    if not values.isfinite().all():
        raise _unread("the data set has values that are not finite", "remove them")
    return values


def _labels(y: Any, count: int) -> Tensor:
    if len(y) != count:
        raise _unread(f"there are {count} examples and {len(y)} labels", "give one label to each example")
    if not y.size:
        raise _unread(f"the labels are {y.dtype} {list(y.shape)}", "give an array that is not empty")
    if y.dtype.kind not in "fiub":
        help = "give each example the number of its class: `names, y = numpy.unique(y, return_inverse=True)`"
        raise _unread(f"the labels are {y.dtype}, and no numbers", help)
    if y.dtype.kind == "f":
        return torch.from_numpy(np.ascontiguousarray(y, dtype=np.float32))
    labels = torch.from_numpy(np.ascontiguousarray(y, dtype=np.int64))
    if int(labels.min()) < 0:
        message = f"a label is {int(labels.min())}, and classes are numbered from 0"
        raise Fault("E0801", message, argument="data", help=f"number them from 0: `y + {-int(labels.min())}`")
    return labels


def _unread(message: str, help: str) -> Fault:
    return Fault("E0802", message, argument="data", help=help)


def _shapes(found: str, shape: tuple[int, ...], input_shape: tuple[int, ...]) -> Fault:
    last_to_first = (shape[-1], *shape[:-1])
    help = "put the channels first: `numpy.moveaxis(x, -1, 1)`" if last_to_first == input_shape else f"write `input image {list(shape)}`"
    return Fault("E0803", f"{found}, and the network's input is {list(input_shape)}", argument="data", help=help)
