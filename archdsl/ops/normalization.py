"""Normalizations."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from archdsl.declared import Fault
from archdsl.ops.base import (
    Category,
    Need,
    Op,
    PositiveFloat,
    PositiveInt,
    Probability,
    WeightedOp,
    channels_and_axes,
    check_groups,
    demand,
    fixed,
    normal_axis,
)
from archdsl.shapes import Shape


class _Normalization(WeightedOp):
    """What normalizations with a learned scale and shift share; the shape stays."""

    category = Category.NORMALIZATION
    saves_output = False
    vector = True
    axes: ClassVar[tuple[int, ...]] = (0, 1, 2, 3)

    @property
    def learned(self) -> bool:
        """Whether there is a learned scale and shift."""
        return bool(getattr(self, "affine", True))

    @property
    def own_shift(self) -> bool:
        """The learned shift takes the place of a bias before it."""
        return self.learned

    @model_validator(mode="after")
    def _check_init(self) -> Self:
        if self.init is not None and not self.learned:
            raise ValueError("`init` fills the weight, which `affine = false` leaves out")
        return self

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the number of channels and of spatial axes with the parameters."""
        channels, _ = channels_and_axes(self.name, inputs[0], self.axes)
        return {"channels": channels, **super().attributes(*inputs)}

    def infer(self, *inputs: Shape) -> Shape:
        """The input's shape."""
        channels_and_axes(self.name, inputs[0], self.axes)
        demand(self.needs(*inputs))
        return inputs[0]

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """A scale and a shift for each channel."""
        channels, _ = channels_and_axes(self.name, inputs[0], self.axes)
        return {"weight": (channels,), "bias": (channels,)} if self.learned else {}


class BatchNorm(_Normalization, name="bn"):
    """Batch normalization: each channel over the batch and all positions (Ioffe & Szegedy 2015, arXiv:1502.03167)."""

    example = "bn"

    eps: PositiveFloat = Field(1e-5, description="added to the variance")
    momentum: Probability = Field(0.1, description="weight of the new batch in the running mean and variance")
    affine: bool = Field(True, description="a learned scale and shift for each channel")

    def buffers(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """The running mean and variance, and a count."""
        channels, _ = channels_and_axes(self.name, inputs[0], self.axes)
        return {"running_mean": (channels,), "running_var": (channels,), "num_batches_tracked": ()}


class GroupNorm(_Normalization, name="gn"):
    """Group normalization: each image's groups of channels over all positions (Wu & He 2018, arXiv:1803.08494)."""

    example = "gn(4)"

    groups: PositiveInt = Field(32, description="groups of channels that share a mean and a variance")
    eps: PositiveFloat = Field(1e-5, description="added to the variance")
    affine: bool = Field(True, description="a learned scale and shift for each channel")

    def infer(self, *inputs: Shape) -> Shape:
        """The input's shape; groups divide the channels and hold more than one value each."""
        channels, sizes = channels_and_axes(self.name, inputs[0], self.axes)
        check_groups(self.name, self.groups, (channels, "channels"))
        if channels == self.groups and not sizes:
            message = f"`gn({self.groups})` leaves one value in each group, which is always normalized to zero"
            raise Fault("E0402", message, argument="groups")
        return super().infer(*inputs)

    def needs(self, *inputs: Shape) -> list[Need]:
        """More than one value in each group."""
        return _several_values("gn", inputs[0][1:]) if inputs[0][0] == self.groups else []


class LayerNorm(_Normalization, name="ln"):
    """Layer normalization: each position over its channels (Ba et al. 2016, arXiv:1607.06450).

    Channels are axis 0, also of `[C, L]`, as in ConvNeXt (arXiv:2201.03545). For tokens `[L, F]`, with the
    features last, write `ln(axis = -1)`.
    """

    example = "ln"

    eps: PositiveFloat = Field(1e-5, description="added to the variance")
    axis: int = Field(0, description="the axis that is normalized: 0 is the channels, -1 the last")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the size of the normalized axis, and which axis that is, counted from the front."""
        features, _ = self._features(inputs[0])
        return {"channels": features, "eps": self.eps, "axis": normal_axis(self.name, self.axis, len(inputs[0]))}

    def infer(self, *inputs: Shape) -> Shape:
        """The input's shape."""
        self._features(inputs[0])
        return inputs[0]

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """A scale and a shift for each channel."""
        features, _ = self._features(inputs[0])
        return {"weight": (features,), "bias": (features,)}

    def _features(self, shape: Shape) -> tuple[int, bool]:
        """The size of the normalized axis, and whether that is the last one."""
        axis = normal_axis(self.name, self.axis, len(shape))
        if axis not in (0, len(shape) - 1):
            raise Fault("E0402", f"`axis` of `ln` is 0, the channels, or -1, the last, and is {self.axis}", argument="axis")
        return fixed(self.name, shape[axis], "the number of channels"), axis == len(shape) - 1


class InstanceNorm(_Normalization, name="instance_norm"):
    """Instance normalization: each image's channels over all positions (Ulyanov et al. 2016, arXiv:1607.08022)."""

    axes = (1, 2, 3)
    example = "instance_norm"

    eps: PositiveFloat = Field(1e-5, description="added to the variance")
    affine: bool = Field(False, description="a learned scale and shift for each channel")

    def needs(self, *inputs: Shape) -> list[Need]:
        """More than one position."""
        return _several_values("instance_norm", inputs[0][1:])


_WIDEST = 1_024
"""A window of `lrn` may have so many channels, whatever the input has."""


class LocalResponseNorm(Op, name="lrn"):
    """Local response normalization over neighbouring channels (Krizhevsky et al. 2012, section 3.3).

    PyTorch divides `alpha` by `size`; the paper does not.
    """

    category = Category.NORMALIZATION
    saves_output = False
    example = "lrn(5)"

    size: PositiveInt = Field(description="how many neighbouring channels count")
    alpha: float = Field(1e-4, description="weight of the squares")
    beta: float = Field(0.75, description="exponent")
    k: float = Field(1.0, description="added to the weighted squares")

    def infer(self, *inputs: Shape) -> Shape:
        """The input's shape. PyTorch keeps a padded copy, which a window beyond all channels makes large for nothing."""
        channels, _ = channels_and_axes(self.name, inputs[0])
        widest = max(2 * channels - 1, _WIDEST)
        if self.size > widest:
            message = f"`size` of `lrn` may be at most {widest:,} for {channels:,} channels, and is {self.size:,}"
            help = f"from {2 * channels - 1:,} on, each channel counts for every other"
            raise Fault("E0402", message, argument="size", help=help)
        return inputs[0]


def _several_values(name: str, sizes: Shape) -> list[Need]:
    """A variance needs two values: an axis that is longer than one."""
    first, *others = dict.fromkeys(size for size in sizes if size != 1) or (1,)
    message = f"`{name}` needs more than one position to take a variance over, and gets one"
    return [Need(first, 2, message, tuple(others))]
