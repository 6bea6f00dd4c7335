"""Regions of images: the effect of `transform` and of the crops at the start of `augment` on the geometry of an image."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.recipe import Augmentation, Recipe, Transform
from archdsl.recipe.augmentations import Affine
from archdsl.recipe.transforms import CenterCrop, Region


def full_region(height: int, width: int) -> Region:
    """Return the region of a whole image."""
    return Region(0, 0, height, width, (height, width))


def compose_regions(first: Region, second: Region) -> Region:
    """Compose two regions, so that an image is resampled once; the second is a region of the result of the first."""
    down, across = first.height / first.size[0], first.width / first.size[1]
    return Region(
        first.top + second.top * down, first.left + second.left * across, second.height * down, second.width * across, second.size
    )  # fmt: skip


def transformed_region(transforms: Sequence[Transform], height: int, width: int) -> Region:
    """Return the region of an image that remains after the transforms."""
    region = full_region(height, width)
    for transform in transforms:
        region = compose_regions(region, transform.region(*region.size))
    return region


def region_of(movement: Affine, before: tuple[int, int], after: tuple[int, int]) -> Region:
    """Return the region that corresponds to an affine map without rotation or shear."""
    tall, wide = float(movement.yy) * after[0], float(movement.xx) * after[1]
    return Region(before[0] / 2 + float(movement.y0) - tall / 2, before[1] / 2 + float(movement.x0) - wide / 2, tall, wide, after)


def leading_crops(augment: Sequence[Augmentation]) -> tuple[Augmentation, ...]:
    """Return the crops at the start of `augment`, which apply to the original images."""
    count = next((number for number, augmentation in enumerate(augment) if not augmentation.crops), len(augment))
    return tuple(augment[:count])


def training_transforms(recipe: Recipe) -> tuple[Transform, ...]:
    """Return the transforms of training images, in which a random crop replaces `center_crop`."""
    cropped = bool(leading_crops(recipe.augment)) and bool(recipe.transform) and isinstance(recipe.transform[-1], CenterCrop)
    return recipe.transform[:-1] if cropped else recipe.transform
