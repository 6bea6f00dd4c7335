"""Warnings about a run: settings that are valid but probably unintended."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic, codes
from archdsl.recipe import Recipe
from archdsl.recipe.losses import Regression
from archdsl.train.data import Data
from archdsl.train.targets import label_kind, label_statistics

_LARGE = 100.0
"""The root mean square of labels above which a warning is given; the outputs of an initialized network are near 1."""


def run_warnings(recipe: Recipe, data: Data, steps: int) -> list[Diagnostic]:
    """Return the warnings about a run of `steps` steps per epoch."""
    return [found for found in (_large_labels(recipe, data), _long_warmup(recipe, steps)) if found is not None]


def _large_labels(recipe: Recipe, data: Data) -> Diagnostic | None:
    loss = recipe.loss
    if not isinstance(loss, Regression) or "scale" in loss.given or label_kind(data, loss) not in ("value", "map"):
        return None
    mean, deviation = label_statistics(data)
    size = float((mean.square() + deviation.square()).sqrt().max())
    if size <= _LARGE:
        return None
    return codes.warnings.LargeLabels(size, loss.name)


def _long_warmup(recipe: Recipe, steps: int) -> Diagnostic | None:
    """Return a warning about a warm-up, in steps, that is longer than the run. The compiler checks warm-ups in epochs."""
    warmup, run = getattr(recipe.schedule, "warmup_steps", 0), recipe.epochs * steps
    if warmup <= run:
        return None
    rate = recipe.optimizer.lr
    return codes.warnings.WarmupInSteps(warmup, run, rate * run / warmup, rate)
