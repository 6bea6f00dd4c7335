"""Penalties added to the loss: `regularize = [l1(1e-6)]`.

They apply to the parameters with at least two axes: not to biases, and not to the scales and shifts of
normalizations. Tensors are used through their methods, so this module does not import PyTorch.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

from archdsl.fields import Field
from archdsl.registry import Registered, Registry

Tensor = Any


class Regularizer(Registered):
    """Base of all penalties on the weights."""

    registry: ClassVar[Registry[Any]] = Registry("regularizer")
    weight: float = Field(ge=0, description="factor on the penalty")

    def penalty(self, weights: Iterable[Tensor]) -> Tensor:
        """Return the term that is added to the loss."""
        return self.weight * sum(self.of(weight) for weight in weights)

    @abstractmethod
    def of(self, weight: Tensor) -> Tensor:
        """Return the penalty of one tensor, without the factor."""


class L1(Regularizer, name="l1"):
    """Sum of the absolute weights, which favours sparse weights: Tibshirani 1996."""

    def of(self, weight: Tensor) -> Tensor:
        """Return the sum of absolute values."""
        return weight.abs().sum()


class L2(Regularizer, name="l2"):
    """Half the sum of the squared weights; its gradient equals that of `weight_decay` in `sgd`."""

    aliases = ("ridge",)

    def of(self, weight: Tensor) -> Tensor:
        """Return half the sum of squares."""
        return weight.square().sum() / 2
