"""Fixed and learned factors on a branch."""

from collections.abc import Mapping
from typing import Any

from archdsl.fields import Field
from archdsl.ops.base import ANY_RANK, Case, Category, Op, channels_and_axes
from archdsl.shapes import Shape


class Scale(Op, name="scale"):
    """Multiplies by a fixed factor; `skip(scale = ...)` uses it."""

    category = Category.SCALE
    saves_output = False
    example = "scale(0.17)"
    cases = (Case({"factor": 0.17}, ANY_RANK),)

    factor: float = Field(description="the factor")

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the input."""
        return inputs[0]


class LayerScale(Op, name="layer_scale"):
    """A learned factor per channel, initially small (Touvron et al. 2021, arXiv:2103.17239).

    It is a parameter without a module: its label is the key, as in torchvision's ConvNeXt.
    """

    category = Category.SCALE
    saves_output = False
    not_in_figures = ("init",)
    example = "layer_scale"
    cases = (Case({}, ANY_RANK), Case({"init": 0.5}, ANY_RANK))

    init: float = Field(1e-6, description="initial factor")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the shape of the factors and their initial value."""
        return {"shape": self._shape(inputs[0]), "init": self.init}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the input."""
        self._shape(inputs[0])
        return inputs[0]

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return `[C, 1, 1]` for `[C, H, W]`: a size of one per spatial axis."""
        return {"": self._shape(inputs[0])}

    def _shape(self, shape: Shape) -> tuple[int, ...]:
        channels, sizes = channels_and_axes(self.name, shape, (0, 1, 2, 3))
        return (channels, *(1 for _ in sizes))
