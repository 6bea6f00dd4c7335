"""When to stop before the last epoch: `early_stop = patience(10)`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from archdsl.declared import Declared, Registry


class Stopping(Declared):
    """Base of every rule for stopping early."""

    registry: ClassVar[Registry[Any]] = Registry("stopping rule")

    @abstractmethod
    def stops(self, losses: Sequence[float]) -> bool:
        """Whether training ends here, from the held-out loss of every epoch so far."""


class Patience(Stopping, name="patience"):
    """Stops after so many epochs without a lower held-out loss: Prechelt 1998."""

    epochs: int = Field(10, ge=1, description="epochs to wait")
    least: float = Field(0.0, ge=0, description="by how much the loss must fall to count")

    def stops(self, losses: Sequence[float]) -> bool:
        """Counts the epochs since the last one that counted."""
        best, waited = float("inf"), 0
        for loss in losses:
            best, waited = (loss, 0) if loss < best - self.least else (best, waited + 1)
        return waited >= self.epochs
