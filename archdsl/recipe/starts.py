"""Weights to start from: `weights = "resnet18.pth"`, or `weights = pretrained("resnet18.pth", partial = true)`."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from archdsl.declared import Declared, Registry


class Start(Declared):
    """Base of everything that a network can start from."""

    registry: ClassVar[Registry[Any]] = Registry("start")


class Pretrained(Start, name="pretrained"):
    """The tensors in a file, put into the network before the first epoch."""

    file: str = Field(
        description="a `.safetensors` file, or a `.pt` or `.pth` file of a state_dict; relative to the file of the recipe"
    )
    partial: bool = Field(False, description="load the tensors that fit, and leave the rest as initialized")
    prefix: str | None = Field(
        None, description="the label under which the tensors are, in the file or in the network; found by itself if left out"
    )
    channels: Literal["sum", "mean", "repeat"] | None = Field(
        None, description="how the first convolution is adapted to another number of input channels"
    )
    by: Literal["name", "order"] = Field("name", description="pair tensors by name, or by order if names differ and shapes agree")
    without_heads: bool = Field(False, description="the file may lack auxiliary heads")
