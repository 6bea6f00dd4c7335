"""Scores of a network on a split: metrics, results of each class, the confusion matrix, and the worst examples."""

from __future__ import annotations

import heapq
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torchmetrics.classification import MultilabelConfusionMatrix

from archdsl.data import IGNORED
from archdsl.inference.preparation import InputPreparation
from archdsl.recipe.metrics import METRICS, metrics_for
from archdsl.train.losses import predicted
from archdsl.train.metrics import SplitMetrics, chosen_metrics

_MOST_SCORES: Final = 50_000_000
"""The largest number of outputs for which the areas under curves are computed unasked: they keep all outputs in memory."""
_AREAS: Final = ("average_precision", "auroc")


@dataclass(frozen=True)
class Example:
    """An example with a large loss."""

    name: str
    """Its file, or its row in an array."""
    loss: float
    label: str
    prediction: str
    probability: float | None = None
    """The probability of the predicted class; None for other kinds of labels."""

    def as_data(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return {**vars(self), "loss": finite(self.loss)}


@dataclass(frozen=True)
class Scores:
    """The scores of a network on some examples."""

    metrics: Mapping[str, float]
    per_class: tuple[Mapping[str, Any], ...]
    """For each class its `name`, the number of `examples` (for masks, pixels), `recall`, `precision`, `f1` and `iou`; for several
    values, the `mae` and `rmse` of each."""
    confusion: tuple[tuple[int, ...], ...]
    """The number of examples, or pixels, of each class (row) that are predicted as each class (column)."""
    worst: tuple[Example, ...]
    """The examples with the largest losses."""

    def as_data(self) -> dict[str, Any]:
        """Return the scores for JSON, in which a number that is not finite is null."""
        return {
            "metrics": {name: finite(value) for name, value in self.metrics.items()},
            "classes": [{key: finite(value) for key, value in one.items()} for one in self.per_class],
            "confusion": self.confusion,
            "worst": [one.as_data() for one in self.worst],
        }


def finite(value: Any) -> Any:
    """Return a value for JSON, which has no NaN and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Scorer:
    """Collect the outputs of a network, and score them. The metrics are those of training, and all others that apply."""

    def __init__(self, preparation: InputPreparation, examples: int, worst: int, device: torch.device) -> None:
        self.preparation, self.criterion = preparation, preparation.criterion
        self._wanted, self._seen = worst, 0
        self._metrics = SplitMetrics(_names(preparation, examples), self.criterion, preparation.outputs, details=True).to(device)
        multilabel = self._metrics.kind == "multilabel"
        self._by_class = MultilabelConfusionMatrix(preparation.outputs).to(device) if multilabel else None
        self._errors = torch.zeros(2, preparation.outputs, dtype=torch.float64)
        self._worst: list[tuple[float, int, str, Tensor, Tensor]] = []

    def update(self, output: Tensor, labels: Tensor, name: Callable[[int], str]) -> None:
        """Add a batch; `name` returns what an example is called."""
        self._metrics.update(output, labels)
        kind = self._metrics.kind
        if self._by_class is not None:
            self._by_class.update((output > 0).long(), labels.long().view(output.shape))
        if kind == "value":
            errors = self.criterion.scaled_back(output.float()).flatten(1).double() - labels.reshape(len(labels), -1)
            self._errors += torch.stack([errors.abs().sum(0), errors.square().sum(0)]).cpu()
        for place in range(len(labels)) if self._wanted else ():
            loss = float(self.criterion(output[place : place + 1], labels[place : place + 1])[0])
            rank = (math.inf if math.isnan(loss) else loss, -self._seen - place)
            if len(self._worst) < self._wanted or rank > self._worst[0][:2]:
                entry = (*rank, name(self._seen + place), output[place].clone(), labels[place].clone())
                (heapq.heappush if len(self._worst) < self._wanted else heapq.heapreplace)(self._worst, entry)
        self._seen += len(labels)

    def scores(self) -> Scores:
        """Return the scores of all batches so far."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=UserWarning)  # of classes without examples
            found = self._metrics.compute()
        worst = sorted(self._worst, key=lambda entry: entry[:2], reverse=True)
        return Scores(
            {name: found.values[name] for name in METRICS if name in found.values}, self._per_class(found.confusion),
            found.confusion, tuple([self._example(loss, name, output, label) for loss, _, name, output, label in worst]),
        )  # fmt: skip

    def _per_class(self, confusion: Sequence[Sequence[int]]) -> tuple[Mapping[str, Any], ...]:
        if confusion:
            matrix = torch.tensor(confusion, dtype=torch.float64)
            hits, examples, predictions = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
        elif self._by_class is not None:
            counts = self._by_class.compute().cpu().double()
            hits, examples, predictions = counts[:, 1, 1], counts[:, 1].sum(1), counts[:, :, 1].sum(1)
        elif self._metrics.kind == "value" and self.preparation.outputs > 1:
            mean, square = (self._errors / max(1, self._seen)).tolist()
            return tuple([
                {"name": str(number), "examples": self._seen, "mae": one, "rmse": math.sqrt(two)}
                for number, (one, two) in enumerate(zip(mean, square, strict=True))
            ])  # fmt: skip
        else:
            return ()
        columns = {
            "recall": hits / examples, "precision": hits / predictions, "f1": 2 * hits / (examples + predictions),
            "iou": hits / (examples + predictions - hits),
        }  # fmt: skip
        rows = zip(examples.tolist(), *[column.tolist() for column in columns.values()], strict=True)
        return tuple([
            {"name": self._called(number), "examples": int(count), **dict(zip(columns, values, strict=True))}
            for number, (count, *values) in enumerate(rows)
        ])  # fmt: skip

    def _called(self, number: int) -> str:
        return class_name(self.preparation.classes, number)

    def _example(self, loss: float, name: str, output: Tensor, label: Tensor) -> Example:
        """Return an example in words."""
        kind, rows = self._metrics.kind, (output[None], label[None])
        if kind == "class":
            number = int(label.argmax()) if label.is_floating_point() and label.numel() > 1 else int(label)
            guess = int(predicted(rows[0])[0])
            each = self.criterion.probabilities(rows[0])[0]
            chance = float(each[guess]) if len(each) > 1 else float(each[0] if guess else 1 - each[0])
            return Example(name, loss, "ignored" if number == IGNORED else self._called(number), self._called(guess), chance)
        if kind == "multilabel":
            both = [" ".join(self._called(i) for i in (row > 0).flatten().nonzero()[:, 0].tolist()) for row in (label, output)]
            return Example(name, loss, both[0] or "none", both[1] or "none")
        if kind == "mask":
            counted = label != IGNORED
            share = float((predicted(rows[0])[0] == label)[counted].float().mean()) if bool(counted.any()) else math.nan
            return Example(name, loss, "mask", f"{share:.1%} of the pixels")
        values = self.criterion.scaled_back(rows[0].float()).flatten()
        if kind == "map":
            error = float((values.double() - label.flatten()).abs().mean())
            return Example(name, loss, "map", f"mean absolute error {error:.4g}")
        wanted, found = (", ".join(f"{value:.4g}" for value in row.flatten()[:4].tolist()) for row in (label, values))
        return Example(name, loss, wanted, found)


def class_name(names: Sequence[str] | None, number: int) -> str:
    """Return the name of a class; its number if it has none."""
    return names[number] if names is not None and number < len(names) else str(number)


def _names(preparation: InputPreparation, examples: int) -> tuple[str, ...]:
    """Return the metrics: those of the recipe, and all others that apply."""
    own = chosen_metrics(preparation.recipe, preparation.task, preparation.outputs)
    useless = {"top5"} if preparation.outputs <= 5 else set()
    useless |= set(_AREAS) if examples * preparation.outputs > _MOST_SCORES or preparation.labels.soft else set()
    return tuple(dict.fromkeys([*own, *(name for name in metrics_for(preparation.task) if name not in useless)]))
