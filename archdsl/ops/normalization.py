"""Normalizations."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from archdsl.diagnostics import SpecError, codes
from archdsl.fields import Field
from archdsl.ops.base import (
    ANY_RANK,
    SPATIAL,
    Case,
    Category,
    Groups,
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
from archdsl.registry import Aliases
from archdsl.shapes import Shape

Epsilon = Annotated[PositiveFloat, Aliases("epsilon")]
Affine = Annotated[bool, Aliases("elementwise_affine")]


class _Normalization(WeightedOp):
    """Base of normalizations with a learned scale and shift; the shape stays."""

    category = Category.NORMALIZATION
    saves_output = False
    vector = True
    not_in_figures = ("eps", "momentum", "affine", "axis", "init")
    axes: ClassVar[tuple[int, ...]] = (0, 1, 2, 3)

    @property
    def learned(self) -> bool:
        """Return whether there is a learned scale and shift."""
        return bool(getattr(self, "affine", True))

    def validate(self) -> None:
        """Raise `ValueError` if the parameters do not fit each other."""
        super().validate()
        if self.init is not None and not self.learned:
            raise ValueError("`init` initializes the weight, which `affine = false` omits")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the number of channels and of spatial axes with the parameters."""
        channels, _ = channels_and_axes(self.name, inputs[0], self.axes)
        return {"channels": channels, **super().attributes(*inputs)}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the input."""
        channels_and_axes(self.name, inputs[0], self.axes)
        demand(self.needs(*inputs))
        return inputs[0]

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return a scale and a shift per channel."""
        channels, _ = channels_and_axes(self.name, inputs[0], self.axes)
        return {"weight": (channels,), "bias": (channels,)} if self.learned else {}


class BatchNorm(_Normalization, name="bn"):
    """Batch normalization: normalizes each channel over the batch and all positions (Ioffe & Szegedy 2015, arXiv:1502.03167)."""

    aliases = ("batch_norm", "batch_normalization")
    channel_affine = True
    example = "bn"
    cases = (Case({}, ANY_RANK), Case({"eps": 0.001, "momentum": 0.2, "affine": False}, ANY_RANK))

    eps: Epsilon = Field(1e-5, description="added to the variance")
    momentum: Probability = Field(0.1, description="weight of the new batch in the running statistics")
    affine: Affine = Field(True, description="whether there is a learned scale and shift per channel")

    def removes_channel_mean(self, *inputs: Shape) -> bool:
        """Return true: in training the mean is that of the batch, and in evaluation its running average."""
        return True

    def buffers(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return the running mean and variance, and the number of batches."""
        channels, _ = channels_and_axes(self.name, inputs[0], self.axes)
        return {"running_mean": (channels,), "running_var": (channels,), "num_batches_tracked": ()}


class FrozenBatchNorm(Op, name="frozen_bn"):
    """Batch normalization whose statistics, scale and shift are all fixed numbers, as detectors use it in their backbones.

    It computes the same in training and evaluation, and nothing of it is learned: its four tensors are buffers of the
    `state_dict`, with the keys of `bn` and without the counter (torchvision's and DETR's `FrozenBatchNorm2d`).
    """

    aliases = ("frozen_batch_norm", "frozen_batch_norm2d")
    channel_affine = True
    category = Category.NORMALIZATION
    vector = True
    not_in_figures = ("eps",)
    example = "frozen_bn"
    cases = (Case({}, ANY_RANK), Case({"eps": 0.001}, ANY_RANK))

    eps: Annotated[float, Field(ge=0), Aliases("epsilon")] = Field(1e-5, description="added to the variance; may be 0")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the number of channels with the parameters."""
        return {"channels": channels_and_axes(self.name, inputs[0], (0, 1, 2, 3))[0], **super().attributes(*inputs)}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the input."""
        channels_and_axes(self.name, inputs[0], (0, 1, 2, 3))
        return inputs[0]

    def buffers(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return scale and shift, and mean and variance."""
        channels, _ = channels_and_axes(self.name, inputs[0], (0, 1, 2, 3))
        return dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (channels,))


class GroupNorm(_Normalization, name="gn"):
    """Group normalization: normalizes each group of channels of an image over all positions (Wu & He 2018, arXiv:1803.08494)."""

    aliases = ("group_norm", "group_normalization")
    example = "gn(4)"
    cases = (
        Case({"groups": 4}, ANY_RANK),
        Case({"groups": 2, "affine": False, "eps": 1e-3}, ANY_RANK),
        Case({"groups": 8}, SPATIAL),
    )

    groups: Groups = Field(32, description="number of groups of channels")
    eps: Epsilon = Field(1e-5, description="added to the variance")
    affine: Affine = Field(True, description="whether there is a learned scale and shift per channel")

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the input. The groups must divide the channels and hold more than one value each."""
        channels, sizes = channels_and_axes(self.name, inputs[0], self.axes)
        check_groups(self.name, self.groups, (channels, "channels"))
        if channels == self.groups and not sizes:
            raise SpecError(codes.ranges.OneValuePerGroup(self.groups))
        return super().infer(*inputs)

    def removes_channel_mean(self, *inputs: Shape) -> bool:
        """Return whether each channel is a group of its own."""
        return bool(inputs[0][0] == self.groups)

    def needs(self, *inputs: Shape) -> list[Need]:
        """Return that each group has more than one value."""
        return _several_values("gn", inputs[0][1:]) if inputs[0][0] == self.groups else []


class _AlongChannels(_Normalization):
    """Base of normalizations over the channels, which are the first axis or the last."""

    cases = (Case({}, ANY_RANK), Case({"eps": 0.001, "axis": -1}, ANY_RANK))

    eps: Epsilon = Field(1e-5, description="added to the variance")
    axis: int = Field(0, description="normalized axis: 0 is the channels, -1 the last")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the size of the normalized axis, and which axis that is, counted from the front."""
        features, _ = self._features(inputs[0])
        return {"channels": features, "eps": self.eps, "axis": normal_axis(self.name, self.axis, len(inputs[0]))}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the input."""
        self._features(inputs[0])
        return inputs[0]

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return a scale and a shift per channel."""
        features, _ = self._features(inputs[0])
        return {"weight": (features,), "bias": (features,)}

    def _features(self, shape: Shape) -> tuple[int, bool]:
        """Return the size of the normalized axis, and whether it is the last one."""
        axis = normal_axis(self.name, self.axis, len(shape))
        if axis not in (0, len(shape) - 1):
            raise SpecError(codes.ranges.NormalizedAxis(self.axis))
        return fixed(self.name, shape[axis], "the number of channels"), axis == len(shape) - 1


