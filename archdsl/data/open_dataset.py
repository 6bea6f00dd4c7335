"""Open the data set of a recipe, and compare it with the inputs of the network and with the recipe."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archdsl.data.arrays import open_arrays
from archdsl.data.augmentation_check import check_augmentations
from archdsl.data.inputs import Input
from archdsl.data.labels import Labels
from archdsl.data.read_options import DEFAULT_OPTIONS, ReadOptions
from archdsl.data.regions import leading_crops, training_transforms, transformed_region
from archdsl.data.request import Request
from archdsl.data.sources import Arrays, Decoded, Header, Source, Stream
from archdsl.diagnostics import SpecError, codes
from archdsl.recipe import Dataset, Recipe

_CHANNELS = (1, 3, 4)
"""Grey, RGB, and RGBA."""


@dataclass(frozen=True)
class Opened:
    """An open data set that matches the inputs of the network."""

    source: Source
    labels: Labels
    shapes: tuple[tuple[int, ...], ...]
    """The shape of one example of each input, in evaluation."""
    training_shapes: tuple[tuple[int, ...], ...]
    """The same in training, where crops may have another size."""


def open_data(
    recipe: Recipe,
    root: Path,
    inputs: Sequence[Input],
    reading: ReadOptions = DEFAULT_OPTIONS,
    *,
    ignore: int | None = None,
    whole: bool = False,
    names: tuple[str, ...] | None = None,
) -> Opened:
    """Open the data set of a recipe.

    Raise `SpecError`: E0802 if it cannot be read; E0803 if the shape of its examples differs from that of the inputs; E0801 if it
    does not match the recipe. `ignore` is the label that the loss ignores, unless the recipe sets one. To evaluate a trained
    network, `names` are its classes in order, and with `whole`, examples without a split are all in both sets.
    """
    left_out = recipe.ignore if recipe.ignore is not None else ignore
    images = [given for given in inputs if given.image]
    for key, ops in (("transform", recipe.transform), ("augment", recipe.augment)):
        if len(images) > 1 and ops:
            raise SpecError(codes.recipe.ManyImageInputs(key, ops[0].name, len(images)))
    request = Request(root, tuple(inputs), left_out, reading.skip_bad, reading.download, whole, names)
    source = _open(recipe.data, request)
    if reading.skip_bad and not isinstance(source.train, Decoded):
        raise SpecError(codes.data.NoFilesToSkip())
    if reading.download and getattr(recipe.data, "name", "") != "hf":
        raise SpecError(codes.data.NothingToDownload())
    if isinstance(source.train, Arrays):
        shapes, training = _array_shapes(source, request.inputs, recipe)
    else:
        shapes, training = _image_shapes(source, request.inputs, recipe)
    image = next((number for number, given in enumerate(inputs) if given.image), None)
    labels = _labels_after(source, shapes, recipe, image)
    start, alike = _training_start(source, recipe, image) if image is not None else (None, True)
    check_augmentations(recipe, labels, start, alike, shapes[image or 0])
    for given, shape in zip(inputs, training, strict=True):
        if not given.takes(shape):
            size = shape_text(tuple(side for side in given.shape[1:] if side is not None) or shape[1:])
            raise SpecError(codes.recipe.AugmentedSize(shape, given.written(), size))
    if recipe.sampler == "balanced" and (labels.kind != "class" or isinstance(source.train, Stream)):
        raise SpecError(codes.recipe.NothingToBalance(labels.kind == "class"))
    return Opened(source, labels, shapes, training)


def _open(source: Dataset | str, request: Request) -> Source:
    if isinstance(source, Dataset):
        opener: Callable[[Any, Request], Source] = pkgutil.resolve_name(source.target)
        return opener(source, request)
    path = request.root / source
    if path.is_dir():
        folder = Dataset.registry.get("imagefolder")
        assert folder is not None
        return _open(folder.create({"path": source}), request)
    if not path.exists():
        help = f"paths start at {request.root.resolve()}; data sets known by name: {', '.join(Dataset.registry.names())}"
        raise SpecError(codes.data.MissingData(str(path), None, help))
    if path.suffix == ".tar":
        raise SpecError(codes.data.TarOfExamples(str(path), source))
    if path.name.endswith((".tar.gz", ".tgz")):
        raise SpecError(codes.data.Archive(str(path), source))
    return open_arrays(path, request)


def _array_shapes(source: Source, inputs: Sequence[Input], recipe: Recipe) -> tuple[Any, Any]:
    """Return the shapes of the examples in evaluation and in training."""
    train, held_out = source.train, source.held_out
    assert isinstance(train, Arrays) and isinstance(held_out, Arrays)
    if len(train.inputs) != len(inputs):
        raise SpecError(codes.examples.InputCount([given.name for given in inputs]))
    shapes, training = [], []
    for given, array in zip(inputs, train.inputs, strict=True):
        shape = tuple(array.shape[1:])
        _check_type(given, array)
        if recipe.transform and given.image and len(shape) == 3:
            own = (shape[0], *transformed_region(training_transforms(recipe), *shape[1:]).size)
            shape = (shape[0], *transformed_region(recipe.transform, *shape[1:]).size)
        else:
            own = shape
        if not given.takes(shape):
            raise SpecError(codes.examples.ExampleShape(shape, given.written(), _other_input(list(shape), given)))
        shapes.append(shape)
        training.append(_after_augment(own, recipe) if given.image else own)
    return tuple(shapes), tuple(training)


def _after_augment(shape: tuple[int, ...], recipe: Recipe) -> tuple[int, ...]:
    """Return the shape of images after the crops in `augment`."""
    size: Any = shape[1:]
    for augmentation in recipe.augment:
        if augmentation.crops:
            size = augmentation.check(size)
    return (shape[0], *size)


def _check_type(given: Input, array: Any) -> None:
    """Raise `SpecError` E0803 for an integer input without integers, and a mask of anything but zeros and ones."""
    if given.boolean and array.dtype.kind != "b" and not bool(((array == 0) | (array == 1)).all()):
        raise SpecError(codes.examples.MaskValues(given.name, str(array.dtype)))
    if given.integer and array.dtype.kind not in "iub":
        whole = bool((array == array.round()).all())
        raise SpecError(codes.examples.FractionalTokens(given.name, str(array.dtype), whole))
    if given.integer and int(array.min()) < 0:
        raise SpecError(codes.examples.NegativeTokens(given.name, int(array.min())))


def _other_input(shape: list[int], given: Input) -> str:
    """Return the fix for examples whose shape differs from that of the input."""
    wanted = [size for size in given.shape if size is not None]
    first = [*shape[-1:], *shape[:-1]]
    if len(shape) == 3 and (first == wanted or (shape[-1] in _CHANNELS and shape[0] not in _CHANNELS)):
        return "put the channels first: `x.transpose(0, 3, 1, 2)`" + (
            f", and write `input image {first}`" if first != wanted else ""
        )
    if len(shape) == 3 and given.image and len(wanted) == 3 and shape[0] == wanted[0]:
        return f"write `input image {shape}`, or `{transform_text(wanted)}`"
    return (
        f"write `input {'image' if len(shape) > 1 else 'row'} {shape}`"
        if shape
        else "save rows of one number: `x[:, None]`, and write `input row [1]`"
    )


def _image_shapes(source: Source, inputs: Sequence[Input], recipe: Recipe) -> tuple[Any, Any]:
    """Return the shapes of images in evaluation and in training, from their headers."""
    given = inputs[0]
    if len(inputs) > 1 or not given.image:
        raise SpecError(codes.examples.ImagesForOneInput(len(inputs), given.written() if len(inputs) == 1 else None))
    channels = given.shape[0] or 3
    if channels not in _CHANNELS:
        raise SpecError(codes.examples.ImageChannels(given.written()))
    size = _one_size(source.headers, given, recipe, evaluation=True)
    training = _one_size(source.headers, given, recipe, evaluation=False)
    shape = (channels, *size)
    if not given.takes(shape):
        wanted = [own or other for own, other in zip(given.shape[1:], size, strict=True)]
        transform = transform_text([channels, *wanted])
        if recipe.transform:
            raise SpecError(codes.examples.TransformedSize(shape, given.written(), transform))
        raise SpecError(codes.examples.ImageSize(source.headers[0][0], shape, given.written(), transform))
    rest = recipe.replace(augment=recipe.augment[len(leading_crops(recipe.augment)) :])
    return (shape,), (_after_augment((channels, *training), rest),)


def _one_size(headers: Sequence[tuple[str, Header]], given: Input, recipe: Recipe, *, evaluation: bool) -> tuple[int, int]:
    """Return the common size of all images after the transforms.

    Raise `SpecError` E0803 that shows two images with different sizes.
    """
    first: tuple[str, tuple[int, int], Header] | None = None
    transforms = recipe.transform if evaluation else training_transforms(recipe)
    for name, head in headers:
        try:
            size = transformed_region(transforms, head.height, head.width).size
            for crop in () if evaluation else leading_crops(recipe.augment):
                size = crop.check(size)
        except SpecError as error:
            raise error.in_file(name) from None
        if first is None:
            first = (name, size, head)
        elif size != first[1]:
            raise _different((name, size, head), first, given, recipe, evaluation=evaluation)
    assert first is not None
    return first[1]


def _different(
    one: tuple[str, tuple[int, int], Header], other: tuple[str, tuple[int, int], Header], given: Input, recipe: Recipe, *,
    evaluation: bool
) -> SpecError:  # fmt: skip
    images, sizes = (one[0], other[0]), (one[1], other[1])
    if not evaluation and recipe.transform:
        return SpecError(codes.examples.TrainingSizesDiffer(images, sizes, given.written()))
    wanted = [size for size in given.shape if size is not None]
    transform = transform_text(wanted if len(wanted) == 3 else [3, 224, 224])
    return SpecError(codes.examples.ImageSizesDiffer(images, sizes, given.written(), bool(recipe.transform), transform))


def transform_text(shape: Sequence[int]) -> str:
    """Return transforms that bring any image to a size: a centre crop with the margin that is usual for ImageNet."""
    height, width = shape[1:]
    if height != width or height < 64:
        return f"transform = [resize([{height}, {width}])]"
    return f"transform = [resize({round(height * 8 / 7)}), center_crop({height})]"


def shape_text(size: Sequence[int]) -> str:
    """Return a size as an argument of a crop."""
    return str(size[0]) if len(set(size)) == 1 else str(list(size))


def _labels_after(source: Source, shapes: Sequence[tuple[int, ...]], recipe: Recipe, image: int | None) -> Labels:
    """Return the labels after the transforms, which resize labels per pixel with their images."""
    labels = source.labels
    if labels.kind not in ("mask", "map") or image is None:
        return labels
    if not isinstance(source.train, Arrays):
        return replace(labels, shape=tuple(shapes[image][1:]))
    before = tuple(source.train.inputs[image].shape[-2:])
    if len(labels.shape) >= 2 and labels.shape[-2:] == before:
        return replace(labels, shape=(*labels.shape[:-2], *shapes[image][1:]))
    if recipe.transform:
        raise SpecError(codes.recipe.LabelsNotTransformed(recipe.transform[0].name, before, labels.shape))
    return labels


def _training_start(source: Source, recipe: Recipe, image: int) -> tuple[tuple[int, int], bool]:
    """Return the size of the smallest images at the start of `augment`, and whether all images have it."""
    if isinstance(source.train, Arrays):
        sizes = {tuple(source.train.inputs[image].shape[-2:])}
    else:
        sizes = {(head.height, head.width) for _, head in source.headers}
    after = {transformed_region(training_transforms(recipe), *size).size for size in sizes}
    return (min(height for height, _ in after), min(width for _, width in after)), len(after) == 1
