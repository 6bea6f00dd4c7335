"""Whether augmentations and transforms do what they are for with the images and labels of a data set."""

from __future__ import annotations

from archdsl.data.labels import Labels
from archdsl.declared import Fault
from archdsl.recipe import Augmentation, Recipe
from archdsl.recipe.augmentations import ColorJitter, RandomCrop
from archdsl.recipe.transforms import sides


def check_augmentations(
    recipe: Recipe, labels: Labels, start: tuple[int, int] | None, alike: bool, shape: tuple[int, ...]
) -> None:
    """Raise `Fault` E0801 for one that has no effect, destroys images, or cannot take the labels along.

    `start` is the size of the smallest images before the first augmentation, None if there are no images; `alike` if all have it.
    """
    if start is None:
        for key, ops in (("transform", recipe.transform), ("augment", recipe.augment)):
            if ops:
                message = f"`{ops[0].name}` is for images, and the input is {list(shape)}"
                raise Fault("E0801", message, argument=key, help=f"write `{key} = []`")
        return
    size, follows = start, moves_with(labels, shape)
    for augmentation in recipe.augment:
        if isinstance(augmentation, RandomCrop):
            _check_crop(augmentation, size, alike)
        size, alike = augmentation.check(size), alike or augmentation.crops
        _check_channels(augmentation, shape[0])
        if labels.kind in ("mask", "map") and not augmentation.mixes:
            _check_positions(augmentation, labels, follows, shape)
        if augmentation.mixes:
            _check_mixture(augmentation, labels, recipe, follows)


def _check_crop(crop: RandomCrop, size: tuple[int, int], alike: bool) -> None:
    if alike and sides(crop.size) == size and not crop.pad:
        message = f"`random_crop` cuts {size[0]} x {size[1]} pixels out of images of that size, which changes nothing"
        better = f"random_crop({crop.size if isinstance(crop.size, int) else list(crop.size)}, pad = {max(1, size[0] // 8)})"
        raise Fault("E0801", message, argument="augment", help=f"give the images a border: `{better}`")


def moves_with(labels: Labels, shape: tuple[int, ...]) -> bool:
    """Whether labels have a number for each pixel of the image, so that they move with it."""
    return len(shape) == 3 and len(labels.shape) >= 2 and tuple(labels.shape[-2:]) == tuple(shape[1:])


def _check_channels(augmentation: Augmentation, channels: int) -> None:
    name = augmentation.name
    if augmentation.channels is not None and channels != augmentation.channels:
        what = (
            "changes nothing in grey images"
            if name == "grayscale" and channels == 1
            else f"is for images of {augmentation.channels} channels"
        )
        raise Fault("E0801", f"`{name}` {what}, and the input has {channels}", argument="augment", help=f"leave `{name}` out")
    if not isinstance(augmentation, ColorJitter):
        return
    if channels not in (1, 3):
        raise Fault(
            "E0801",
            f"`{name}` is for images of 1 or 3 channels, and the input has {channels}",
            argument="augment",
            help=f"leave `{name}` out",
        )
    grey = not augmentation.brightness and not augmentation.contrast
    if grey and channels == 1:
        message = f"`{name}` without brightness and contrast changes nothing in grey images"
        raise Fault("E0801", message, argument="augment", help=f"leave `{name}` out")
    if grey and not augmentation.saturation and not augmentation.hue:
        raise Fault("E0801", f"`{name}` with all strengths 0 changes nothing", argument="augment", help=f"leave `{name}` out")


def _check_positions(augmentation: Augmentation, labels: Labels, follows: bool, shape: tuple[int, ...]) -> None:
    """Labels of pixels have to go where the pixels go."""
    moves = type(augmentation).warp is not Augmentation.warp or augmentation.painter == "archdsl.train.colors:rand_augment"
    if not moves:
        return
    name = augmentation.name
    if not follows:
        message = f"`{name}` moves the pixels of an image, and a label is {list(labels.shape)} for an image of {list(shape[1:])}"
        raise Fault("E0801", message, argument="augment", help=f"leave `{name}` out, or give labels of the size of the images")
    if labels.kind == "map" and augmentation.enters:
        message = f"`{name}` brings in pixels from outside the image, for which there are no values"
        raise Fault("E0801", message, argument="augment", help=f"leave `{name}` out, or use `random_resized_crop` or `flip`")


def _check_mixture(augmentation: Augmentation, labels: Labels, recipe: Recipe, follows: bool) -> None:
    name = augmentation.name
    if labels.kind in ("mask", "map") and (name == "mixup" or not follows):
        message = (
            f"`{name}` mixes the labels of two images, and a label has {'a class' if labels.kind == 'mask' else 'a value'} "
            "for each pixel"
        )
        help = f"leave `{name}` out" + (", or use `cutmix`, which takes the pixels' classes along" if follows else "")
        raise Fault("E0801", message, argument="augment", help=help)
    if labels.kind == "value" and name == "cutmix":
        raise Fault(
            "E0801",
            "`cutmix` mixes classes, and the labels are values",
            argument="augment",
            help="leave `cutmix` out, or use `mixup`",
        )
    if recipe.batch == 1:
        raise Fault(
            "E0801",
            f"`{name}` mixes two examples of a batch, and a batch has one",
            argument="augment",
            help="write `batch = 2` or more",
        )
