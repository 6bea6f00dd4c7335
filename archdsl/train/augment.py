"""Apply the augmentations of a recipe to a batch. Consecutive geometric augmentations are composed and resampled once.

Geometric augmentations are implemented here, because libraries resample for each one, and draw from generators whose state
would have to be stored. Colour augmentations use kornia (`colors.py`).
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from scipy.special import betaincinv
from torch import Tensor

from archdsl.data import IGNORED
from archdsl.recipe import Affine, Augmentation
from archdsl.recipe.augmentations import MixUp, box
from archdsl.train.rng import random_draws

Size = tuple[int, int]
Draw = Callable[[int], Tensor]
_QUANTILES = 4096


def augment(
    augmentations: Sequence[Augmentation], images: Tensor, draw: Draw, positions: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """Augment images [batch, channels, height, width], together with labels per pixel.

    `positions`, [batch, height, width] or [batch, channels, height, width], are transformed like the images, with
    nearest-neighbour sampling; pixels from outside become `IGNORED`. Mixtures are skipped.
    """
    moved: Affine | None = None
    size: Any = tuple(images.shape[2:])
    for augmentation in augmentations:
        if augmentation.mixes:
            continue
        movement = augmentation.warp(size, draw)
        if movement is not None:
            moved = movement[0] if moved is None else compose(moved, movement[0])
            size = movement[1]
            continue
        images, positions = resample(images, positions, moved, size)
        moved = None
        if augmentation.painter is not None:
            images, positions = pkgutil.resolve_name(augmentation.painter)(images, positions, draw, augmentation)
        else:
            images = augmentation.paint(images, draw)
    return resample(images, positions, moved, size)


def compose(first: Affine, then: Affine) -> Affine:
    """Compose two affine maps: a pixel is mapped back through the second, then through the first."""
    return Affine(
        xx=first.xx * then.xx + first.xy * then.yx,
        xy=first.xx * then.xy + first.xy * then.yy,
        x0=first.xx * then.x0 + first.xy * then.y0 + first.x0,
        yx=first.yx * then.xx + first.yy * then.yx,
        yy=first.yx * then.xy + first.yy * then.yy,
        y0=first.yx * then.x0 + first.yy * then.y0 + first.y0,
    )


def resample(images: Tensor, positions: Tensor | None, movement: Affine | None, size: Size) -> tuple[Tensor, Tensor | None]:
    """Resample images bilinearly, black outside, and positions by nearest neighbour.

    `affine_grid` uses units of half a side, and `Affine` uses pixels.
    """
    if movement is None:
        return images, positions
    count, _, height, width = images.shape
    tall, wide, m = *size, movement
    rows = (
        (m.xx * wide / width, m.xy * tall / width, m.x0 * 2 / width),
        (m.yx * wide / height, m.yy * tall / height, m.y0 * 2 / height),
    )
    entries = [torch.as_tensor(entry, dtype=images.dtype, device=images.device).expand(count) for row in rows for entry in row]
    grid = F.affine_grid(torch.stack(entries, 1).view(count, 2, 3), [count, 1, tall, wide], align_corners=False)
    images = F.grid_sample(images, grid, padding_mode="zeros", align_corners=False)
    if positions is None:
        return images, None
    numbers = positions.float() if positions.ndim == 4 else positions.float()[:, None]
    inside = F.grid_sample(torch.ones_like(numbers[:, :1]), grid, "nearest", "zeros", False)
    taken = torch.where(inside > 0, F.grid_sample(numbers, grid, "nearest", "zeros", False), float(IGNORED))
    return images, taken.to(positions.dtype) if positions.ndim == 4 else taken[:, 0].to(positions.dtype)


class Mixing:
    """Combine each example with the previous one of its batch, with one of the mixtures."""

    def __init__(self, mixtures: Sequence[Any], classes: int | None) -> None:
        self._mixtures, self._classes = mixtures, classes
        places = (torch.arange(_QUANTILES, dtype=torch.float64) + 0.5) / _QUANTILES
        self._quantiles = [
            torch.from_numpy(betaincinv(mixture.alpha, mixture.alpha, places.numpy())).float() for mixture in mixtures
        ]  # fmt: skip
        """The inverse of each distribution function, to draw from it with counter-based random numbers."""

    def __call__(self, images: Tensor, labels: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mixed images and labels; class numbers become probabilities, [batch, classes]."""
        draw = random_draws(keys)
        chosen = (draw(1)[0] * len(self._mixtures)).long()
        positions = labels.ndim > 2
        if not positions and not labels.is_floating_point():
            assert self._classes is not None
            ignored = labels == IGNORED
            labels = F.one_hot(labels.masked_fill(ignored, 0), self._classes).float() * ~ignored[:, None]
        others, other_labels = images.roll(1, 0), labels.roll(1, 0)
        for number, (mixture, quantiles) in enumerate(zip(self._mixtures, self._quantiles, strict=True)):
            quantiles = quantiles.to(images.device, non_blocking=True)
            share = quantiles[(draw(1)[0] * _QUANTILES).long()]
            share = torch.where(chosen == number, share, 1.0)
            if isinstance(mixture, MixUp):
                images = images.lerp(others, (1 - share).view(-1, *[1] * (images.ndim - 1)))
            else:
                images, labels, share = _paste(images, others, labels, other_labels, share, draw, positions)
            if not positions:
                labels = labels.lerp(other_labels, (1 - share).view(-1, *[1] * (labels.ndim - 1)))
        return images, labels


def _paste(
    images: Tensor, others: Tensor, labels: Tensor, other_labels: Tensor, share: Tensor, draw: Draw, positions: bool
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Paste a rectangle of the other image. The remaining fraction is counted in pixels, since a rectangle may extend outside."""
    height, width = images.shape[2:]
    down, across = draw(2)
    tall, wide = ((1 - share).sqrt() * side for side in (height, width))
    tall, wide = tall.floor(), wide.floor()
    top, left = (down * height).floor() - (tall / 2).floor(), (across * width).floor() - (wide / 2).floor()
    inside = box(images, top, left, tall, wide)
    if positions:
        labels = torch.where(inside[:, 0] if labels.ndim == 3 else inside, other_labels, labels)
    return torch.where(inside, others, images), labels, 1 - inside.float().mean((1, 2, 3))
