"""Applies a recipe's augmentations to a batch; movements in a row are composed and resampled once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from archdsl.recipe import Affine, Augmentation
from archdsl.train.keys import drawer


def augment(augmentations: Sequence[Augmentation], images: Tensor, keys: Tensor) -> Tensor:
    """The images [batch, channels, height, width], varied by what their keys give."""
    draw = drawer(keys)
    moved: Affine | None = None
    for augmentation in augmentations:
        movement = augmentation.warp(draw)
        if movement is not None:
            moved = movement if moved is None else _compose(moved, movement)
            continue
        images = augmentation.paint(_resample(images, moved), draw)
        moved = None
    return _resample(images, moved)


def _compose(first: Affine, then: Affine) -> Affine:
    """One movement for two: a pixel is traced back through the second, then through the first."""
    return Affine(
        xx=first.xx * then.xx + first.xy * then.yx,
        xy=first.xx * then.xy + first.xy * then.yy,
        x0=first.xx * then.x0 + first.xy * then.y0 + first.x0,
        yx=first.yx * then.xx + first.yy * then.yx,
        yy=first.yx * then.xy + first.yy * then.yy,
        y0=first.yx * then.x0 + first.yy * then.y0 + first.y0,
    )


def _resample(images: Tensor, movement: Affine | None) -> Tensor:
    """Bilinear, black outside. `affine_grid` counts in halves of the width and height, `Affine` in pixels."""
    if movement is None:
        return images
    count, _, height, width = images.shape
    m = movement
    rows = (m.xx, m.xy * height / width, m.x0 * 2 / width), (m.yx * width / height, m.yy, m.y0 * 2 / height)
    entries = [torch.as_tensor(entry, dtype=images.dtype, device=images.device).expand(count) for row in rows for entry in row]
    grid = F.affine_grid(torch.stack(entries, 1).view(count, 2, 3), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="zeros", align_corners=False)
