"""What a trained network is measured by: `metrics = [accuracy, f1]`, `best = iou`.

A metric is a bare word. This table says for which labels it has a meaning, and which way is better;
`archdsl.train` computes it.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, get_args

Kind = Literal["class", "mask", "multilabel", "value", "map"]
"""What labels are: a class an example, a class a pixel, several classes at once, values, a map of values."""

MetricName = Literal[
    "loss", "accuracy", "top5", "f1", "precision", "recall", "iou", "dice", "average_precision", "auroc", "mae", "mse", "rmse", "r2"
]  # fmt: skip
"""The words, in the order in which they are shown."""


class Metric(NamedTuple):
    """A metric: the labels that it is for, what it measures, and whether a higher value is better."""

    kinds: tuple[Kind, ...]
    about: str
    higher: bool = True


_CLASSES: Final[tuple[Kind, ...]] = ("class", "mask", "multilabel")
_VALUES: Final[tuple[Kind, ...]] = ("value", "map")
METRICS: Final[dict[str, Metric]] = {
    "loss": Metric((*_CLASSES, *_VALUES), "the loss of the main output", higher=False),
    "accuracy": Metric(_CLASSES, "the share of correct answers"),
    "top5": Metric(("class",), "the share of examples whose class is among the five highest outputs"),
    "f1": Metric(_CLASSES, "the harmonic mean of precision and recall, averaged over the classes"),
    "precision": Metric(_CLASSES, "the share of correct answers among those for a class, averaged over the classes"),
    "recall": Metric(_CLASSES, "the share of a class that is found, averaged over the classes"),
    "iou": Metric(_CLASSES, "intersection over union (Jaccard index), averaged over the classes"),
    "dice": Metric(("mask",), "the Dice coefficient of all pixels, averaged over the classes; equal to `f1`"),
    "average_precision": Metric(("class", "multilabel"), "the area under the precision-recall curve, averaged over the classes"),
    "auroc": Metric(("class", "multilabel"), "the area under the ROC curve, averaged over the classes"),
    "mae": Metric(_VALUES, "the mean absolute error, in the units of the labels", higher=False),
    "mse": Metric(_VALUES, "the mean squared error, in the units of the labels", higher=False),
    "rmse": Metric(_VALUES, "the root of the mean squared error, in the units of the labels", higher=False),
    "r2": Metric(_VALUES, "the coefficient of determination, averaged over the values"),
}
assert tuple(METRICS) == get_args(MetricName)  # one list for type checkers, one with the facts

_DEFAULTS: Final[dict[Kind, tuple[str, ...]]] = {
    "class": ("accuracy",),
    "mask": ("accuracy", "iou", "dice"),
    "multilabel": ("accuracy", "f1", "average_precision"),
    "value": ("mae", "rmse", "r2"),
    "map": ("mae", "rmse"),
}
_BEST: Final[dict[Kind, str]] = {"class": "accuracy", "mask": "iou", "multilabel": "f1", "value": "loss", "map": "loss"}
_MANY_CLASSES: Final = 20
"""From so many classes on, `top5` is measured too."""


def default_metrics(kind: Kind, classes: int) -> tuple[str, ...]:
    """The metrics of a recipe that names none."""
    return (*_DEFAULTS[kind], *(["top5"] if kind == "class" and classes >= _MANY_CLASSES else []))


def default_best(kind: Kind) -> str:
    """The metric that chooses the best epoch if the recipe names none."""
    return _BEST[kind]


def metrics_for(kind: Kind) -> list[str]:
    """The metrics that labels of a kind can have."""
    return [name for name, metric in METRICS.items() if kind in metric.kinds]


def show_metric(name: str, value: float) -> str:
    """A value of a metric as people read it: shares as percentages, losses and errors as numbers."""
    return f"{value:.2%}" if METRICS[name].higher and name != "r2" else f"{value:.4g}"
