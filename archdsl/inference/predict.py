"""Predict: images and arrays to classes, masks or values, as the validation of training prepares them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from archdsl.inference.evaluate import Runner, device_of, on_device
from archdsl.inference.examples import Examples, batches_of
from archdsl.inference.preparation import InputPreparation
from archdsl.inference.scores import class_name, finite
from archdsl.train.losses import predicted


@dataclass(frozen=True)
class Prediction:
    """The prediction for one example."""

    name: str
    """Its file, or its number."""
    classes: tuple[tuple[str, float], ...] = ()
    """The most probable classes with their probabilities; for masks, the classes with their fractions of the pixels."""
    values: tuple[float, ...] = ()
    """The predicted values, in the units of the labels."""
    pixels: Any = field(default=None, compare=False, repr=False)
    """For masks the class of each pixel, and for maps the value of each pixel, as an array; else None.

    It has the size of the image, unless the transforms crop it: then that of the crop.
    """

    @property
    def best(self) -> str | None:
        """The most probable class; None for values."""
        return self.classes[0][0] if self.classes else None

    def as_data(self) -> dict[str, Any]:
        """Return the prediction for JSON, without pixels."""
        kind = "probability" if self.pixels is None else "fraction"
        data: dict[str, Any] = {"name": self.name}
        if self.classes:
            data["classes"] = [{"name": name, kind: finite(chance)} for name, chance in self.classes]
        if self.values:
            data["values"] = [finite(value) for value in self.values]
        return data


@torch.no_grad()
def predict(
    module: nn.Module, preparation: InputPreparation, examples: Examples, *, top: int = 5, device: str = "auto"
) -> Iterator[Prediction]:
    """Yield a prediction for each example, in order.

    `top` is the number of classes to return. Raise `SpecError` E0802 for files that are no images, and E1002 for examples that
    the network does not take.
    """
    target = device_of(device)
    runner = Runner(module, preparation, target)
    preparation.criterion.to(target)
    for batch in batches_of(preparation, examples):
        prepare = preparation.for_batches(transform=batch.transform).to(target)
        inputs, _ = prepare(on_device(batch.batch, target), training=False)
        output = runner(inputs).float()
        chances = preparation.criterion.probabilities(output).cpu()
        for row, (name, size) in enumerate(zip(batch.names, batch.sizes, strict=True)):
            yield _prediction(preparation, name, output[row : row + 1].cpu(), chances[row], size, top)


def _prediction(
    preparation: InputPreparation, name: str, output: Tensor, chances: Tensor, size: tuple[int, int] | None, top: int
) -> Prediction:
    """Return the prediction of one output [1, outputs, ...]; `size` is that of the uncropped image, None if it was cropped."""
    task = preparation.task
    if task == "value":
        return Prediction(name, values=tuple(chances.flatten().tolist()))
    if task == "map":
        return Prediction(name, pixels=_enlarged(chances, size, "bilinear").numpy())
    if task == "mask":
        found = _enlarged(predicted(output).float(), size, "nearest-exact")[0].to(torch.int64).numpy()
        numbers, counts = np.unique(found, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        shares = [(class_name(preparation.classes, int(numbers[at])), float(counts[at] / found.size)) for at in order]
        return Prediction(name, tuple(shares), pixels=found)
    if len(chances) == 1:
        chances = torch.cat([1 - chances, chances])
    best = chances.topk(min(top, len(chances)))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return Prediction(name, tuple([(class_name(preparation.classes, number), chance) for number, chance in pairs]))


def _enlarged(planes: Tensor, size: tuple[int, int] | None, mode: str) -> Tensor:
    """Return planes [count, height, width] at another size."""
    if size is None or tuple(planes.shape[-2:]) == size:
        return planes
    return nn.functional.interpolate(planes[None], size, mode=mode)[0]
