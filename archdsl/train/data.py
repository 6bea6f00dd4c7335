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


def _split(x: Any, y: Any, held_out: int, seed: int) -> list[Any]:
    """A part held out, with the same share of every class; the same whatever the seed of the training."""
    classes = y if np.issubdtype(y.dtype, np.integer) else None
    try:
        x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=held_out, stratify=classes, random_state=seed)
    except ValueError as error:
        raise _unread(f"{held_out} of {len(x)} examples cannot be held out: {error}", "give x_test and y_test") from error
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
            arrays = {name: file[name] for name in ("x_train", "y_train", "x_test", "y_test", "x", "y") if name in file}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError, TypeError) as error:
        reason = "an array in it is of Python objects" if "allow_pickle" in str(error) else error
        raise _unread(f"cannot read {path}: {reason}", help) from error
    if any(array.ndim == 0 for array in arrays.values()):
        raise _unread(f"{path} has single numbers in place of arrays", help)
    if {"x_train", "y_train", "x_test", "y_test"} <= arrays.keys():
        return [arrays[name] for name in ("x_train", "y_train", "x_test", "y_test")]
    if {"x", "y"} <= arrays.keys() and len(arrays["x"]) == len(arrays["y"]):
        return _split(arrays["x"], arrays["y"], max(1, len(arrays["x"]) // 5), 0)
    raise _unread(f"{path} has {', '.join(arrays) or 'no array of these names'}", help)


def _folder(path: Path, input_shape: tuple[int, ...]) -> list[Any]:
    """`train/CLASS/*.png` and `test/CLASS/*.png`; classes are numbered in the order of their names."""
    names = sorted(entry.name for entry in (path / "train").glob("*") if entry.is_dir())
    if not names:
        raise _unread(f"{path} has no folders train/CLASS", "put images into train/CLASS/*.png and test/CLASS/*.png")
    extra = sorted(entry.name for entry in (path / "test").glob("*") if entry.is_dir() and entry.name not in names)
    if extra:
        raise _unread(f"{path / 'test'} has a class `{extra[0]}` that train lacks", "give both the same classes")
    return [array for part in ("train", "test") for array in _images(path / part, names, input_shape)]


def _images(folder: Path, names: list[str], input_shape: tuple[int, ...]) -> tuple[Any, Any]:
    files = [(file, label) for label, name in enumerate(names) for file in sorted((folder / name).glob("*"))]
    chosen = [(file, label) for file, label in files if file.suffix.lower() in _IMAGES]
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
    if len(y) != count or y.dtype.kind not in "fiub":
        raise _unread(f"there are {count} examples, and labels {list(y.shape)} of {y.dtype}", "give one number to each example")
    if y.dtype.kind == "f":
        return torch.from_numpy(np.ascontiguousarray(y, dtype=np.float32))
    labels = torch.from_numpy(np.ascontiguousarray(y, dtype=np.int64))
    if int(labels.min()) < 0:
        raise Fault("E0801", f"a label is {int(labels.min())}", argument="data", help="number the classes from 0")
    return labels


def _unread(message: str, help: str) -> Fault:
    return Fault("E0802", message, argument="data", help=help)


def _shapes(found: str, shape: tuple[int, ...], input_shape: tuple[int, ...]) -> Fault:
    last_to_first = (shape[-1], *shape[:-1])
    help = "put the channels first" if last_to_first == input_shape else f"write `input image {list(shape)}`"
    return Fault("E0803", f"{found}, and the network's input is {list(input_shape)}", argument="data", help=help)
