"""Fixed and learned factors on a branch."""

from collections.abc import Mapping
from typing import Any

from archdsl.fields import Field
from archdsl.ops.base import ANY_RANK, IMAGE, Case, Category, Op, channels_and_axes, fixed_channels, normal_axis
from archdsl.shapes import Shape


class Scale(Op, name="scale"):
    """Multiplies by a fixed factor: `scale(2)`. `skip(scale = ...)` uses it."""

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

    It is a parameter without a module: its label is the key, as in torchvision's ConvNeXt. Its tensor is `[C, 1, 1]` for an input
    `[C, H, W]`, with a size of one for each axis behind the channels, and `[C]` with `flat = true`, as in timm. With
    `axis = -1`, for tokens `[L, C]`, it is `[C]` anyway. Weights in either layout are loaded.
    """

    category = Category.SCALE
    saves_output = False
    loose_axes = True
    not_in_figures = ("init", "flat", "axis")
    example = "layer_scale"
    cases = (
        Case({}, ANY_RANK),
        Case({"init": 0.5}, ANY_RANK),
        Case({"flat": True}, ANY_RANK),
        Case({"axis": -1}, ANY_RANK),
        Case({"axis": -1, "flat": True}, (IMAGE,)),
    )

    init: float = Field(1e-6, description="initial factor")
    flat: bool = Field(False, description="whether the stored tensor is `[C]`, without axes of size one")
    axis: int = Field(0, description="axis of the channels: 0 is the first, -1 the last")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the shape of the factors and their initial value."""
        shape = self._shape(inputs[0])
        return {"shape": shape[:1] if self.flat else shape, "init": self.init, "behind": len(shape) - 1}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the input."""
        self._shape(inputs[0])
        return inputs[0]

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return `[C, 1, 1]` for `[C, H, W]`: a size of one per axis behind; `[C]` if it is flat."""
        return {"": self.attributes(*inputs)["shape"]}

    def _shape(self, shape: Shape) -> tuple[int, ...]:
        if self.axis == 0:
            channels_and_axes(self.name, shape, (0, 1, 2, 3))
        axis = normal_axis(self.name, self.axis, len(shape))
        return (fixed_channels(self.name, shape[axis]), *(1 for _ in shape[axis + 1 :]))
