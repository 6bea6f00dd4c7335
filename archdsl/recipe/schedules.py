"""Learning-rate schedules: `schedule = cosine(warmup = 2)`.

A schedule is a function from the place in the training to a factor on the learning rate. The place is
the middle of a step, counted in epochs: neither end of a ramp is ever quite zero, so no step is lost.
Nothing is stored, so a resumed run has the rates of one that was not interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from archdsl.declared import Aliases, Declared, Registry
from archdsl.recipe.metrics import MetricName
from archdsl.recipe.stopping import epochs_without_progress

Warmup = Annotated[float, Field(ge=0, description="epochs over which the rate first climbs from zero, as in arXiv:1706.02677")]
WarmupSteps = Annotated[int, Field(ge=0, description="the same in steps, in place of `warmup`")]
Final = Annotated[float, Field(ge=0, le=1, description="factor at the end")]
Multiplier = Annotated[float, Field(gt=0, le=1, description="what the rate is multiplied by"), Aliases("gamma")]


class Schedule(Declared):
    """Base of every schedule. A class says in `shape` how the rate goes after the warm-up."""

    registry: ClassVar[Registry[Any]] = Registry("schedule")

    @model_validator(mode="after")
    def _one_warmup(self) -> Self:
        if getattr(self, "warmup", 0) and getattr(self, "warmup_steps", 0):
            raise ValueError("`warmup` is in epochs and `warmup_steps` in steps: give one of them")
        return self

    def warmup_epochs(self, steps: int) -> float:
        """The length of the warm-up in epochs, of so many steps each."""
        return getattr(self, "warmup_steps", 0) / steps or float(getattr(self, "warmup", 0.0))

    def factor(self, epoch: float, epochs: int, steps: int = 1) -> float:
        """The factor on the learning rate at `epoch` of `epochs`, of `steps` steps each."""
        warmup = self.warmup_epochs(steps)
        ramp = min(1.0, epoch / warmup) if warmup else 1.0
        return ramp * self.shape(epoch, epochs, warmup)

    def shape(self, epoch: float, epochs: int, warmup: float) -> float:
        """The factor without the ramp of the warm-up, which ends at the epoch `warmup`."""
        return 1.0

    def reduction(self, history: Sequence[float]) -> float:
        """A further factor, from the validation metric of every epoch so far."""
        return 1.0


class Constant(Schedule, name="constant"):
    """The same rate throughout, after the warm-up."""

    warmup: Warmup = 0.0
    warmup_steps: WarmupSteps = 0


class Cosine(Schedule, name="cosine"):
    """Half a cosine from the rate to nothing: Loshchilov & Hutter 2017, arXiv:1608.03983; with restarts, several of them."""

    aliases = ("cosine_lr", "cosine_annealing", "cosine_annealing_lr", "warmup_cosine", "cosine_with_warmup")

    warmup: Warmup = 0.0
    final: Final = 0.0
    warmup_steps: WarmupSteps = 0
    restart: int | None = Field(
        None, ge=1, description="epochs from the end of the warm-up to the first restart; none without restarts"
    )
    longer: float = Field(1.0, ge=1, description="how many times longer each cycle is than the one before")

    def shape(self, epoch: float, epochs: int, warmup: float) -> float:
        """Falls slowly, fast, slowly."""
        start, end = warmup, float(epochs)
        if self.restart is not None:
            length = float(self.restart)
            while epoch >= start + length:
                start, length = start + length, length * self.longer
            end = start + length
        return _cosine(1.0, self.final, _share(epoch, start, end))


class Linear(Schedule, name="linear"):
    """A straight line from the rate to nothing."""

    warmup: Warmup = 0.0
    final: Final = 0.0
    warmup_steps: WarmupSteps = 0

    def shape(self, epoch: float, epochs: int, warmup: float) -> float:
        """Falls evenly."""
        return 1 + (self.final - 1) * _share(epoch, warmup, epochs)


class Polynomial(Schedule, name="poly"):
    """(1 - share of the training)^power, as in DeepLab: Chen et al. 2016, arXiv:1606.00915, section 4.1."""

    aliases = ("polynomial", "polynomial_lr", "poly_lr")

    power: float = Field(0.9, gt=0, description="the exponent; 1 is `linear`")
    final: Final = 0.0
    warmup: Warmup = 0.0
    warmup_steps: WarmupSteps = 0

    def shape(self, epoch: float, epochs: int, warmup: float) -> float:
        """Falls faster at the end for a power below one."""
        return self.final + (1 - self.final) * float((1 - _share(epoch, warmup, epochs)) ** self.power)


class Step(Schedule, name="step"):
    """Multiplies the rate at certain epochs, or every few: He et al. 2015, arXiv:1512.03385, section 3.4."""

    aliases = ("step_lr", "multi_step", "multi_step_lr", "multistep")

    at: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Aliases("milestones")] = Field(
        (), description="the epochs after which the rate is cut, such as `[82, 123]`"
    )
    every: int | None = Field(None, ge=1, description="epochs between two cuts, in place of `at`")
    multiplier: Multiplier = 0.1
    warmup: Warmup = 0.0
    warmup_steps: WarmupSteps = 0

    @model_validator(mode="before")
    @classmethod
    def _one_of_two(cls, values: Any) -> Any:
        if isinstance(values, dict):
            at = values.get("at")
            if type(at) is int:
                raise ValueError(
                    f"`step(at = [{at}])` cuts the rate once, and `step(every = {at})` every {at} epochs: write which"
                )
            if bool(values.get("at")) == (values.get("every") is not None):
                raise ValueError("give the epochs of the cuts, `at = [30, 60]`, or `every = 30`")
        return values

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if list(self.at) != sorted(set(self.at)):
            raise ValueError(f"the epochs in `at` increase, and {list(self.at)} do not")
        return self

    def shape(self, epoch: float, epochs: int, warmup: float) -> float:
        """A staircase."""
        cuts = epoch // self.every if self.every is not None else sum(epoch >= cut for cut in self.at)
        return float(self.multiplier**cuts)


class Exponential(Schedule, name="exponential"):
    """Multiplies the rate by the same factor over every epoch, evenly over its steps."""

    aliases = ("exponential_lr",)

    multiplier: Multiplier = 0.95
    warmup: Warmup = 0.0
    warmup_steps: WarmupSteps = 0

    def shape(self, epoch: float, epochs: int, warmup: float) -> float:
        """Counted from the end of the warm-up."""
        return float(self.multiplier ** max(0.0, epoch - warmup))


class Inverse(Schedule, name="inverse"):
    """1 / (1 + decay * epochs)^power: the 1/t rule of Robbins & Monro 1951; a power of 0.5 is that of Vaswani et al. 2017."""

    decay: float = Field(1.0, gt=0, description="how fast: with 1 and power 1, half the rate after one epoch")
    power: float = Field(1.0, gt=0, description="the exponent")
    warmup: Warmup = 0.0
    warmup_steps: WarmupSteps = 0

    def shape(self, epoch: float, epochs: int, warmup: float) -> float:
        """Counted from the end of the warm-up."""
        return float((1 + self.decay * max(0.0, epoch - warmup)) ** -self.power)


class Plateau(Schedule, name="plateau"):
    """Multiplies the rate whenever the validation metric has not improved for some epochs."""

    aliases = ("reduce_lr_on_plateau", "reduce_on_plateau")

    epochs: int = Field(10, ge=1, description="epochs to wait")
    multiplier: Multiplier = 0.1
    metric: MetricName = Field("loss", description="what is watched, on the validation set")
    least: float = Field(0.0, ge=0, description="by how much the metric must improve to count")
    lowest: float = Field(0.0, ge=0, le=1, description="the factor below which the rate does not fall")
    warmup: Warmup = 0.0
    warmup_steps: WarmupSteps = 0

    def reduction(self, history: Sequence[float]) -> float:
        """Once for every time that the patience ran out; after a cut the waiting starts anew, and the best value stays."""
        cuts, start = 0, 0
        for end in range(1, len(history) + 1):
            waited = epochs_without_progress(history[:end], self.metric, self.least)
            if min(waited, end - start) >= self.epochs:
                cuts, start = cuts + 1, end
        return max(self.lowest, float(self.multiplier**cuts))


class OneCycle(Schedule, name="one_cycle"):
    """Up and down again once: Smith & Topin 2017, arXiv:1708.07120; cosines as in PyTorch's version."""

    aliases = ("one_cycle_lr",)

    rise: float = Field(0.3, gt=0, lt=1, description="share of the training in which the rate climbs")
    start: float = Field(0.04, gt=0, le=1, description="factor at the start")
    final: Final = 4e-6

    def shape(self, epoch: float, epochs: int, warmup: float) -> float:
        """From `start` to one to `final`."""
        top = self.rise * epochs
        if epoch < top:
            return _cosine(self.start, 1.0, epoch / top)
        return _cosine(1.0, self.final, _share(epoch, top, epochs))


def _share(epoch: float, start: float, end: float) -> float:
    """How much of the way from `start` to `end` is gone."""
    return min(1.0, max(0.0, (epoch - start) / (end - start))) if end > start else 0.0


def _cosine(first: float, last: float, share: float) -> float:
    return last + (first - last) * (1 + cos(pi * share)) / 2
