"""Early stopping: `early_stop = patience(10)`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.fields import Field
from archdsl.recipe.metrics import METRICS, MetricName
from archdsl.registry import Registered, Registry


class Stopping(Registered):
    """Base of all rules for early stopping."""

    registry: ClassVar[Registry[Any]] = Registry("stopping rule")
    if TYPE_CHECKING:  # a field of every rule, with its own description
        metric: MetricName

    @abstractmethod
    def stops(self, values: Sequence[float]) -> bool:
        """Return whether training stops now, given the validation metric of each epoch so far."""


def epochs_without_progress(values: Sequence[float], metric: str, least: float = 0.0) -> int:
    """Return the number of epochs since the metric last improved on its best value by more than `least`."""
    sign = -1 if METRICS[metric].higher else 1
    best, waited = float("inf"), 0
    for value in values:
        best, waited = (sign * value, 0) if sign * value < best - least else (best, waited + 1)
    return waited


class Patience(Stopping, name="patience"):
    """Stop after a number of epochs without improvement of a validation metric: Prechelt 1998."""

    epochs: int = Field(10, ge=1, description="number of epochs to wait for an improvement")
    least: float = Field(0.0, ge=0, description="minimum change that counts as an improvement")
    metric: MetricName = Field("loss", description="validation metric to monitor")

    def stops(self, values: Sequence[float]) -> bool:
        """Count the epochs since the last one that improved."""
        return epochs_without_progress(values, self.metric, self.least) >= self.epochs
