"""From a batch as it was read to what the network and the loss take; runs on the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from archdsl.recipe import Augmentation
from archdsl.train.augment import augment
from archdsl.train.batches import Batch


class Preparation(nn.Module):
    """Augments images in training, then normalizes each channel to mean 0 and standard deviation 1 of the training set."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, augmentations: Sequence[Augmentation], mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.augmentations = augmentations
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)

    def __call__(self, batch: Batch, *, training: bool) -> tuple[tuple[Tensor, ...], Tensor]:
        """Return the network's inputs and the labels of the loss."""
        first, *others = batch.inputs
        if training:
            first = augment(self.augmentations, first, batch.keys)
        return ((first - self.mean) / self.deviation, *others), batch.labels

    def as_data(self) -> dict[str, Any]:
        """What someone needs to prepare inputs in the same way."""
        return {"mean": self.mean.flatten().tolist(), "std": self.deviation.flatten().tolist()}
