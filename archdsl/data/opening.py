"""Opens the data set of a recipe, and compares it with the network's inputs and with the recipe."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archdsl.data.arrays import open_arrays
from archdsl.data.formats import Request, misshapen, unread
from archdsl.data.framing import framed, leading_crops, training_transforms
from archdsl.data.inputs import Input
from archdsl.data.labels import Labels
from archdsl.data.parts import Arrays, Decoded, Header, Source, Stream
from archdsl.data.placing import check_augmentations
from archdsl.data.reading import AS_IT_IS, Reading
from archdsl.declared import Fault
from archdsl.diagnostics import SpecError
from archdsl.recipe import Dataset, Recipe

_CHANNELS = (1, 3, 4)
"""Grey, RGB, and RGB with transparency."""


@dataclass(frozen=True)
class Opened:
    """A data set that fits the network's inputs."""

    source: Source
    labels: Labels
    shapes: tuple[tuple[int, ...], ...]
    """Of one example of each input, as the network gets it in evaluation."""
    training_shapes: tuple[tuple[int, ...], ...]
    """As it gets it in training, where crops may have another size."""


def open_data(
    recipe: Recipe, root: Path, inputs: Sequence[Input], reading: Reading = AS_IT_IS, *, ignore: int | None = None
) -> Opened:
    """Open the data set of a recipe.

    Raise `Fault`: E0802 it cannot be read; E0803 its examples have another shape than the inputs; E0801 the recipe does not
    fit it. `ignore` is the label to leave out where the loss says it and not the recipe.
    """
    left_out = recipe.ignore if recipe.ignore is not None else ignore
    images = [given for given in inputs if given.image]
    for key, ops in (("transform", recipe.transform), ("augment", recipe.augment)):
        if len(images) > 1 and ops:
            message = f"`{ops[0].name}` is for one input of images, and the network has {len(images)}"
            raise Fault("E0801", message, argument=key, help=f"write `{key} = []`, and prepare the images before they are saved")
    request = Request(root, tuple(inputs), left_out, reading.skip_bad, reading.download)
    source = _open(recipe.data, request)
    if reading.skip_bad and not isinstance(source.train, Decoded):
        raise unread("`--skip-bad` is for images in files, and this data set has none", "leave out --skip-bad")
    if reading.download and getattr(recipe.data, "name", "") != "hf":
        raise unread("`--download` is for data sets of Hugging Face, and this one is none", "leave out --download")
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
            message = f"`augment` makes images {list(shape)}, and the network's input is {given.written()}"
            size = shape_text(tuple(side for side in given.shape[1:] if side is not None) or shape[1:])
            raise Fault("E0801", message, argument="augment", help=f"give the crop the size {size}")
    if recipe.sampler == "balanced" and (labels.kind != "class" or isinstance(source.train, Stream)):
        what = "come in sequence" if labels.kind == "class" else "have no single class"
        message = f"`balanced` draws each class as often as every other, and the examples {what}"
        raise Fault("E0801", message, argument="sampler", help="write `sampler = shuffle`")
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
        names = ", ".join(Dataset.registry.names())
        raise unread(f"{path} does not exist", f"paths start at {request.root.resolve()}; data sets known by name: {names}")
    if path.suffix == ".tar":
        raise unread(f"{path} is a tar file", f'write `data = webdataset("{source}")` for shards of examples')
    if path.name.endswith((".tar.gz", ".tgz")):
        raise unread(f"{path} is an archive", f'write `data = cifar10("{source}")` for CIFAR-10; extract others')
    return open_arrays(path, request)


def _array_shapes(source: Source, inputs: Sequence[Input], recipe: Recipe) -> tuple[Any, Any]:
    """The shapes of the examples in evaluation and in training."""
    train, held_out = source.train, source.held_out
    assert isinstance(train, Arrays) and isinstance(held_out, Arrays)
    if len(train.inputs) != len(inputs):
        names = ", ".join(given.name for given in inputs)
        help = "save a `.npz` file with an array for each input, called as the input"
        raise misshapen(f"the network has {len(inputs)} inputs, {names}, and the data set has one", help)
    shapes, training = [], []
    for given, array in zip(inputs, train.inputs, strict=True):
        shape = tuple(array.shape[1:])
        _check_type(given, array)
        if recipe.transform and given.image and len(shape) == 3:
            own = (shape[0], *framed(training_transforms(recipe), *shape[1:]).size)
            shape = (shape[0], *framed(recipe.transform, *shape[1:]).size)
        else:
            own = shape
        if not given.takes(shape):
            message = f"examples of the data set are {list(shape)}, and the network's input is {given.written()}"
            raise misshapen(message, _other_input(list(shape), given))
        shapes.append(shape)
        training.append(_after_augment(own, recipe) if given.image else own)
    return tuple(shapes), tuple(training)


def _after_augment(shape: tuple[int, ...], recipe: Recipe) -> tuple[int, ...]:
    """The shape of images after crops that are not counted yet."""
    size: Any = shape[1:]
    for augmentation in recipe.augment:
        if augmentation.crops:
            size = augmentation.check(size)
    return (shape[0], *size)


