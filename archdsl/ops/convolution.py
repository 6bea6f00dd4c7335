"""Convolutions."""

from collections.abc import Mapping
from math import prod
from typing import Annotated, Any, Literal, NamedTuple

from archdsl.diagnostics import SpecError, codes
from archdsl.fields import Field
from archdsl.literals import show
from archdsl.ops.base import (
    IMAGE,
    LINE,
    SPATIAL,
    Case,
    Category,
    Dilation,
    Groups,
    Need,
    Out,
    Padding,
    PadPerAxis,
    PositiveInt,
    Stride,
    WeightedOp,
    Window,
    channels_and_axes,
    check_groups,
    demand,
    per_axis,
    window_output,
)
from archdsl.ops.weight_norm import WEIGHT_NORM, WeightNorm, with_norms
from archdsl.registry import Aliases
from archdsl.shapes import Dim, Shape

PadMode = Literal["zeros", "reflect", "replicate", "circular"]
"""The content of the padding of a convolution."""


class _Geometry(NamedTuple):
    """A convolution with every default filled in; numbers per spatial axis. `pad` is None for TensorFlow's `SAME`."""

    out: int
    k: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...] | None
    dilation: tuple[int, ...]
    groups: int
    bias: bool
    pad_mode: PadMode = "zeros"

    @property
    def both_sides(self) -> tuple[int, ...]:
        """The padding on each side, per axis. `tf_same` has none of its own: the size decides."""
        return (0,) * len(self.k) if self.pad is None else self.pad


