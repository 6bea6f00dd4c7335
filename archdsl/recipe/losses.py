"""Losses: `loss = cross_entropy(label_smoothing = 0.1)`.

A loss names a function of PyTorch that takes the output and what was wanted, and says in which form it
wants that: the number of the class, or a value for every output (for classes: one at the right one,
zero elsewhere).
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from archdsl.declared import Declared, Registry


class Loss(Declared):
    """Base of every loss."""

    registry: ClassVar[Registry[Any]] = Registry("loss")
    target: ClassVar[str]
    """The function in PyTorch, called with output, wanted and `arguments()`; the mean over the batch."""
    wants: ClassVar[Literal["classes", "values", "probabilities"]] = "values"
    """Class numbers alone; any values; or values between zero and one, for which one output can hold two classes."""

    applies: ClassVar[str | None] = None
    """The op that it applies to the outputs by itself, so that a network that ends in it has it twice."""

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of `target`."""
        return dict(self)


class CrossEntropy(Loss, name="cross_entropy"):
    """Cross-entropy of a softmax over the outputs; label smoothing: Szegedy et al. 2015, arXiv:1512.00567, section 7."""

    target = "torch.nn.functional.cross_entropy"
    wants = "classes"
    applies = "softmax"
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of the target that is spread over all classes")


class BinaryCrossEntropy(Loss, name="bce"):
    """Cross-entropy of a sigmoid on each output by itself; with one output, of two classes."""

    target = "torch.nn.functional.binary_cross_entropy_with_logits"
    wants = "probabilities"
    applies = "sigmoid"


class MeanSquaredError(Loss, name="mse"):
    """Mean squared difference."""

    target = "torch.nn.functional.mse_loss"


class MeanAbsoluteError(Loss, name="mae"):
    """Mean absolute difference."""

    target = "torch.nn.functional.l1_loss"


class Huber(Loss, name="huber"):
    """Squared near zero, absolute further out: Huber 1964."""

    target = "torch.nn.functional.huber_loss"
    delta: float = Field(1.0, gt=0, description="where the one becomes the other")
