"""Learning-rate schedules: `schedule = cosine(warmup = 2)`.

A schedule is a function from the progress of the training to a factor on the learning rate. Progress is
measured in epochs, at the middle of a step: the factor is then never exactly zero at the ends of a ramp, so no step is wasted.
A schedule has no state, so a resumed run has the same learning rates as an uninterrupted one.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi
from typing import Annotated, Any, ClassVar

from archdsl.fields import Field
from archdsl.recipe.early_stopping import epochs_without_progress
from archdsl.recipe.metrics import MetricName
from archdsl.registry import Aliases, Registered, Registry

Warmup = Annotated[float, Field(ge=0, description="length of the linear warm-up from zero, in epochs, as in arXiv:1706.02677")]
WarmupSteps = Annotated[int, Field(ge=0, description="length of the warm-up in steps, instead of `warmup`")]
Final = Annotated[float, Field(ge=0, le=1, description="factor on the learning rate at the end")]
Multiplier = Annotated[float, Field(gt=0, le=1, description="factor that the learning rate is multiplied by"), Aliases("gamma")]


class Schedule(Registered):
    """Base of all schedules. A subclass defines the factor after the warm-up in `shape`."""

    registry: ClassVar[Registry[Any]] = Registry("schedule")

    def validate(self) -> None:
        """Raise `ValueError` if the parameters do not fit each other."""
        super().validate()
        if getattr(self, "warmup", 0) and getattr(self, "warmup_steps", 0):
            raise ValueError("`warmup` is in epochs and `warmup_steps` in steps: give one of them")

    def warmup_epochs(self, steps: int) -> float:
        """Return the length of the warm-up in epochs of `steps` steps."""
        return getattr(self, "warmup_steps", 0) / steps or float(getattr(self, "warmup", 0.0))

    def factor(self, epoch: float, epochs: int, steps: int = 1) -> float:
        """Return the factor on the learning rate at `epoch` of `epochs`, with `steps` steps per epoch."""
        warmup = self.warmup_epochs(steps)
        ramp = min(1.0, epoch / warmup) if warmup else 1.0
        return ramp * self.shape(epoch, epochs, warmup)

    def shape(self, epoch: float, epochs: int, warmup: float) -> float:
        """Return the factor without the warm-up, which ends at the epoch `warmup`."""
        return 1.0

    def reduction(self, history: Sequence[float]) -> float:
        """Return an additional factor that depends on the validation metric of each epoch so far."""
        return 1.0


class Constant(Schedule, name="constant"):
    """Keep the learning rate constant after the warm-up."""

    warmup: Warmup = 0.0
    warmup_steps: WarmupSteps = 0


class Cosine(Schedule, name="cosine"):
    """Anneal the learning rate along half a cosine, to zero by default, with optional warm restarts.

    Loshchilov & Hutter 2017, arXiv:1608.03983.
    """

    aliases = ("cosine_lr", "cosine_annealing", "cosine_annealing_lr", "warmup_cosine", "cosine_with_warmup")

    warmup: Warmup = 0.0
    final: Final = 0.0
    warmup_steps: WarmupSteps = 0
    restart: int | None = Field(
        None, ge=1, description="number of epochs from the end of the warm-up to the first restart; `none`: no restarts"
    )
    longer: float = Field(1.0, ge=1, description="factor by which each cycle is longer than the previous one")

    def shape(self, epoch: float, epochs: int, warmup: float) -> float:
        """Return the cosine of the progress within the current cycle."""
        start, end = warmup, float(epochs)
        if self.restart is not None:
            length = float(self.restart)
            while epoch >= start + length:
                start, length = start + length, length * self.longer
            end = start + length
        return _cosine(1.0, self.final, _share(epoch, start, end))


class Linear(Schedule, name="linear"):
    """Decrease the learning rate linearly, to zero by default."""

    warmup: Warmup = 0.0
    final: Final = 0.0
    warmup_steps: WarmupSteps = 0

    def shape(self, epoch: float, epochs: int, warmup: float) -> float:
        """Return one minus the progress, scaled to end at `final`."""
        return 1 + (self.final - 1) * _share(epoch, warmup, epochs)


class Polynomial(Schedule, name="poly"):
    """Multiply the learning rate by (1 - progress)^power, as in DeepLab: Chen et al. 2016, arXiv:1606.00915, section 4.1."""

    aliases = ("polynomial", "polynomial_lr", "poly_lr")

    power: float = Field(0.9, gt=0, description="exponent; 1 is `linear`")
    final: Final = 0.0
    warmup: Warmup = 0.0
    warmup_steps: WarmupSteps = 0

    def shape(self, epoch: float, epochs: int, warmup: float) -> float:
        """Return the polynomial of the progress, scaled to end at `final`."""
        return self.final + (1 - self.final) * float((1 - _share(epoch, warmup, epochs)) ** self.power)


class Step(Schedule, name="step"):
    """Multiply the learning rate by a factor at given epochs, or at regular intervals.

    He et al. 2015, arXiv:1512.03385, section 3.4.
    """

    aliases = ("step_lr", "multi_step", "multi_step_lr", "multistep")

    at: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Aliases("milestones")] = Field(
        (), description="epochs after which the learning rate is multiplied, such as `[82, 123]`"
    )
    every: int | None = Field(None, ge=1, description="interval in epochs, instead of `at`")
    multiplier: Multiplier = 0.1
    warmup: Warmup = 0.0
    warmup_steps: WarmupSteps = 0

    @classmethod
    def prepare(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Refuse a single number, which could mean either, and both or neither."""
        at = given.get("at")
        if type(at) is int:
            raise ValueError(f"`step(at = [{at}])` cuts the rate once, and `step(every = {at})` every {at} epochs: write which")
        if bool(at) == (given.get("every") is not None):
            raise ValueError("give the epochs of the cuts, `at = [30, 60]`, or `every = 30`")
        return given

    def validate(self) -> None:
        """Raise `ValueError` if the epochs are not in order."""
        super().validate()
        if list(self.at) != sorted(set(self.at)):
            raise ValueError(f"the epochs in `at` increase, and {list(self.at)} do not")

    def shape(self, epoch: float, epochs: int, warmup: float) -> float:
        """Return the multiplier to the power of the number of past milestones."""
        cuts = epoch // self.every if self.every is not None else sum(epoch >= cut for cut in self.at)
        return float(self.multiplier**cuts)


