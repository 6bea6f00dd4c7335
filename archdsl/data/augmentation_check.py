"""Check that augmentations and transforms have an effect on the images, and apply to the labels."""

from __future__ import annotations

from archdsl.data.labels import Labels
from archdsl.diagnostics import SpecError, codes
from archdsl.recipe import Augmentation, Recipe
from archdsl.recipe.augmentations import ColorJitter, RandomCrop
from archdsl.recipe.transforms import sides


def check_augmentations(
    recipe: Recipe, labels: Labels, start: tuple[int, int] | None, alike: bool, shape: tuple[int, ...]
) -> None:
    """Raise `SpecError` E0801 for one that has no effect, destroys images, or cannot take the labels along.

    `start` is the size of the smallest images before the first augmentation; None without images. `alike` means that all have it.
    """
    if start is None:
        for key, ops in (("transform", recipe.transform), ("augment", recipe.augment)):
            if ops:
                raise SpecError(codes.recipe.NotForImages(key, ops[0].name, shape))
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
        raise SpecError(codes.recipe.CropOfWholeImage(size, crop.size if isinstance(crop.size, int) else list(crop.size)))


def moves_with(labels: Labels, shape: tuple[int, ...]) -> bool:
    """Return whether labels have a value per pixel of the image, so that they are transformed with it."""
    return len(shape) == 3 and len(labels.shape) >= 2 and tuple(labels.shape[-2:]) == tuple(shape[1:])


def _check_channels(augmentation: Augmentation, channels: int) -> None:
    name = augmentation.name
    if augmentation.channels is not None and channels != augmentation.channels:
        if name == "grayscale" and channels == 1:
            raise SpecError(
                codes.recipe.AugmentationChangesNothing(name, "changes nothing in grey images, and the input has 1 channel")
            )
        raise SpecError(codes.recipe.AugmentationChannels(name, str(augmentation.channels), channels))
    if not isinstance(augmentation, ColorJitter):
        return
    if channels not in (1, 3):
        raise SpecError(codes.recipe.AugmentationChannels(name, "1 or 3", channels))
    grey = not augmentation.brightness and not augmentation.contrast
    if grey and channels == 1:
        raise SpecError(
            codes.recipe.AugmentationChangesNothing(name, "without brightness and contrast changes nothing in grey images")
        )
    if grey and not augmentation.saturation and not augmentation.hue:
        raise SpecError(codes.recipe.AugmentationChangesNothing(name, "with all strengths 0 changes nothing"))


def _check_positions(augmentation: Augmentation, labels: Labels, follows: bool, shape: tuple[int, ...]) -> None:
    """Raise `SpecError` E0801 for a geometric augmentation that cannot transform labels per pixel."""
    moves = type(augmentation).warp is not Augmentation.warp or augmentation.painter == "archdsl.train.colors:rand_augment"
    if not moves:
        return
    name = augmentation.name
    if not follows:
        raise SpecError(codes.recipe.LabelsStayBehind(name, labels.shape, shape[1:]))
    if labels.kind == "map" and augmentation.enters:
        raise SpecError(codes.recipe.NoValuesOutside(name))


def _check_mixture(augmentation: Augmentation, labels: Labels, recipe: Recipe, follows: bool) -> None:
    name = augmentation.name
    if labels.kind in ("mask", "map") and (name == "mixup" or not follows):
        raise SpecError(codes.recipe.MixtureOfPixelLabels(name, labels.kind == "mask", follows))
    if labels.kind == "value" and name == "cutmix":
        raise SpecError(codes.recipe.CutMixOfValues())
    if recipe.batch == 1:
        raise SpecError(codes.recipe.MixtureOfOne(name))
