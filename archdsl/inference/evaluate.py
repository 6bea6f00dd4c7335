"""Evaluate a trained network on a split, with the preparation and the metrics of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from archdsl.inference.evaluation_data import EvaluationData
from archdsl.inference.preparation import InputPreparation
from archdsl.inference.scores import Scorer, Scores
from archdsl.inference.views import Averaging, views_of
from archdsl.train.batches import Batch
from archdsl.train.checks import main_output, require_device
from archdsl.train.prepare import in_channels_last


@dataclass(frozen=True)
class Evaluation:
    """The evaluation of a network on one split."""

    network: str
    split: str
    examples: int
    task: str
    """The kind of labels."""
    scores: Scores
    averaged: Scores | None = None
    """The scores of averaged predictions, if they were asked for."""
    averaging: str | None = None
    """What was averaged, in words."""

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics of the single prediction by name."""
        return dict(self.scores.metrics)

    def as_data(self) -> dict[str, Any]:
        """Return the evaluation for JSON."""
        own = {"network": self.network, "split": self.split, "examples": self.examples, "task": self.task}
        if self.averaged is None:
            return {**own, **self.scores.as_data()}
        return {**own, **self.scores.as_data(), "averaging": self.averaging, "averaged": self.averaged.as_data()}


@dataclass(frozen=True)
class Averaged:
    """What to average: the views of each example, and the modules of an ensemble."""

    tta: Averaging | None = None
    ensemble: Sequence[nn.Module] = ()

    def described(self) -> str | None:
        """Return it in words; None for nothing."""
        parts: list[str] = [self.tta] if self.tta else []
        parts += [f"ensemble of {len(self.ensemble)}"] if self.ensemble else []
        return ", ".join(parts) or None


def device_of(name: str) -> torch.device:
    """Return a device by name; `auto` is CUDA, an Apple GPU or the CPU. Raise `SpecError` E0805 if it is missing."""
    require_device(name)
    if name != "auto":
        return torch.device(name)
    return torch.device("cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu")


class Runner:
    """A network in evaluation mode on a device, called as in the validation of training."""

    def __init__(self, module: nn.Module, preparation: InputPreparation, device: torch.device) -> None:
        self._channels_last = preparation.recipe.channels_last
        self._module = module.to(device).eval()
        if self._channels_last:
            self._module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as in training

    def __call__(self, inputs: Sequence[Tensor]) -> Tensor:
        """Return the main output."""
        given = in_channels_last(inputs) if self._channels_last else inputs
        output: Tensor = main_output(self._module(*given))
        return output


def on_device(batch: Batch, device: torch.device) -> Batch:
    """Return a batch on a device."""
    return Batch(tuple(given.to(device) for given in batch.inputs), batch.labels.to(device), batch.keys.to(device))


@torch.no_grad()
def evaluate(
    name: str, module: nn.Module, preparation: InputPreparation, source: EvaluationData, *, split: str | None = None,
    average: Averaged | None = None, device: str = "auto",
    worst: int = 5,
) -> Evaluation:  # fmt: skip
    """Return the evaluation of a module without auxiliary heads.

    `split` is that of results.json; default: the test set, else the validation set. `worst` is the number of examples with the
    largest loss to return. Raise `SpecError` E1004 for a split that the data does not have and for an augmentation that does not
    apply, and E0805 for a missing device.
    """
    average, target = average or Averaged(), device_of(device)
    chosen, examples = source.chosen(split)
    views = views_of(preparation, source.recipe, average.tta)
    recipes = [view.recipe for at, view in enumerate(views) if all(view.recipe is not one.recipe for one in views[:at])]
    sets = [source.data if recipe is source.recipe else source.viewed(recipe) for recipe in recipes]
    preparers = [preparation.for_data(data).to(target) for data in sets]
    preparation.criterion.to(target)
    streams = [data.evaluation_batches(source.split_of(data, chosen)) for data in sets]
    runner = Runner(module, preparation, target)
    members = [Runner(one, preparation, target) for one in average.ensemble] or [runner]
    single, averaged = (Scorer(preparation, len(examples), worst, target) for _ in range(2))
    for batches in zip(*streams, strict=True):
        prepared = [made(on_device(batch, target), training=False) for made, batch in zip(preparers, batches, strict=True)]
        inputs, labels = prepared[0]
        output = runner(inputs)
        single.update(output, labels, examples.name)
        if average.described() is None:
            continue
        outputs = []
        for view in views:
            own = next(made[0] for recipe, made in zip(recipes, prepared, strict=True) if recipe is view.recipe)
            seen = view.seen(own, preparation.image)
            outputs += [view.returned(member(seen), output.shape[2:]) for member in members]
        averaged.update(preparation.criterion.averaged(outputs), labels, examples.name)
    both = average.described()
    return Evaluation(
        name, chosen, len(examples), preparation.task, single.scores(), None if both is None else averaged.scores(), both
    )