class Exponential(Schedule, name="exponential"):
    """Multiply the learning rate by a factor per epoch, spread evenly over its steps."""

    aliases = ("exponential_lr",)

    multiplier: Multiplier = 0.95
    warmup: Warmup = 0.0
    warmup_steps: WarmupSteps = 0

    def shape(self, epoch: float, epochs: int, warmup: float) -> float:
        """Return the multiplier to the power of the epochs since the warm-up."""
        return float(self.multiplier ** max(0.0, epoch - warmup))


class Inverse(Schedule, name="inverse"):
    """Multiply the learning rate by 1 / (1 + decay * epochs)^power.

    Power 1 is the 1/t rule of Robbins & Monro 1951, and power 0.5 is that of Vaswani et al. 2017.
    """

    decay: float = Field(1.0, gt=0, description="speed of the decay; 1 with power 1 halves the learning rate in the first epoch")
    power: float = Field(1.0, gt=0, description="exponent")
    warmup: Warmup = 0.0
    warmup_steps: WarmupSteps = 0

    def shape(self, epoch: float, epochs: int, warmup: float) -> float:
        """Return the inverse power of the epochs since the warm-up."""
        return float((1 + self.decay * max(0.0, epoch - warmup)) ** -self.power)


class Plateau(Schedule, name="plateau"):
    """Multiply the learning rate by a factor whenever a validation metric has not improved for a number of epochs."""

    aliases = ("reduce_lr_on_plateau", "reduce_on_plateau")

    epochs: int = Field(10, ge=1, description="number of epochs to wait for an improvement")
    multiplier: Multiplier = 0.1
    metric: MetricName = Field("loss", description="validation metric to monitor")
    least: float = Field(0.0, ge=0, description="minimum change that counts as an improvement")
    lowest: float = Field(0.0, ge=0, le=1, description="lower bound of the factor on the learning rate")
    warmup: Warmup = 0.0
    warmup_steps: WarmupSteps = 0

    def reduction(self, history: Sequence[float]) -> float:
        """Multiply once per plateau. After a reduction the waiting starts again; the best value is kept."""
        cuts, start = 0, 0
        for end in range(1, len(history) + 1):
            waited = epochs_without_progress(history[:end], self.metric, self.least)
            if min(waited, end - start) >= self.epochs:
                cuts, start = cuts + 1, end
        return max(self.lowest, float(self.multiplier**cuts))


class OneCycle(Schedule, name="one_cycle"):
    """Increase the learning rate once and then decrease it, both along cosines as in PyTorch.

    Smith & Topin 2017, arXiv:1708.07120.
    """

    aliases = ("one_cycle_lr",)

    rise: float = Field(0.3, gt=0, lt=1, description="fraction of the training in which the learning rate increases")
    start: float = Field(0.04, gt=0, le=1, description="factor on the learning rate at the start")
    final: Final = 4e-6

    def shape(self, epoch: float, epochs: int, warmup: float) -> float:
        """Return a cosine from `start` to one, then from one to `final`."""
        top = self.rise * epochs
        if epoch < top:
            return _cosine(self.start, 1.0, epoch / top)
        return _cosine(1.0, self.final, _share(epoch, top, epochs))


def _share(epoch: float, start: float, end: float) -> float:
    """Return the fraction of the interval from `start` to `end` that has passed."""
    return min(1.0, max(0.0, (epoch - start) / (end - start))) if end > start else 0.0


def _cosine(first: float, last: float, share: float) -> float:
    return last + (first - last) * (1 + cos(pi * share)) / 2