def _check_type(given: Input, array: Any) -> None:
    """Integer inputs take integers."""
    if given.integer and array.dtype.kind not in "iub":
        whole = bool((array == array.round()).all())
        help = (
            f"save it as whole numbers: `{given.name}.astype(int)`"
            if whole
            else "give the numbers of tokens, or an input of real numbers"
        )
        raise misshapen(f"the input `{given.name}` takes whole numbers, and the data set has {array.dtype}", help)
    if given.integer and int(array.min()) < 0:
        raise misshapen(
            f"the input `{given.name}` takes numbers from 0, and the data set has {int(array.min())}", "number the tokens from 0"
        )


def _other_input(shape: list[int], given: Input) -> str:
    """What to do if examples are [shape], and the input is another."""
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
    """The shapes that images get, of which some headers were read."""
    given = inputs[0]
    if len(inputs) > 1 or not given.image:
        shown = given.written() if len(inputs) == 1 else f"{len(inputs)} inputs"
        if len(inputs) == 1:
            raise misshapen(
                f"the data set has images, and the network's input is {shown}", "give the network `input image [3, H, W]`"
            )
        raise misshapen(
            f"the data set has images, and the network has {shown}",
            "save a `.npz` file with an array for each input, called as the input",
        )
    channels = given.shape[0] or 3
    if channels not in _CHANNELS:
        raise misshapen(
            f"images have 1, 3 or 4 channels, and the network's input is {given.written()}", "write `input image [3, H, W]`"
        )
    size = _one_size(source.headers, given, recipe, evaluation=True)
    training = _one_size(source.headers, given, recipe, evaluation=False)
    shape = (channels, *size)
    if not given.takes(shape):
        name = source.headers[0][0]
        if recipe.transform:
            message = f"`transform` makes images {list(shape)}, and the network's input is {given.written()}"
            raise misshapen(
                message,
                "write "
                f"`{transform_text([channels, *(own or other for own, other in zip(given.shape[1:], size, strict=True))])}`",
            )
        help = (
            "write "
            f"`{transform_text([channels, *(own or other for own, other in zip(given.shape[1:], size, strict=True))])}`, "
            f"or `input image {list(shape)}`"
        )
        raise misshapen(f"{name} is {list(shape)}, and the network's input is {given.written()}", help)
    rest = recipe.model_copy(update={"augment": recipe.augment[len(leading_crops(recipe.augment)) :]})
    return (shape,), (_after_augment((channels, *training), rest),)


def _one_size(headers: Sequence[tuple[str, Header]], given: Input, recipe: Recipe, *, evaluation: bool) -> tuple[int, int]:
    """The size that all images get, or the error that names two with different ones."""
    first: tuple[str, tuple[int, int], Header] | None = None
    transforms = recipe.transform if evaluation else training_transforms(recipe)
    for name, head in headers:
        try:
            size = framed(transforms, head.height, head.width).size
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
) -> Fault:  # fmt: skip
    after = " after `transform`" if recipe.transform else ""
    wanted = [size for size in given.shape if size is not None]
    message = f"{one[0]} is {list(one[1])}{after}, {other[0]} is {list(other[1])}, and the network's input is {given.written()}"
    if not evaluation and recipe.transform:
        help = "let `augment` begin with a crop, such as `random_resized_crop(224)`, or end `transform` with `center_crop(224)`"
        return Fault("E0803", message, argument="augment", help=help)
    target = wanted if len(wanted) == 3 else [3, 224, 224]
    return misshapen(message, f"bring all images to one size: `{transform_text(target)}`")


def transform_text(shape: Sequence[int]) -> str:
    """The transforms that bring any image to a size: the middle of it, with a margin as ImageNet's evaluation has."""
    height, width = shape[1:]
    if height != width or height < 64:
        return f"transform = [resize([{height}, {width}])]"
    return f"transform = [resize({round(height * 8 / 7)}), center_crop({height})]"


def shape_text(size: Sequence[int]) -> str:
    """A size as crops take it."""
    return str(size[0]) if len(set(size)) == 1 else str(list(size))


def _labels_after(source: Source, shapes: Sequence[tuple[int, ...]], recipe: Recipe, image: int | None) -> Labels:
    """Labels that have a number for each pixel get the size that the transforms give to the images."""
    labels = source.labels
    if labels.kind not in ("mask", "map") or image is None:
        return labels
    if not isinstance(source.train, Arrays):
        return replace(labels, shape=tuple(shapes[image][1:]))
    before = tuple(source.train.inputs[image].shape[-2:])
    if len(labels.shape) >= 2 and labels.shape[-2:] == before:
        return replace(labels, shape=(*labels.shape[:-2], *shapes[image][1:]))
    if recipe.transform:
        message = (
            f"`{recipe.transform[0].name}` changes images of {list(before)}, and a label is {list(labels.shape)}, "
            "which it cannot change alike"
        )
        raise Fault(
            "E0801", message, argument="transform", help="save labels of the size of the images, or leave `transform` out"
        )
    return labels


def _training_start(source: Source, recipe: Recipe, image: int) -> tuple[tuple[int, int], bool]:
    """The size of the smallest images when augmentation begins, and whether all have it."""
    if isinstance(source.train, Arrays):
        sizes = {tuple(source.train.inputs[image].shape[-2:])}
    else:
        sizes = {(head.height, head.width) for _, head in source.headers}
    after = {framed(training_transforms(recipe), *size).size for size in sizes}
    return (min(height for height, _ in after), min(width for _, width in after)), len(after) == 1
