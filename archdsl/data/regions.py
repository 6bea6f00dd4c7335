"""What `transform` and the crops at the start of `augment` make of the size of an image."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.recipe import Augmentation, Recipe, Transform
from archdsl.recipe.augmentations import Affine
from archdsl.recipe.transforms import CenterCrop, Region


def full_region(height: int, width: int) -> Region:
    """All of an image."""
    return Region(0, 0, height, width, (height, width))


def compose_regions(first: Region, second: Region) -> Region:
    """One part for two, so that an image is resampled once: the second is a part of what the first gives."""
    down, across = first.height / first.size[0], first.width / first.size[1]
    return Region(
        first.top + second.top * down, first.left + second.left * across, second.height * down, second.width * across, second.size
    )  # fmt: skip


def transformed_region(transforms: Sequence[Transform], height: int, width: int) -> Region:
    """The part of an image that the transforms make of it."""
    region = full_region(height, width)
    for transform in transforms:
        region = compose_regions(region, transform.region(*region.size))
    return region


def region_of(movement: Affine, before: tuple[int, int], after: tuple[int, int]) -> Region:
    """The part that a movement along the axes cuts out."""
    tall, wide = float(movement.yy) * after[0], float(movement.xx) * after[1]
    return Region(before[0] / 2 + float(movement.y0) - tall / 2, before[1] / 2 + float(movement.x0) - wide / 2, tall, wide, after)


def leading_crops(augment: Sequence[Augmentation]) -> tuple[Augmentation, ...]:
    """The crops at the start, which see images as they are in their files."""
    count = next((number for number, augmentation in enumerate(augment) if not augmentation.crops), len(augment))
    return tuple(augment[:count])


def training_transforms(recipe: Recipe) -> tuple[Transform, ...]:
    """The transforms of training images: a random crop takes the place of the crop of the middle."""
    cropped = bool(leading_crops(recipe.augment)) and bool(recipe.transform) and isinstance(recipe.transform[-1], CenterCrop)
    return recipe.transform[:-1] if cropped else recipe.transform
