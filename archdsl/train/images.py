"""Folders of images, a folder to a class."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from archdsl.train.formats import HELD_OUT, misshapen, unread

_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


class _Image(NamedTuple):
    file: Path
    label: int


def read_images(path: Path, input_shape: tuple[int, ...]) -> tuple[list[Any], list[str]]:
    """`train/CLASS/*.png` and `test/CLASS/*.png`, or `CLASS/*.png`: the arrays as of a `.npz` file, and the names of the classes.

    Images are [channels, height, width], bytes or between 0 and 1; classes are numbered in the order of their names.
    """
    if (path / "train").is_dir():
        parts = [path / "train", next((path / part for part in HELD_OUT if (path / part).is_dir()), path / "test")]
    else:
        parts = [path]
    classes = _folders(parts[0])
    if not classes:
        wanted = "train/CLASS" if len(parts) > 1 else "of images"
        raise unread(f"{path} has no folders {wanted}", "put images into train/CLASS/*.png and test/CLASS/*.png")
    extra = [name for name in _folders(parts[-1]) if name not in classes]
    if extra:
        message = f"{parts[-1]} has a class `{extra[0]}` that train lacks"
        raise unread(message, f"put images of it into {parts[0] / extra[0]}, or remove {parts[-1] / extra[0]}")
    images = [_list(part, classes) for part in parts]
    together = [image for part in images for image in part]
    arrays: list[Any] = []
    for part in images:
        pixels = [_read(image.file, input_shape, together) for image in part]
        arrays += [_stack(pixels), np.array([image.label for image in part])]
    return arrays, classes


def _folders(path: Path) -> list[str]:
    """The names of the folders in one, in their order, without those that a program hides there."""
    return sorted(entry.name for entry in path.glob("*") if entry.is_dir() and not entry.name.startswith("."))


def _list(part: Path, classes: list[str]) -> list[_Image]:
    """The images of a part; raises `Fault` (E0802) where a class has a folder without any."""
    images = []
    for label, name in enumerate(classes):
        folder = part / name
        files = [file for file in sorted(folder.glob("*")) if not file.is_dir() and not file.name.startswith(".")]
        chosen = [_Image(file, label) for file in files if file.suffix.lower() in _ENDINGS]
        if folder.is_dir() and not chosen:
            held = f"; it has {files[0].name}" if files else ""
            raise unread(f"{folder} has no images{held}", f"put images into it ({', '.join(_ENDINGS)} are read), or remove the folder")
        images += chosen
    if not images:
        raise unread(f"{part} has no images", f"put images into {part}/CLASS/*.png")
    return images


def _stack(images: list[Any]) -> Any:
    """Bytes as they are, which take a quarter of the memory; images of 16 bits, and others among them, between 0 and 1."""
    if all(pixels.dtype == np.uint8 for pixels in images):
        return np.stack(images)
    return np.stack([pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max) for pixels in images])


def _read(file: Path, input_shape: tuple[int, ...], together: list[_Image]) -> Any:
    """One image, channels first, of 8 or 16 bits."""
    channels = input_shape[0] if len(input_shape) == 3 and input_shape[0] in _MODES else 1
    with _opened(file) as image:
        size = (image.height, image.width)
        if len(input_shape) == 3 and size != input_shape[1:]:  # known before the pixels are: nobody decodes more than the input takes
            raise _misfit(file, (channels, *size), input_shape, together)
        try:
            if image.mode.startswith("I"):  # grey of 16 bits, which `convert` would cut off at 255
                grey = np.asarray(image).astype(np.uint16)
                pixels = np.stack([grey, grey, grey, np.full_like(grey, 65535)])[:channels]
            else:
                pixels = np.asarray(image.convert(_MODES[channels]))
                pixels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
        except Exception as error:  # Pillow's decoders raise many kinds
            raise _unreadable(file, error) from error
    if pixels.shape != input_shape:
        raise _misfit(file, pixels.shape, input_shape, together)
    return pixels


def _opened(file: Path) -> Any:
    try:
        from PIL import Image  # an optional dependency, of this one format
    except ModuleNotFoundError as error:
        raise unread("reading images needs Pillow", "pip install pillow") from error
    try:
        return Image.open(file)
    except Exception as error:  # as above
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: Exception) -> Exception:
    return unread(f"cannot read {file}: {getattr(error, 'strerror', None) or error}", "replace or remove it")


def _misfit(file: Path, shape: tuple[int, ...], input_shape: tuple[int, ...], together: list[_Image]) -> Exception:
    """Another shape than the input's: all images have it, or some alone."""
    size = shape[1:]
    for other in together:
        with _opened(other.file) as image:
            other_size = (image.height, image.width)
        if other_size != size:
            sizes = f"{file} is {list(size)}, {other.file} is {list(other_size)}"
            fit = f"all images to the size of the input: `ImageOps.fit(image, {input_shape[:0:-1]})`" if len(input_shape) == 3 else "all to one size"
            return misshapen(f"{sizes}, and the network's input is {list(input_shape)}", f"bring {fit}")
    return misshapen(f"{file} is {list(shape)}, and the network's input is {list(input_shape)}", f"write `input image {list(shape)}`")
