"""Initial weights: `weights = "resnet18.pth"`, or `weights = pretrained("resnet18.pth", partial = true)`."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from archdsl.fields import Field
from archdsl.registry import Registered, Registry


class WeightsSource(Registered):
    """Base of all sources of initial weights."""

    registry: ClassVar[Registry[Any]] = Registry("weights source")


class Pretrained(WeightsSource, name="pretrained"):
    """Load the tensors of a file into the network before the first epoch."""

    file: str = Field(
        description=(
            "a `.safetensors` file, or a `.pt` or `.pth` file that holds a `state_dict`; relative to the file of the recipe"
        )
    )
    partial: bool = Field(False, description="load the tensors that fit, and keep the initialization of the rest")
    prefix: str | None = Field(
        None, description="label of the network inside the file, or of the submodule inside the network; default: detected"
    )
    channels: Literal["sum", "mean", "repeat"] | None = Field(
        None, description="how to adapt the first convolution to another number of input channels"
    )
    by: Literal["name", "order"] = Field(
        "name", description="match tensors by name; or by order, if names differ and shapes agree"
    )
    without_heads: bool = Field(False, description="accept a file without the auxiliary heads")
