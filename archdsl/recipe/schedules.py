"""Learning-rate schedules: `schedule = cosine(warmup = 2)`.

A schedule is a function from the place in the training to a factor on the learning rate. The place is
the middle of a step, counted in epochs: neither end of a ramp is ever quite zero, so no step is lost.
"""

from __future__ import annotations

from abc import abstractmethod
from math import cos, pi
from typing import Annotated, Any, ClassVar

from pydantic import Field

from archdsl.declared import Declared, Registry

Warmup = Annotated[float, Field(ge=0, description="epochs over which the rate first climbs from zero, as in arXiv:1706.02677")]
Final = Annotated[float, Field(ge=0, le=1, description="factor at the end")]


class Schedule(Declared):
    """Base of every schedule."""

    registry: ClassVar[Registry[Any]] = Registry("schedule")

    @abstractmethod
    def factor(self, epoch: float, epochs: int) -> float:
        """The factor on the learning rate at `epoch` of `epochs`."""


class Constant(Schedule, name="constant"):
    """The same rate throughout, after the warm-up."""

    warmup: Warmup = 0.0

    def factor(self, epoch: float, epochs: int) -> float:
        """One after the warm-up."""
        return _ramp(epoch, self.warmup)


class Cosine(Schedule, name="cosine"):
    """Half a cosine from the rate to nothing: Loshchilov & Hutter 2017, arXiv:1608.03983, without restarts."""

    warmup: Warmup = 0.0
    final: Final = 0.0

    def factor(self, epoch: float, epochs: int) -> float:
        """Falls slowly, fast, slowly."""
        return _ramp(epoch, self.warmup) * _cosine(1.0, self.final, _share(epoch, self.warmup, epochs))


class Linear(Schedule, name="linear"):
    """A straight line from the rate to nothing."""

    warmup: Warmup = 0.0
    final: Final = 0.0

    def factor(self, epoch: float, epochs: int) -> float:
        """Falls evenly."""
        return _ramp(epoch, self.warmup) * (1 + (self.final - 1) * _share(epoch, self.warmup, epochs))


class Step(Schedule, name="step"):
    """Multiplies the rate every few epochs: He et al. 2015, arXiv:1512.03385, section 3.4."""

    every: int = Field(ge=1, description="epochs between two cuts")
    multiplier: float = Field(0.1, gt=0, le=1, description="what the rate is multiplied by")
    warmup: Warmup = 0.0

    def factor(self, epoch: float, epochs: int) -> float:
        """A staircase."""
        return _ramp(epoch, self.warmup) * float(self.multiplier ** (epoch // self.every))


class OneCycle(Schedule, name="one_cycle"):
    """Up and down again once: Smith & Topin 2017, arXiv:1708.07120; cosines as in PyTorch's version."""

    rise: float = Field(0.3, gt=0, lt=1, description="share of the training in which the rate climbs")
    start: float = Field(0.04, gt=0, le=1, description="factor at the start")
    final: Final = 4e-6

    def factor(self, epoch: float, epochs: int) -> float:
        """From `start` to one to `final`."""
        top = self.rise * epochs
        if epoch < top:
            return _cosine(self.start, 1.0, epoch / top)
        return _cosine(1.0, self.final, _share(epoch, top, epochs))


def _ramp(epoch: float, warmup: float) -> float:
    return min(1.0, epoch / warmup) if warmup else 1.0


def _share(epoch: float, start: float, end: float) -> float:
    """How much of the way from `start` to `end` is gone."""
    return min(1.0, max(0.0, (epoch - start) / (end - start))) if end > start else 0.0


def _cosine(first: float, last: float, share: float) -> float:
    return last + (first - last) * (1 + cos(pi * share)) / 2
