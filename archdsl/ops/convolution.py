"""Convolutions."""

from collections.abc import Mapping
from math import prod
from typing import Any, Literal, NamedTuple

from pydantic import Field

from archdsl.declared import Fault
from archdsl.literals import show
from archdsl.ops.base import (
    Category,
    PadPerAxis,
    PerAxis,
    PositiveInt,
    WeightedOp,
    channels_and_axes,
    check_groups,
    per_axis,
    window_output,
)
from archdsl.shapes import Dim, Shape


class _Geometry(NamedTuple):
    """A convolution with every default filled in; numbers per spatial axis."""

    out: int
    k: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    bias: bool


class _Windowed(WeightedOp):
    """What every convolution shares: channels in and out, a window, and how it is written in PyTorch."""

    category = Category.CONVOLUTION
    saves_output = False
    weight_layer = True

    def geometry(self, channels: int, axes: int) -> _Geometry:
        """The full geometry, with every default filled in, for an input of so many channels and axes."""
        raise NotImplementedError

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the input channels and the geometry."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        return {"in_channels": channels, **self.geometry(channels, len(sizes))._asdict()}

    def infer(self, *inputs: Shape) -> Shape:
        """`[C, ...]` to `[out, ...]`."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        g = self.geometry(channels, len(sizes))
        return (
            g.out,
            *(
                window_output(self.name, n, k, s, p, p, d)
                for n, k, s, p, d in zip(sizes, g.k, g.stride, g.pad, g.dilation, strict=True)
            ),
        )

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Weight `[out, in / groups, *kernel]`, and a bias unless it is off."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        g = self.geometry(channels, len(sizes))
        weight = {"weight": (g.out, channels // g.groups, *g.k)}
        return weight | ({"bias": (g.out,)} if g.bias else {})

    def macs(self, output: Shape, *inputs: Shape) -> Dim:
        """Output elements, times the window, times the input channels of a group."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        g = self.geometry(channels, len(sizes))
        return prod(output, start=prod(g.k) * channels // g.groups)


def _same(kernel: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[int, ...]:
    """The padding that keeps the size at stride 1, for odd windows."""
    return tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))


class Conv(_Windowed, name="conv"):
    """A convolution over one, two or three spatial axes, as the input has them.

    `pad = same` keeps the size at stride 1; it needs an odd window. `bias = auto` leaves the bias out
    exactly where a normalization with its own shift is the only consumer.
    """

    example = "conv(16, 3, stride = 2)"

    out: PositiveInt = Field(description="output channels")
    k: PerAxis = Field(description="window, one number or one for each axis")
    stride: PerAxis = Field(1, description="step of the window")
    pad: PadPerAxis | Literal["same"] = Field("same", description="zeros on each side; `same` keeps the size at stride 1")
    dilation: PerAxis = Field(1, description="step between the window's elements")
    groups: PositiveInt = Field(1, description="groups of channels that do not mix")
    bias: bool | Literal["auto"] = Field("auto", description="a learned shift for each output channel")

    def geometry(self, channels: int, axes: int) -> _Geometry:
        """Checks groups and resolves `same`; an unresolved `auto` counts as a bias."""
        check_groups(self.name, self.groups, (channels, "input channels"), (self.out, "output channels"))
        kernel, dilation = per_axis(self.k, axes, "k"), per_axis(self.dilation, axes, "dilation")
        even = [k for k in kernel if k % 2 == 0]
        if self.pad == "same" and even:
            raise Fault(
                "E0402",
                f"`pad = same` needs an odd window, and `k` is {even[0]}: no equal padding on both sides keeps the size",
                argument="k",
                help="write the padding: `pad = 0`; `pad(...)` before it can pad one side more",
            )
        padding = _same(kernel, dilation) if self.pad == "same" else per_axis(self.pad, axes, "pad")
        return _Geometry(
            self.out, kernel, per_axis(self.stride, axes, "stride"), padding, dilation, self.groups, self.bias is not False
        )


