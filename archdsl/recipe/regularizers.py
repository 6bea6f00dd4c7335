"""Penalties added to the loss: `regularize = [l1(1e-6)]`.

They see the weights alone: the parameters with two axes or more, so neither biases nor the shifts and
scales of normalizations. Tensors are used through their methods, so this module needs no PyTorch.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import Field

from archdsl.declared import Declared, Registry

Tensor = Any


class Regularizer(Declared):
    """Base of every penalty."""

    registry: ClassVar[Registry[Any]] = Registry("regularizer")
    weight: float = Field(ge=0, description="factor on the sum")

    def penalty(self, weights: Iterable[Tensor]) -> Tensor:
        """What is added to the loss."""
        return self.weight * sum(self.of(weight) for weight in weights)

    @abstractmethod
    def of(self, weight: Tensor) -> Tensor:
        """The sum over one tensor."""


class L1(Regularizer, name="l1"):
    """The sum of absolute weights, which pushes weights to zero: Tibshirani 1996."""

    def of(self, weight: Tensor) -> Tensor:
        """Absolute values."""
        return weight.abs().sum()


class L2(Regularizer, name="l2"):
    """Half the sum of squared weights; its gradient is that of `weight_decay` in `sgd`."""

    aliases = ("ridge",)

    def of(self, weight: Tensor) -> Tensor:
        """Half the squares."""
        return weight.square().sum() / 2
