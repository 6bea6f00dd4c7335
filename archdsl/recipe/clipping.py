"""Limits on the gradient: `clip = 1.0`, or `clip = value(0.5)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from archdsl.declared import Declared, Registry


class Clipping(Declared):
    """Base of every limit on the gradient."""

    registry: ClassVar[Registry[Any]] = Registry("clipping rule")
    target: ClassVar[str]
    """The function in PyTorch, called with the parameters and the limit."""
    if TYPE_CHECKING:  # a field of every rule, with its own description
        limit: float


class Norm(Clipping, name="norm"):
    """Scales the gradient down if its norm over all parameters is greater: Pascanu et al. 2013; `clip = 1.0` is `clip = norm(1.0)`."""

    target = "torch.nn.utils.clip_grad_norm_"
    limit: float = Field(gt=0, description="the greatest norm")


class Value(Clipping, name="value"):
    """Limits every number of the gradient by itself."""

    target = "torch.nn.utils.clip_grad_value_"
    limit: float = Field(gt=0, description="the greatest absolute value")
