"""Metrics of a trained network: `metrics = [accuracy, f1]`, `best = iou`.

A metric is a bare word. The table lists, for each metric, the kinds of labels that it applies to, and whether higher is better;
`archdsl.train` computes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, get_args

if TYPE_CHECKING:
    from archdsl.recipe.recipe import Recipe

Kind = Literal["class", "mask", "multilabel", "value", "map"]
"""Kinds of labels: a class per example, a class per pixel, several classes per example, values, a value per pixel."""

MetricName = Literal[
    "loss", "accuracy", "top5", "f1", "precision", "recall", "iou", "dice", "average_precision",
    "auroc", "mae", "mse", "rmse", "r2"
]  # fmt: skip
"""The names of the metrics, in display order."""


class Metric(NamedTuple):
    """A metric: the kinds of labels that it applies to, its definition, and whether a higher value is better."""

    kinds: tuple[Kind, ...]
    about: str
    higher: bool = True


_CLASSES: Final[tuple[Kind, ...]] = ("class", "mask", "multilabel")
_VALUES: Final[tuple[Kind, ...]] = ("value", "map")
METRICS: Final[dict[str, Metric]] = {
    "loss": Metric((*_CLASSES, *_VALUES), "loss of the main output", higher=False),
    "accuracy": Metric(_CLASSES, "fraction of correct predictions"),
    "top5": Metric(("class",), "fraction of examples whose class is among the five highest outputs"),
    "f1": Metric(_CLASSES, "harmonic mean of precision and recall, averaged over the classes"),
    "precision": Metric(_CLASSES, "fraction of correct predictions among the predictions of a class, averaged over the classes"),
    "recall": Metric(_CLASSES, "fraction of the examples of a class that are predicted correctly, averaged over the classes"),
    "iou": Metric(_CLASSES, "intersection over union (Jaccard index), averaged over the classes"),
    "dice": Metric(("mask",), "Dice coefficient over all pixels, averaged over the classes; equal to `f1`"),
    "average_precision": Metric(("class", "multilabel"), "area under the precision-recall curve, averaged over the classes"),
    "auroc": Metric(("class", "multilabel"), "area under the ROC curve, averaged over the classes"),
    "mae": Metric(_VALUES, "mean absolute error, in the units of the labels", higher=False),
    "mse": Metric(_VALUES, "mean squared error, in the units of the labels", higher=False),
    "rmse": Metric(_VALUES, "root mean squared error, in the units of the labels", higher=False),
    "r2": Metric(_VALUES, "coefficient of determination, averaged over the values"),
}
assert tuple(METRICS) == get_args(MetricName)  # one list for type checkers, one with the definitions

_DEFAULTS: Final[dict[Kind, tuple[str, ...]]] = {
    "class": ("accuracy",),
    "mask": ("accuracy", "iou", "dice"),
    "multilabel": ("accuracy", "f1", "average_precision"),
    "value": ("mae", "rmse", "r2"),
    "map": ("mae", "rmse"),
}
_BEST: Final[dict[Kind, str]] = {"class": "accuracy", "mask": "iou", "multilabel": "f1", "value": "loss", "map": "loss"}
_MANY_CLASSES: Final = 20
"""With at least this many classes, `top5` is a default metric."""


def default_metrics(kind: Kind, classes: int) -> tuple[str, ...]:
    """Return the metrics of a recipe without `metrics`."""
    return (*_DEFAULTS[kind], *(["top5"] if kind == "class" and classes >= _MANY_CLASSES else []))


def best_metric(recipe: Recipe, kind: Kind) -> str:
    """Return the metric that selects the best epoch."""
    return recipe.best or (recipe.metrics[0] if recipe.metrics else default_best(kind))


def default_best(kind: Kind) -> str:
    """Return the metric that selects the best epoch of a recipe without `best`."""
    return _BEST[kind]


def metrics_for(kind: Kind) -> list[str]:
    """Return the metrics that apply to a kind of labels."""
    return [name for name, metric in METRICS.items() if kind in metric.kinds]


def show_metric(name: str, value: float) -> str:
    """Format a value of a metric: fractions as percentages, losses and errors as numbers."""
    return f"{value:.2%}" if METRICS[name].higher and name != "r2" else f"{value:.4g}"
