"""Colour augmentations, computed by kornia with counter-based random strengths per image."""

from __future__ import annotations

from collections.abc import Callable
from math import pi, radians
from typing import Any

import torch
from kornia import enhance
from kornia.color import rgb_to_grayscale
from kornia.enhance import adjust
from torch import Tensor

from archdsl.recipe import Affine
from archdsl.train.augment import resample

Draw = Callable[[int], Tensor]
Painted = tuple[Tensor, Tensor | None]


def jitter(images: Tensor, positions: Tensor | None, draw: Draw, op: Any) -> Painted:
    """Change brightness, contrast, saturation and hue with a random factor per image."""
    brightness, contrast, saturation, hue = draw(4) * 2 - 1
    images = images.clamp(0, 1)
    if op.brightness:
        images = _brightness(images, 1 + brightness * op.brightness)
    if op.contrast:
        images = adjust.adjust_contrast_with_mean_subtraction(images, 1 + contrast * op.contrast)
    if images.shape[1] == 3 and op.saturation:
        images = adjust.adjust_saturation_with_gray_subtraction(images, 1 + saturation * op.saturation)
    if images.shape[1] == 3 and op.hue:
        images = enhance.adjust_hue(images, hue * op.hue * 2 * pi)
    return images, positions


def grayscale(images: Tensor, positions: Tensor | None, draw: Draw, op: Any) -> Painted:
    """Convert some images to grey."""
    chosen = draw(1)[0] < op.p
    return torch.where(chosen[:, None, None, None], rgb_to_grayscale(images), images), positions


def _brightness(images: Tensor, factor: Tensor) -> Tensor:
    return (images * factor[:, None, None, None]).clamp(0, 1)


def _posterize(images: Tensor, strength: Tensor) -> Tensor:
    return enhance.posterize(images, (8 - (strength.abs() * 4).round()).int())


def _solarize(images: Tensor, strength: Tensor) -> Tensor:
    return enhance.solarize(images, 1 - strength.abs())


def _autocontrast(images: Tensor, strength: Tensor) -> Tensor:
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    return torch.where(high > low, (images - low) / (high - low).clamp(min=1e-6), images)


_COLORS: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (
    lambda images, strength: _brightness(images, 1 + 0.9 * strength),
    lambda images, strength: adjust.adjust_saturation_with_gray_subtraction(images, 1 + 0.9 * strength),
    lambda images, strength: adjust.adjust_contrast_with_mean_subtraction(images, 1 + 0.9 * strength),
    lambda images, strength: enhance.sharpness(images, 1 + 0.9 * strength),
    _posterize,
    _solarize,
    _autocontrast,
    lambda images, strength: enhance.equalize(images),
)
"""Operations of Table 6 in arXiv:1805.09501; strengths are from -1 to 1."""
_MOVEMENTS = 5
"""The geometric operations: shears and shifts along both axes, and rotation. One more operation is the identity."""


def rand_augment(images: Tensor, positions: Tensor | None, draw: Draw, op: Any) -> Painted:
    """Apply `n` operations per image, each drawn uniformly from 14."""
    images = images.clamp(0, 1)
    for _ in range(op.n):
        choice, sign = draw(2)
        kind = (choice * (_MOVEMENTS + len(_COLORS) + 1)).long()
        strength = torch.where(sign < 0.5, -1.0, 1.0) * (op.magnitude / 30)
        images, positions = resample(images, positions, _movement(kind, strength, images), (images.shape[2], images.shape[3]))
        kinds = kind.tolist()
        for number, paint in enumerate(_COLORS, _MOVEMENTS):
            chosen = [place for place, own in enumerate(kinds) if own == number]
            if chosen:
                places = torch.tensor(chosen, device=images.device)
                images = images.index_copy(0, places, paint(images[places], strength[places]).to(images.dtype))
    return images, positions


def _movement(kind: Tensor, strength: Tensor, images: Tensor) -> Affine:
    """Return the affine maps of the geometric operations: at most a shear of 0.3, a shift by 45 % of a side, and 30 degrees."""
    height, width = images.shape[2:]
    none = torch.zeros_like(strength)

    def of(number: int, size: float) -> Tensor:
        return torch.where(kind == number, strength * size, none)

    angle = of(4, radians(30))
    return Affine(
        xx=angle.cos(), xy=of(0, 0.3) - angle.sin(), x0=of(2, 0.45 * width).round(),
        yx=of(1, 0.3) + angle.sin(), yy=angle.cos(), y0=of(3, 0.45 * height).round(),
    )  # fmt: skip
