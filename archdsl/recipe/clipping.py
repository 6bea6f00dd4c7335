"""Gradient clipping: `clip = 1.0`, or `clip = value(0.5)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.fields import Field
from archdsl.registry import Registered, Registry


class Clipping(Registered):
    """Base of all clipping rules."""

    registry: ClassVar[Registry[Any]] = Registry("clipping rule")
    target: ClassVar[str]
    """Path of the PyTorch function; it is called with the parameters and the limit."""
    if TYPE_CHECKING:  # a field of every rule, with its own description
        limit: float


class Norm(Clipping, name="norm"):
    """Rescale the gradients if their global norm exceeds a limit.

    Pascanu et al. 2013. `clip = 1.0` is short for `clip = norm(1.0)`.
    """

    target = "torch.nn.utils.clip_grad_norm_"
    limit: float = Field(gt=0, description="maximum norm")


class Value(Clipping, name="value"):
    """Clamp each element of the gradients."""

    target = "torch.nn.utils.clip_grad_value_"
    limit: float = Field(gt=0, description="maximum absolute value")
