"""Examples to predict: image files, images in memory and arrays, brought into batches as validation does."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch

from archdsl.data import Input
from archdsl.data.images import ENDINGS, header, is_deep
from archdsl.data.regions import transformed_region
from archdsl.data.sources import Header
from archdsl.diagnostics import SpecError, codes
from archdsl.inference.preparation import InputPreparation
from archdsl.inference.storage import Values
from archdsl.recipe.transforms import CenterCrop
from archdsl.train.batches import Batch
from archdsl.train.decoding import Cropper, decode
from archdsl.train.splits import example_tensor

BATCH: Final = 256
"""The batch size of validation, so that predictions equal it to the bit."""


@dataclass(frozen=True)
class Named:
    """An image to decode: what it is called, and its path or bytes."""

    name: str
    source: Any

    def opened(self) -> Any:
        """Return what Pillow opens."""
        return io.BytesIO(self.source) if isinstance(self.source, bytes) else self.source


@dataclass(frozen=True)
class Arrays:
    """Batches of examples of one size each: an array [examples, ...] for each input of the network."""

    batches: list[tuple[Any, ...]]


Examples = list[Named] | Arrays


class Ready(NamedTuple):
    """A batch before its preparation."""

    batch: Batch
    names: Sequence[str]
    sizes: Sequence[tuple[int, int] | None]
    """The size of each image, for outputs per pixel; None if transforms crop it, or it is no image."""
    transform: bool
    """Whether transforms apply to the batch; decoded images are transformed already."""


def examples_of(preparation: InputPreparation, sources: Iterable[Any]) -> Examples:
    """Return what a user passed as examples: files, bytes and images of Pillow, or arrays.

    Arrays are single examples or batches of them; a tuple has an array for each input. Raise `SpecError` E1002 for arrays that
    the network does not take, and `TypeError` for something else.
    """
    given = list(sources)
    if not given or not all(isinstance(one, tuple | np.ndarray | torch.Tensor) for one in given):
        return [_named(number, one) for number, one in enumerate(given)]
    batches = [_arrays(preparation, one if type(one) is tuple else (one,)) for one in given]
    as_files = preparation.storage.files and bool(preparation.recipe.transform)
    if as_files and all(arrays[0].dtype == np.uint8 for arrays in batches):  # Pillow resizes them, as it did the files
        return [
            Named(str(number), _encoded_array(array)) for number, array in enumerate(array for one in batches for array in one[0])
        ]
    alike = groupby(batches, lambda arrays: [(array.shape[1:], array.dtype) for array in arrays])
    return Arrays([tuple(np.concatenate(parts) for parts in zip(*group, strict=True)) for _, group in alike])


def _arrays(preparation: InputPreparation, given: tuple[Any, ...]) -> list[Any]:
    """Return arrays [examples, ...] for the inputs; an example without that axis becomes a batch of one."""
    inputs = preparation.inputs
    if len(given) != len(inputs):
        raise SpecError(codes.inference.InputsDiffer(tuple([one.name for one in inputs]), len(given)))
    made = [one.detach().cpu().numpy() if isinstance(one, torch.Tensor) else np.asarray(one) for one in given]
    made = [array[None] if array.ndim == len(one.shape) else array for array, one in zip(made, inputs, strict=True)]
    for array, one in zip(made, inputs, strict=True):
        shape, name = array.shape[1:], f"`{one.name}`"
        if array.dtype.kind not in "fiub" or not array.ndim or not made[0].ndim or len(array) != len(made[0]):
            raise SpecError(codes.inference.OtherExampleShape(name, array.shape, one.written()))
        if one.image and len(shape) == 3:
            shape = (shape[0], *transformed_region(preparation.recipe.transform, *shape[1:]).size)
        if not one.takes(shape):
            raise SpecError(codes.inference.OtherExampleShape(name, shape, one.written()))
        if one.real and array.size:
            found = Values("bytes") if array.dtype == np.uint8 else Values("floats", float(array.min()), float(array.max()))
            preparation.storage.check(one.name, found, image=one.image)
    preparation.require_shapes([_final(preparation, one, array) for one, array in zip(inputs, made, strict=True)])
    return made


def _final(preparation: InputPreparation, given: Input, array: Any) -> tuple[int, ...]:
    """Return the shape of an example after the transforms."""
    shape = tuple(array.shape[1:])
    return (shape[0], *transformed_region(preparation.recipe.transform, *shape[1:]).size) if given.image else shape


def _encoded_array(array: Any) -> bytes:
    """Return a PNG of an array [channels, height, width] of bytes."""
    from PIL import Image

    pixels = array[0] if len(array) == 1 else array.transpose(1, 2, 0)
    return _encoded(Image.fromarray(np.ascontiguousarray(pixels)))


def _encoded(image: Any) -> bytes:
    """Return the bytes of a file with the pixels of an image; TIFF for modes that PNG does not have."""
    written = io.BytesIO()
    if image.mode in ("1", "L", "LA", "I;16", "P", "RGB", "RGBA"):
        image.save(written, "PNG", compress_level=1)
    else:
        image.save(written, "TIFF")
    return written.getvalue()


def _named(number: int, given: Any) -> Named:
    if isinstance(given, Named):
        return given
    if isinstance(given, str | os.PathLike):
        return Named(os.fspath(given), os.fspath(given))
    if isinstance(given, bytes):
        return Named(str(number), given)
    try:
        from PIL import Image, ImageOps
    except ModuleNotFoundError as error:
        raise SpecError(codes.data.NoPackage("reading images", "Pillow", "pillow")) from error
    if isinstance(given, Image.Image):
        return Named(str(getattr(given, "filename", "") or number), _encoded(ImageOps.exif_transpose(given)))
    raise TypeError(f"an example is a path, bytes, an image of Pillow or an array, and not {type(given).__name__}")


@contextmanager
def _decoding() -> Iterator[None]:
    """Change the remedy for an unreadable image: it cannot be skipped, since a prediction was asked for."""
    try:
        yield
    except SpecError as error:
        raise error.map(lambda found: found.with_remedy("replace it, or leave it out")) from error


def check_readable(preparation: InputPreparation, images: Sequence[Named]) -> None:
    """Raise `SpecError` for the first image whose header cannot be read, or whose size the network does not take."""
    given = _image_input(preparation)
    for one in images:
        with _decoding():
            head = header(one.opened(), one.name)
        _check_size(preparation, given, one.name, head)


def _image_input(preparation: InputPreparation) -> Input:
    inputs = preparation.inputs
    if len(inputs) != 1 or not inputs[0].image:
        raise SpecError(codes.inference.NoImageInput(tuple([one.name for one in inputs])))
    preparation.storage.check(inputs[0].name, Values("bytes"), image=True)
    return inputs[0]


def _check_size(preparation: InputPreparation, given: Input, name: str, head: Header) -> None:
    try:
        size = transformed_region(preparation.recipe.transform, head.height, head.width).size
        shape = (given.shape[0] or 3, *size)
        if not given.takes(shape):
            raise SpecError(codes.inference.OtherExampleShape(name, shape, given.written()))
        preparation.require_shapes([shape])
    except SpecError as error:
        raise error if name in str(error) else error.in_file(name) from None


def batches_of(preparation: InputPreparation, examples: Examples) -> Iterator[Ready]:
    """Yield the examples in batches of one size, in order."""
    if isinstance(examples, Arrays):
        yield from _array_batches(preparation, examples)
        return
    given, files = _image_input(preparation), preparation.storage.files
    cropper = Cropper(preparation.recipe.replace(augment=(), **({} if files else {"transform": ()})))
    decoded = (_decoded(preparation, given, cropper, one) for one in examples)
    for _, group in groupby(decoded, lambda made: (made[1].shape, made[1].dtype)):
        while rows := list(islice(group, BATCH)):
            images = torch.from_numpy(np.concatenate([pixels for _, pixels, _ in rows]))
            yield _ready((images,), [name for name, *_ in rows], [size for *_, size in rows], transform=not files)


def _array_batches(preparation: InputPreparation, examples: Arrays) -> Iterator[Ready]:
    number = 0
    for arrays in examples.batches:
        for start in range(0, len(arrays[0]), BATCH):
            pairs = zip(arrays, preparation.inputs, strict=True)
            tensors = tuple(example_tensor(array[start : start + BATCH], given) for array, given in pairs)
            names = [str(number + place) for place in range(len(tensors[0]))]
            number += len(names)
            yield _ready(tensors, names, [None] * len(names), transform=True)


def _decoded(preparation: InputPreparation, given: Input, cropper: Cropper, one: Named) -> tuple[str, Any, Any]:
    """Return the name of an image, its pixels [1, channels, height, width], and its size; None if transforms crop it."""
    with _decoding():
        head = header(one.opened(), one.name)
    _check_size(preparation, given, one.name, head)
    deep = preparation.storage.deep or (not preparation.storage.files and is_deep([(one.name, head)]))
    sources = [(one.name, one.opened())]
    with _decoding():
        pixels, _ = decode(sources, given.shape[0] or 3, cropper, np.zeros(1, np.int64), training=False, deep=deep)
    crops = any(isinstance(transform, CenterCrop) for transform in preparation.recipe.transform)
    return one.name, pixels, None if crops else (head.height, head.width)


def _ready(inputs: tuple[torch.Tensor, ...], names: Sequence[str], sizes: Sequence[Any], *, transform: bool) -> Ready:
    count = len(names)
    return Ready(Batch(inputs, torch.zeros(count), torch.zeros(count, dtype=torch.int64)), names, sizes, transform)


def files_below(folder: Path) -> list[Path]:
    """Return the visible image files in a folder and below, by name. Raise `SpecError` E1002 if there are none."""
    found = sorted(file for file in folder.rglob("*") if file.suffix.lower() in ENDINGS and file.is_file())
    found = [file for file in found if not any(part.startswith(".") for part in file.relative_to(folder).parts)]
    if not found:
        raise SpecError(codes.inference.FolderWithoutImages(str(folder), ENDINGS[:8]))
    return found
