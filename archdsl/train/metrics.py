"""Compute the metrics of a recipe over a split, with torchmetrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn
from torchmetrics import MeanAbsoluteError, MeanSquaredError, Metric, R2Score, SumMetric
from torchmetrics import classification as tm

from archdsl.data import IGNORED
from archdsl.diagnostics import SpecError, codes
from archdsl.recipe import Recipe
from archdsl.recipe.metrics import METRICS, Kind, default_metrics, metrics_for
from archdsl.train.losses import Criterion, predicted

CONFUSED: Final = frozenset({"class", "mask"})
"""The kinds of labels that have a confusion matrix."""


class MetricValues(NamedTuple):
    """The metrics of a split by name; for classes also the accuracy of each class and the confusion matrix [true, predicted]."""

    values: dict[str, float]
    per_class: tuple[float, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()


def chosen_metrics(recipe: Recipe, kind: Kind, classes: int) -> tuple[str, ...]:
    """Return the metrics of the recipe, or the defaults, and those that `best`, `early_stop` and `schedule` monitor.

    Raises `SpecError` E0801 for a metric that the labels cannot have.
    """
    watched = [
        ("best", recipe.best),
        ("early_stop", getattr(recipe.early_stop, "metric", None)),
        ("schedule", getattr(recipe.schedule, "metric", None)),
    ]
    named = [*(("metrics", name) for name in recipe.metrics), *watched]
    for key, name in named:
        if name is not None and kind not in METRICS[name].kinds:
            raise SpecError(codes.recipe.MetricForOtherLabels(key, name, _LABELS[kind], list(metrics_for(kind))))
    always = ["loss", *(["accuracy"] if kind in METRICS["accuracy"].kinds else [])]
    chosen = [*(recipe.metrics or default_metrics(kind, classes)), *(name for _, name in watched if name is not None)]
    return tuple(dict.fromkeys([*always, *chosen]))


_LABELS = {
    "class": "labels that are classes", "mask": "masks", "multilabel": "labels of several classes at once",
    "value": "labels that are values", "map": "maps of values",
}  # fmt: skip


class SplitMetrics(nn.Module):
    """Metrics that accumulate over batches. `details` adds the accuracy of each class and the confusion matrix."""

    def __init__(self, names: Sequence[str], criterion: Criterion, outputs: int, *, details: bool = False) -> None:
        super().__init__()
        self.criterion = criterion
        kind: Kind = "class" if criterion.kind == "multilabel" and outputs == 1 else criterion.kind
        self.kind = kind
        self.loss, self.counted = (
            SumMetric(nan_strategy="disable"),
            SumMetric(nan_strategy="disable"),
        )  # otherwise torchmetrics ignores NaN
        self.by_name = nn.ModuleDict({name: _metric(name, kind, outputs) for name in names if name != "loss"})
        self.confusion = _confusion(kind, outputs) if details else None

    def update(self, output: Tensor, labels: Tensor) -> None:
        """Add a batch."""
        value, count = self.criterion(output, labels)
        self.loss.update(value * count)
        self.counted.update(count)
        kind, output = self.kind, output.float()
        if kind in ("value", "map"):
            values, labels = self.criterion.scaled_back(output).flatten(1), labels.reshape(len(labels), -1)
            if output.device.type != "mps":  # MPS has no float64, which sums of squares of values in the thousands need
                values, labels = values.double(), labels.double()
            if kind == "map":
                values, labels = values.flatten(), labels.flatten()
            for metric in self.by_name.values():
                metric.update(values, labels)  # type: ignore[operator]
            return
        one_output = output.shape[1] == 1
        answers = (output > 0).long() if kind == "multilabel" else predicted(output)
        soft = labels.is_floating_point() and self.criterion.kind == "class"
        labels = labels.argmax(1) if soft else labels.long().view(answers.shape)
        for name, metric in self.by_name.items():
            scores = name in _OF_SCORES
            given = (
                (output[:, 0].sigmoid() if one_output else output.sigmoid() if kind == "multilabel" else output.softmax(1))
                if scores
                else answers
            )
            metric.update(given, labels)  # type: ignore[operator]
        if self.confusion is not None:
            self.confusion.update(answers, labels)

    def compute(self) -> MetricValues:
        """Return the metrics over all batches so far."""
        values = {"loss": float(self.loss.compute() / self.counted.compute())}
        values |= {name: float(metric.compute()) for name, metric in self.by_name.items()}  # type: ignore[operator]
        if self.confusion is None:
            return MetricValues(values)
        matrix = self.confusion.compute().cpu()
        found, all = matrix.diagonal().double(), matrix.sum(1).double()
        return MetricValues(values, tuple((found / all).tolist()), tuple(tuple(row) for row in matrix.tolist()))


_OF_SCORES = ("top5", "average_precision", "auroc")
"""The metrics that are computed from outputs; the others need predictions."""
_MACRO: dict[str, tuple[Callable[..., Metric], Callable[..., Metric], Callable[..., Metric]]] = {
    "f1": (tm.BinaryF1Score, tm.MulticlassF1Score, tm.MultilabelF1Score),
    "dice": (tm.BinaryF1Score, tm.MulticlassF1Score, tm.MultilabelF1Score),
    "precision": (tm.BinaryPrecision, tm.MulticlassPrecision, tm.MultilabelPrecision),
    "recall": (tm.BinaryRecall, tm.MulticlassRecall, tm.MultilabelRecall),
    "iou": (tm.BinaryJaccardIndex, tm.MulticlassJaccardIndex, tm.MultilabelJaccardIndex),
    "average_precision": (tm.BinaryAveragePrecision, tm.MulticlassAveragePrecision, tm.MultilabelAveragePrecision),
    "auroc": (tm.BinaryAUROC, tm.MulticlassAUROC, tm.MultilabelAUROC),
}


def _metric(name: str, kind: Kind, outputs: int) -> Metric:
    if kind in ("value", "map"):
        values: dict[str, Callable[[], Metric]] = {
            "mae": MeanAbsoluteError, "mse": MeanSquaredError,
            "rmse": lambda: MeanSquaredError(squared=False), "r2": _R2,
        }  # fmt: skip
        return values[name]()
    common: dict[str, Any] = {"ignore_index": IGNORED, "validate_args": False}
    if kind == "multilabel":
        return (
            tm.MultilabelAccuracy(outputs, average="micro", **common)
            if name == "accuracy"
            else _MACRO[name][2](outputs, average="macro", **common)
        )
    if outputs == 1:
        return tm.BinaryAccuracy(**common) if name in ("accuracy", "top5") else _MACRO[name][0](**common)
    if name in ("accuracy", "top5"):
        return tm.MulticlassAccuracy(outputs, average="micro", top_k=min(5, outputs) if name == "top5" else 1, **common)
    return _MACRO[name][1](outputs, average="macro", **common)


class _R2(R2Score):
    """The coefficient of determination; NaN for a single example, for which torchmetrics raises an error."""

    def compute(self) -> Tensor:
        """Return the mean over the outputs."""
        return super().compute() if int(self.total) > 1 else torch.tensor(float("nan"))


def _confusion(kind: Kind, outputs: int) -> Metric | None:
    if kind not in CONFUSED:
        return None
    common: dict[str, Any] = {"ignore_index": IGNORED, "validate_args": False}
    return tm.BinaryConfusionMatrix(**common) if outputs == 1 else tm.MulticlassConfusionMatrix(outputs, **common)
