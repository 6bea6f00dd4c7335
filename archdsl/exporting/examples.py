"""Examples of a data set as an exported file takes them: for the calibration of int8, and to compare predictions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from archdsl.exporting.format import Runner
from archdsl.exporting.program import flat
from archdsl.recipe import Recipe
from archdsl.train.batches import Order
from archdsl.train.data import load

if TYPE_CHECKING:
    from archdsl.data import Opened
    from archdsl.network import Network

_CALIBRATION = 256
"""The number of examples for calibration."""


class Example(NamedTuple):
    """Inputs of a file, with a batch of one or more, and their labels."""

    inputs: tuple[Tensor, ...]
    labels: Tensor


class Examples:
    """The training and the validation set of a network, before the preparation of inputs."""

    def __init__(self, network: Network, recipe: Recipe, opened: Opened) -> None:
        raw = recipe.replace(transform=(), augment=())
        self._data = load(raw, network.data_folder, network.inputs(), found=opened)
        self._single = bool(recipe.transform)  # images of different sizes make no batch
        self.classes = opened.labels.kind == "class"
        self.about = {"data": str(recipe.data), "validation_examples": len(self._data.held_out)}

    def as_data(self) -> dict[str, Any]:
        """Return what they are, for the certificate."""
        return self.about

    def _batches(self, split: Any, most: int | None = None) -> Iterator[Example]:
        order = torch.arange(min(len(split), most or len(split)))
        orders = (Order(part, torch.zeros_like(part)) for part in torch.split(order, 1 if self._single else 64))
        for batch in split.batches(orders, training=False):
            yield Example(batch.inputs, batch.labels)

    def calibration(self) -> list[tuple[Tensor, ...]]:
        """Return inputs from the training set."""
        return [example.inputs for example in islice(self._batches(self._data.train, _CALIBRATION), _CALIBRATION)]

    def top1(self, run: Runner, reference: nn.Module) -> dict[str, float] | None:
        """Return how often the file and the network in float64 predict the same, and how accurate both are; None without classes."""
        if not self.classes:
            return None
        same = right = expected = count = 0
        with torch.no_grad():
            for inputs, labels in self._batches(self._data.held_out):
                one, other = run(inputs)[0].argmax(1), flat(reference(*inputs))[0].argmax(1)
                same += int((one == other).sum())
                right += int((one == labels).sum())
                expected += int((other == labels).sum())
                count += len(labels)
        return {
            "examples": count, "agreement": same / count, "accuracy": right / count, "accuracy_float64": expected / count,
            "lost_points": 100 * (expected - right) / count,
        }  # fmt: skip
