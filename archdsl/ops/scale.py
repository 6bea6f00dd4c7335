"""Factors on a branch, fixed and learned."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from archdsl.ops.base import Category, Op, channels_and_axes
from archdsl.shapes import Shape


class Scale(Op, name="scale"):
    """A fixed factor: the `scale` of a `skip`."""

    category = Category.SCALE
    saves_output = False
    example = "scale(0.17)"

    factor: float = Field(description="the factor")

    def infer(self, *inputs: Shape) -> Shape:
        """The input's shape."""
        return inputs[0]


class LayerScale(Op, name="layer_scale"):
    """A learned factor for each channel, small at first (Touvron et al. 2021, arXiv:2103.17239).

    It is one bare parameter: its label is the key, as in torchvision's ConvNeXt.
    """

    category = Category.SCALE
    saves_output = False
    example = "layer_scale"

    init: float = Field(1e-6, description="the factor at the start")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the shape of the factors and their initial value."""
        return {"shape": self._shape(inputs[0]), "init": self.init}

    def infer(self, *inputs: Shape) -> Shape:
        """The input's shape."""
        self._shape(inputs[0])
        return inputs[0]

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """`[C, 1, 1]` for `[C, H, W]`: a size of one for each spatial axis."""
        return {"": self._shape(inputs[0])}

    def _shape(self, shape: Shape) -> tuple[int, ...]:
        channels, sizes = channels_and_axes(self.name, shape, (0, 1, 2, 3))
        return (channels, *(1 for _ in sizes))