class LayerNorm(_AlongChannels, name="ln"):
    """Layer normalization: normalizes each position over its channels (Ba et al. 2016, arXiv:1607.06450).

    The channels are axis 0, also of `[C, L]`, as in ConvNeXt (arXiv:2201.03545). For tokens `[L, F]`, whose features are
    last, write `ln(axis = -1)`.
    """

    aliases = ("layer_norm", "layer_normalization")
    example = "ln"


class RMSNorm(_AlongChannels, name="rms_norm"):
    """Divides each position by the root mean square of its channels (Zhang & Sennrich 2019, arXiv:1910.07467).

    Unlike `ln`, it subtracts no mean and learns no shift. `axis` is as in `ln`.
    """

    aliases = ("root_mean_square_norm",)
    example = "rms_norm"

    eps: Epsilon = Field(1e-6, description="added to the mean square")

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return a scale per channel."""
        features, _ = self._features(inputs[0])
        return {"weight": (features,)}


class GlobalResponseNorm(_AlongChannels, name="grn"):
    """Global response normalization: lets channels compete by their norms (Woo et al. 2023, arXiv:2301.00808, equations 1 to 3).

    The norm of a channel over all positions, divided by the mean of these norms, scales the channel. Scale and shift begin
    at zero, so that the op begins as the identity. `axis` is that of the channels, as in `ln`.
    """

    aliases = ("global_response_norm",)
    example = "grn"
    cases = (Case({}, SPATIAL), Case({"eps": 1e-3, "axis": -1}, SPATIAL))

    eps: Epsilon = Field(1e-6, description="added to the mean of the norms")

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the input, which has spatial axes."""
        if len(inputs[0]) < 2:
            channels_and_axes(self.name, inputs[0])
        return super().infer(*inputs)


class InstanceNorm(_Normalization, name="instance_norm"):
    """Instance normalization: normalizes each channel of an image over all positions (Ulyanov et al. 2016, arXiv:1607.08022)."""

    axes = (1, 2, 3)
    example = "instance_norm"
    cases = (Case({}, SPATIAL), Case({"affine": True}, SPATIAL))

    eps: Epsilon = Field(1e-5, description="added to the variance")
    affine: Affine = Field(False, description="whether there is a learned scale and shift per channel")

    def removes_channel_mean(self, *inputs: Shape) -> bool:
        """Return true: each channel of each image has a mean of its own."""
        return True

    def needs(self, *inputs: Shape) -> list[Need]:
        """Return that there is more than one position."""
        return _several_values("instance_norm", inputs[0][1:])


_WIDEST = 1_024
"""The widest window of `lrn` that is always allowed."""


class LocalResponseNorm(Op, name="lrn"):
    """Local response normalization over neighbouring channels (Krizhevsky et al. 2012, section 3.3).

    As in PyTorch, `alpha` is divided by `size`, which the paper does not do.
    """

    aliases = ("local_response_norm",)
    category = Category.NORMALIZATION
    saves_output = False
    not_in_figures = ("k",)
    example = "lrn(5)"
    cases = (Case({"size": 5}, SPATIAL), Case({"size": 2, "alpha": 0.1, "beta": 0.5, "k": 2.0}, SPATIAL))

    size: PositiveInt = Field(description="number of neighbouring channels")
    alpha: float = Field(1e-4, description="factor of the sum of squares")
    beta: float = Field(0.75, description="exponent")
    k: float = Field(1.0, description="added to the weighted sum")

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the input. Raise `SpecError` for a wide window: PyTorch pads a copy by its size."""
        channels, _ = channels_and_axes(self.name, inputs[0])
        widest = max(2 * channels - 1, _WIDEST)
        if self.size > widest:
            raise SpecError(codes.ranges.ResponseWindow(self.size, widest, channels))
        return inputs[0]


def _several_values(name: str, sizes: Shape) -> list[Need]:
    """Return that some axis is longer than one: a variance needs two values."""
    first, *others = dict.fromkeys(size for size in sizes if size != 1) or (1,)
    message = f"`{name}` needs more than one position for a variance, found one"
    return [Need(first, 2, message, tuple(others))]
