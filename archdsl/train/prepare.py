"""Prepare batches for the network and the loss, on the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archdsl.data import IGNORED, Labels
from archdsl.recipe import Augmentation, Transform
from archdsl.train.augment import Mixing, augment
from archdsl.train.batches import Batch
from archdsl.train.normalize import Normalizer
from archdsl.train.rng import key, random_draws

__all__ = ["IGNORED", "Plan", "Preparation", "scaled"]


class Plan(NamedTuple):
    """The processing of images that remains after decoding."""

    image: int | None
    """The number of the image input; None without images."""
    transform: Sequence[Transform]
    training_transform: Sequence[Transform]
    augment: Sequence[Augmentation]
    moves: bool
    """Whether labels have a value per pixel, so that they are transformed with the images."""
    record: dict[str, Any]
    """The description of the preparation for environment.json."""


class Preparation(nn.Module):
    """Scale bytes to the range from 0 to 1, transform and augment images together with labels per pixel, and normalize.

    Class labels are int64, and values float32; ignored labels are `IGNORED`. With `mixup` or `cutmix`, class labels become
    float32 [batch, classes] in training.
    """

    def __init__(self, plan: Plan, labels: Labels, normalizers: Sequence[Normalizer | None], integer: Sequence[bool]) -> None:
        super().__init__()
        self._plan, self.labels, self._integer = plan, labels, tuple(integer)
        self.normalizers = nn.ModuleList(one if one is not None else nn.Identity() for one in normalizers)
        mixtures = [augmentation for augmentation in plan.augment if augmentation.mixes]
        self._mixing = Mixing(mixtures, labels.classes) if mixtures else None

    def __call__(self, batch: Batch, *, training: bool) -> tuple[tuple[Tensor, ...], Tensor]:
        """Return the inputs of the network, and the labels for the loss."""
        inputs, labels = self.vary(batch, training=training)
        return tuple(
            given if whole else normalizer(given)
            for given, whole, normalizer in zip(inputs, self._integer, self.normalizers, strict=True)
        ), labels

    def vary(self, batch: Batch, *, training: bool) -> tuple[tuple[Tensor, ...], Tensor]:
        """Return the inputs before normalization, with images from 0 to 1, and the labels."""
        inputs = [given if whole else scaled(given) for given, whole in zip(batch.inputs, self._integer, strict=True)]
        labels = self._wanted(batch.labels)
        plan = self._plan
        if plan.image is None:
            return tuple(inputs), labels
        images, positions = inputs[plan.image], labels if plan.moves else None
        images, positions = transformed(plan.training_transform if training else plan.transform, images, positions)
        if training:
            images, positions = augment(plan.augment, images, random_draws(batch.keys), positions)
        labels = labels if positions is None else positions
        if training and self._mixing is not None:
            images, labels = self._mixing(images, labels, key(8, batch.keys))
        inputs[plan.image] = images
        return tuple(inputs), labels

    def _wanted(self, labels: Tensor) -> Tensor:
        if labels.is_floating_point():
            return labels
        labels = labels.long()
        return labels if self.labels.ignore is None else labels.masked_fill(labels == self.labels.ignore, IGNORED)

    @property
    def large(self) -> bool:
        """Whether a matrix is too large for JSON."""
        return any(isinstance(one, Normalizer) and one.large for one in self.normalizers)

    def tensors(self) -> dict[str, Tensor]:
        """Return all statistics of the normalization, for preparation.safetensors."""
        return {name: value.cpu().contiguous() for name, value in self.state_dict().items()}

    def as_data(self) -> dict[str, Any]:
        """Return the data for environment.json that is needed to prepare inputs in the same way."""
        each = [one.as_data() if isinstance(one, Normalizer) else {} for one in self.normalizers]
        names = self._plan.record["inputs"]
        numbers = each[0] if len(each) == 1 else {"each": dict(zip(names, each, strict=True))}
        return {**numbers, **self._plan.record}


def in_channels_last(inputs: Sequence[Tensor]) -> list[Tensor]:
    """Return inputs with images in the channels-last memory format."""
    return [given.contiguous(memory_format=torch.channels_last) if given.ndim == 4 else given for given in inputs]


def scaled(given: Tensor) -> Tensor:
    """Convert to float32, and divide bytes by 255."""
    return given.float() / 255 if not given.is_floating_point() else given


def transformed(transforms: Sequence[Transform], images: Tensor, positions: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Apply transforms to the images of a batch, and to labels per pixel with nearest-neighbour sampling."""
    for transform in transforms:
        height, width = images.shape[2:]
        region = transform.region(height, width)
        if (region.height, region.width) == region.size:
            rows, columns = (
                slice(start, start + side) for start, side in zip((region.top, region.left), region.size, strict=True)
            )
            images = images[..., rows, columns]
            positions = None if positions is None else positions[..., rows, columns]
            continue
        images = F.interpolate(images, region.size, mode="bilinear", antialias=True)
        if positions is not None:
            numbers = positions.float() if positions.ndim == 4 else positions.float()[:, None]
            nearest = F.interpolate(numbers, region.size, mode="nearest-exact").to(positions.dtype)
            positions = nearest if positions.ndim == 4 else nearest[:, 0]
    return images, positions