class _Windowed(WeightedOp):
    """Base of every convolution: channels in and out, and a window."""

    category = Category.CONVOLUTION
    saves_output = False
    weight_layer = True
    not_in_figures = ("out", "k", "stride", "pad", "pad_mode", "output_pad", "bias", "weight_norm", "init")

    @property
    def has_weight_norm(self) -> bool:
        """Return whether length and direction of the weight are learned apart."""
        return bool(getattr(self, "weight_norm", False))

    def geometry(self, channels: int, axes: int) -> _Geometry:
        """Return the geometry for an input of so many channels and axes, with every default filled in."""
        raise NotImplementedError

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the input channels and the geometry."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        g = self.geometry(channels, len(sizes))
        return {"in_channels": channels, **g._asdict(), "pad": g.both_sides, "tf_same": g.pad is None}

    def infer(self, *inputs: Shape) -> Shape:
        """Return `[out, ...]` for `[C, ...]`."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        g = self.geometry(channels, len(sizes))
        if g.pad is None:
            return (g.out, *(same_windows(n, s) for n, s in zip(sizes, g.stride, strict=True)))
        demand(self.needs(*inputs))
        return (
            g.out,
            *(
                window_output(self.name, n, k, s, p, p, d)
                for n, k, s, p, d in zip(sizes, g.k, g.stride, g.pad, g.dilation, strict=True)
            ),
        )

    def needs(self, *inputs: Shape) -> list[Need]:
        """Return that there are enough rows to reflect (without the border itself) or to wrap around once."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        g = self.geometry(channels, len(sizes))
        least = {"reflect": 1, "circular": 0}.get(g.pad_mode)
        if least is None or g.pad is None:
            return []
        message = "`{}` cannot pad {} rows with `pad_mode = {}` to a size of {}: they are copied from the input"
        sides = zip(sizes, g.pad, strict=True)
        return [Need(n, p + least, message.format(self.name, p, g.pad_mode, n)) for n, p in sides if p]

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return the weight `[out, in / groups, *kernel]`, and the bias unless it is off."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        g = self.geometry(channels, len(sizes))
        return self._tensors((g.out, channels // g.groups, *g.k), g)

    def _tensors(self, weight: tuple[int, ...], g: _Geometry) -> dict[str, tuple[int, ...]]:
        tensors = {"weight": weight} | ({"bias": (g.out,)} if g.bias else {})
        return with_norms(tensors) if self.has_weight_norm else tensors

    def absorbs_affine(self, side: Literal["before", "after"], *inputs: Shape) -> bool:
        """Return true, unless zeros are padded to the input: a summand before the convolution is not added to them."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        g = self.geometry(channels, len(sizes))
        return side == "after" or g.pad_mode != "zeros" or (g.pad is not None and not any(g.pad))

    def macs(self, output: Shape, *inputs: Shape) -> Dim:
        """Return output elements times window elements times input channels per group."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        g = self.geometry(channels, len(sizes))
        return prod(output, start=prod(g.k) * channels // g.groups)


def same_windows(size: Dim, stride: int) -> Dim:
    """Return the output size of TensorFlow's `SAME`: the size divided by the stride, rounded up."""
    return (size + (stride - 1)) // stride if stride > 1 else size


def _same(kernel: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[int, ...]:
    """Return the padding that keeps the size at stride 1, for odd windows."""
    return tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))


def _tf_same(kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return TensorFlow's `SAME` as the same padding on both sides, if it is that for every size; else None."""
    reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    alike = all((s == 1 and r % 2 == 0) or r == 0 for s, r in zip(stride, reach, strict=True))
    return tuple(r // 2 for r in reach) if alike else None


class Conv(_Windowed, name="conv"):
    """A convolution over the one, two or three spatial axes of the input.

    `pad = same` keeps the size at stride 1 and needs an odd window; it pads both sides alike. `pad = tf_same` is TensorFlow's
    `SAME`: the output has `ceil(n / stride)` rows, and an odd row of padding goes to the end. `bias = auto` omits the bias if
    the only consumer subtracts the mean of each channel, which cancels it: `bn`, `instance_norm`, or `gn` with one channel per
    group.
    """

    aliases = ("convolution",)
    example = "conv(16, 3, stride = 2)"
    cases = (
        Case({"out": 6, "k": 3}, SPATIAL),
        Case({"out": 6, "k": 3, "stride": 2, "groups": 2, "bias": False}, SPATIAL),
        Case({"out": 4, "k": (3, 5), "pad": (0, 1), "dilation": 2, "stride": (1, 2)}, (IMAGE,)),
        Case({"out": 4, "k": 3, "pad_mode": "reflect"}, SPATIAL),
        Case({"out": 4, "k": 3, "pad": 2, "pad_mode": "circular", "stride": 2}, (IMAGE,)),
        Case({"out": 4, "k": 5, "pad_mode": "replicate"}, (LINE, IMAGE)),
        Case({"out": 4, "k": 3, "stride": 2, "pad": "tf_same"}, SPATIAL),
        Case({"out": 4, "k": (2, 5), "stride": (3, 1), "dilation": (1, 2), "pad": "tf_same", "groups": 2}, (IMAGE,)),
        Case({"out": 4, "k": 1, "stride": 3, "pad": "tf_same"}, (IMAGE,)),
        Case({"out": 4, "k": 3, "weight_norm": True}, (LINE, IMAGE)),
    )

    out: Out = Field(description="output channels")
    k: Window = Field(description="window size, one number or one per axis")
    stride: Stride = Field(1, description="stride of the window")
    pad: Padding | Literal["same", "tf_same"] = Field("same", description="rows on each side, or a rule for their number")
    dilation: Dilation = Field(1, description="spacing between the elements of the window")
    groups: Groups = Field(1, description="channel groups that are convolved separately")
    bias: bool | Literal["auto"] = Field("auto", description="whether there is a learned bias per output channel")
    pad_mode: Annotated[PadMode, Aliases("padding_mode")] = Field("zeros", description="content of the padding")
    weight_norm: WeightNorm = Field(False, description=WEIGHT_NORM)

    def validate(self) -> None:
        """Raise `ValueError` if the parameters do not fit each other."""
        super().validate()
        if self.pad_mode != "zeros" and self.pad in (0, "tf_same"):
            raise ValueError(f"`pad_mode` has no effect with `pad = {self.pad}`")

    def geometry(self, channels: int, axes: int) -> _Geometry:
        """Check the groups and resolve `same`. An unresolved `auto` counts as a bias."""
        check_groups(self.name, self.groups, (channels, "input channels"), (self.out, "output channels"))
        kernel, dilation = per_axis(self.k, axes, "k"), per_axis(self.dilation, axes, "dilation")
        stride = per_axis(self.stride, axes, "stride")
        even = [k for k in kernel if k % 2 == 0]
        if self.pad == "same" and even:
            raise SpecError(codes.ranges.EvenWindow("`pad = same`", even[0]))
        padding = (
            _same(kernel, dilation)
            if self.pad == "same"
            else _tf_same(kernel, stride, dilation)
            if self.pad == "tf_same"
            else per_axis(self.pad, axes, "pad")
        )
        return _Geometry(self.out, kernel, stride, padding, dilation, self.groups, self.bias is not False, self.pad_mode)


class Bottleneck(_Windowed, name="bottleneck"):
    """A 1x1 convolution that reduces the channels before a costly layer (Szegedy et al. 2014, section 4)."""

    example = "bottleneck(4)"
    cases = (Case({"out": 4}, SPATIAL), Case({"out": 4, "bias": False}, SPATIAL))
    kind_of = "conv"

    out: Out = Field(description="output channels")
    bias: bool | Literal["auto"] = Field("auto", description="whether there is a learned bias per output channel")
    weight_norm: WeightNorm = Field(False, description=WEIGHT_NORM)

    def geometry(self, channels: int, axes: int) -> _Geometry:
        """Return a window of one on every axis."""
        ones = (1,) * axes
        return _Geometry(self.out, ones, ones, (0,) * axes, ones, 1, self.bias is not False)


class Depthwise(_Windowed, name="depthwise"):
    """Convolves each channel separately, into `mult` output channels (Howard et al. 2017, arXiv:1704.04861)."""

    aliases = ("depthwise_conv",)
    example = "depthwise(3, stride = 2)"
    cases = (
        Case({"k": 3}, SPATIAL),
        Case({"k": 5, "stride": 2, "mult": 2}, SPATIAL),
        Case({"k": 3, "stride": 2, "pad": "tf_same"}, SPATIAL),
    )
    kind_of = "conv"

    k: Window = Field(description="window size, one number or one per axis; odd for `pad = same`")
    stride: Stride = Field(1, description="stride of the window")
    mult: Annotated[PositiveInt, Aliases("depth_multiplier", "channel_multiplier")] = Field(
        1, description="output channels per input channel"
    )
    bias: bool | Literal["auto"] = Field("auto", description="whether there is a learned bias per output channel")
    pad: Literal["same", "tf_same"] = Field("same", description="rule for the rows on each side, as in `conv`")
    weight_norm: WeightNorm = Field(False, description=WEIGHT_NORM)

    def geometry(self, channels: int, axes: int) -> _Geometry:
        """Return as many groups as channels."""
        even = [k for k in per_axis(self.k, axes, "k") if k % 2 == 0]
        if even and self.pad == "same":
            stride = f", stride = {show(self.stride)}" if self.stride != 1 else ""
            instead = f"conv({channels * self.mult}, {show(self.k)}{stride}, groups = {channels}, pad = 0)"
            raise SpecError(codes.ranges.EvenWindow("`depthwise`", even[0], instead))
        kernel, ones = per_axis(self.k, axes, "k"), (1,) * axes
        strides = per_axis(self.stride, axes, "stride")
        padding = _same(kernel, ones) if self.pad == "same" else _tf_same(kernel, strides, ones)
        return _Geometry(channels * self.mult, kernel, strides, padding, ones, channels, self.bias is not False)


class UpConv(_Windowed, name="upconv"):
    """A transposed convolution, which enlarges by its stride.

    With `stride = k`, the default, each output depends on one input position, as in U-Net's "up-conv 2x2".
    """

    aliases = ("conv_transpose", "deconv", "transposed_conv")
    example = "upconv(4, 2)"
    cases = (
        Case({"out": 6, "k": 2}, SPATIAL),
        Case({"out": 6, "k": 3, "stride": 2, "pad": 1, "output_pad": 1, "groups": 2, "bias": False}, SPATIAL),
        Case({"out": 6, "k": 4, "stride": 2, "pad": 1, "weight_norm": True}, (LINE, IMAGE)),
    )

    out: Out = Field(description="output channels")
    k: Window = Field(description="window size, one number or one per axis")
    stride: Stride | None = Field(None, description="factor of enlargement; default: `k`")
    pad: Padding = Field(0, description="rows removed from each side of the output")
    output_pad: PadPerAxis = Field(0, description="rows added at the end of the output; less than the stride or the dilation")
    dilation: Dilation = Field(1, description="spacing between the elements of the window")
    groups: Groups = Field(1, description="channel groups that are convolved separately")
    bias: bool | Literal["auto"] = Field("auto", description="whether there is a learned bias per output channel")
    weight_norm: WeightNorm = Field(False, description=WEIGHT_NORM)

    def geometry(self, channels: int, axes: int) -> _Geometry:
        """Check the groups. The stride defaults to the window."""
        check_groups(self.name, self.groups, (channels, "input channels"), (self.out, "output channels"))
        stride = self.k if self.stride is None else self.stride
        return _Geometry(
            self.out, per_axis(self.k, axes, "k"), per_axis(stride, axes, "stride"), per_axis(self.pad, axes, "pad"),
            per_axis(self.dilation, axes, "dilation"), self.groups, self.bias is not False,
        )  # fmt: skip

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the input channels, the geometry and the output padding."""
        return {**super().attributes(*inputs), "output_pad": per_axis(self.output_pad, len(inputs[0]) - 1, "output_pad")}

    def infer(self, *inputs: Shape) -> Shape:
        """Return `(n - 1) * stride - 2 * pad + dilation * (k - 1) + output_pad + 1` on each axis."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        g = self.geometry(channels, len(sizes))
        extra = per_axis(self.output_pad, len(sizes), "output_pad")
        for e, s, d in zip(extra, g.stride, g.dilation, strict=True):
            if e >= s and e >= d:
                raise SpecError(codes.ranges.OutputPadding(s, d, e))
        out = tuple(
            (n - 1) * s - 2 * p + d * (k - 1) + e + 1
            for n, k, s, p, d, e in zip(sizes, g.k, g.stride, g.both_sides, g.dilation, extra, strict=True)
        )
        for n in out:
            if isinstance(n, int) and n < 1:
                raise SpecError(codes.shapes.NothingLeft(n))
        return (g.out, *out)

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return the weight `[in, out / groups, *kernel]`, and the bias unless it is off."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        g = self.geometry(channels, len(sizes))
        return self._tensors((channels, g.out // g.groups, *g.k), g)

    def absorbs_affine(self, side: Literal["before", "after"], *inputs: Shape) -> bool:
        """Return whether it is about the output: how often an input contributes to an output depends on the position."""
        return side == "after"

    def macs(self, output: Shape, *inputs: Shape) -> Dim:
        """Return input elements times window elements times output channels per group."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        g = self.geometry(channels, len(sizes))
        return prod(inputs[0], start=prod(g.k) * g.out // g.groups)