class Bottleneck(_Windowed, name="bottleneck"):
    """The 1x1 convolution that narrows: fewer channels before a costly layer (Szegedy et al. 2014, section 4)."""

    example = "bottleneck(4)"
    kind_of = "conv"

    out: PositiveInt = Field(description="output channels")
    bias: bool | Literal["auto"] = Field("auto", description="a learned shift for each output channel")

    def geometry(self, channels: int, axes: int) -> _Geometry:
        """A window of one everywhere."""
        ones = (1,) * axes
        return _Geometry(self.out, ones, ones, (0,) * axes, ones, 1, self.bias is not False)


class Depthwise(_Windowed, name="depthwise"):
    """A convolution of each channel by itself, into `mult` channels (Howard et al. 2017, arXiv:1704.04861)."""

    example = "depthwise(3, stride = 2)"
    kind_of = "conv"

    k: PerAxis = Field(description="window; odd, since the padding keeps the size at stride 1")
    stride: PerAxis = Field(1, description="step of the window")
    mult: PositiveInt = Field(1, description="output channels for each input channel")
    bias: bool | Literal["auto"] = Field("auto", description="a learned shift for each output channel")

    def geometry(self, channels: int, axes: int) -> _Geometry:
        """As many groups as channels."""
        even = [k for k in per_axis(self.k, axes, "k") if k % 2 == 0]
        if even:
            stride = f", stride = {show(self.stride)}" if self.stride != 1 else ""
            raise Fault(
                "E0402",
                f"`depthwise` keeps the size at stride 1, which needs an odd window, and `k` is {even[0]}",
                argument="k",
                help=f"`conv` takes the padding: `conv({channels * self.mult}, {show(self.k)}{stride}, groups = {channels}, pad = 0)`",
            )
        kernel, ones = per_axis(self.k, axes, "k"), (1,) * axes
        strides = per_axis(self.stride, axes, "stride")
        return _Geometry(channels * self.mult, kernel, strides, _same(kernel, ones), ones, channels, self.bias is not False)


class UpConv(_Windowed, name="upconv"):
    """A transposed convolution: the gradient of a convolution, which enlarges by its stride.

    At `stride = k`, the default, each output comes from one input, as in U-Net's "up-conv 2x2".
    """

    example = "upconv(4, 2)"

    out: PositiveInt = Field(description="output channels")
    k: PerAxis = Field(description="window")
    stride: PerAxis | None = Field(None, description="factor of enlargement; `k` where it is not given")
    pad: PadPerAxis = Field(0, description="rows cut off each side of the output")
    output_pad: PadPerAxis = Field(0, description="rows added at the end of the output; less than the stride or the dilation")
    dilation: PerAxis = Field(1, description="step between the window's elements")
    groups: PositiveInt = Field(1, description="groups of channels that do not mix")
    bias: bool | Literal["auto"] = Field("auto", description="a learned shift for each output channel")

    def geometry(self, channels: int, axes: int) -> _Geometry:
        """Checks groups; `stride` defaults to the window."""
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
        """`(n - 1) * stride - 2 * pad + dilation * (k - 1) + output_pad + 1` on each axis."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        g = self.geometry(channels, len(sizes))
        extra = per_axis(self.output_pad, len(sizes), "output_pad")
        for e, s, d in zip(extra, g.stride, g.dilation, strict=True):
            if e >= s and e >= d:
                steps = f"the stride {s} or the dilation {d}"
                raise Fault("E0402", f"`output_pad` must be less than {steps}, and is {e}", argument="output_pad")
        out = tuple(
            (n - 1) * s - 2 * p + d * (k - 1) + e + 1
            for n, k, s, p, d, e in zip(sizes, g.k, g.stride, g.pad, g.dilation, extra, strict=True)
        )
        for n in out:
            if isinstance(n, int) and n < 1:
                raise Fault("E0304", f"`upconv` leaves nothing: `pad` cuts more than the output has ({n})", argument="pad")
        return (g.out, *out)

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Weight `[in, out / groups, *kernel]`, and a bias unless it is off."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        g = self.geometry(channels, len(sizes))
        return {"weight": (channels, g.out // g.groups, *g.k)} | ({"bias": (g.out,)} if g.bias else {})

    def macs(self, output: Shape, *inputs: Shape) -> Dim:
        """Input elements, times the window, times the output channels of a group."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        g = self.geometry(channels, len(sizes))
        return prod(inputs[0], start=prod(g.k) * g.out // g.groups)
