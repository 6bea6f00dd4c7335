"""Padding, cropping, enlarging and reordering."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, InstanceOf, model_validator

from archdsl import limits
from archdsl.declared import Fault
from archdsl.ops.base import (
    Category,
    Need,
    Op,
    PadPerAxis,
    PerAxis,
    PositiveInt,
    channels_and_axes,
    check_groups,
    demand,
    normal_axis,
    per_axis,
)
from archdsl.shapes import Dim, Shape, SizeError, format_shape

Interpolation = Literal["nearest", "linear", "bilinear", "trilinear", "bicubic"]


class Pad(Op, name="pad"):
    """More rows on each side of every spatial axis: `pad(1)`, `pad([1, 2])`, `pad(before = 0, after = 1)`."""

    category = Category.SHAPE
    saves_output = False
    example = "pad(1, mode = reflect)"

    amount: PadPerAxis | None = Field(None, description="rows on both sides, one number or one for each axis")
    before: PadPerAxis | None = Field(None, description="rows before the first, instead of `amount`")
    after: PadPerAxis | None = Field(None, description="rows after the last, instead of `amount`")
    mode: Literal["zeros", "reflect", "replicate", "circular"] = Field("zeros", description="what the new rows hold")
    value: float = Field(0.0, description="what the new rows hold in mode `zeros`, instead of zero")

    @model_validator(mode="after")
    def _check_sides(self) -> Self:
        sides = self.before is not None or self.after is not None
        if sides == (self.amount is not None):
            raise ValueError("write either the amount for both sides, or `before` and `after`")
        if self.value and self.mode != "zeros":
            raise ValueError(f"`value` has no meaning with `mode = {self.mode}`")
        return self

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the rows before and after per axis, and what they hold."""
        before, after = zip(*self._sides(len(inputs[0]) - 1), strict=True)
        return {"before": before, "after": after, "mode": self.mode, "value": self.value}

    def infer(self, *inputs: Shape) -> Shape:
        """Channels stay; each axis grows by both sides."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        demand(self.needs(*inputs))
        return (channels, *(n + b + a for n, (b, a) in zip(sizes, self._sides(len(sizes)), strict=True)))

    def needs(self, *inputs: Shape) -> list[Need]:
        """Enough rows to reflect (the border itself is not repeated) or to wrap around once."""
        least = {"reflect": 1, "circular": 0}.get(self.mode)
        if least is None:
            return []
        message = "`pad` cannot add {1} rows with `mode = {0}` to a size of {2}: it takes them from the input"
        sides = zip(inputs[0][1:], self._sides(len(inputs[0]) - 1), strict=True)
        return [Need(n, max(s) + least, message.format(self.mode, max(s), n)) for n, s in sides if max(s)]

    def _sides(self, axes: int) -> list[tuple[int, int]]:
        """Rows before and after, for each axis."""
        given = {"before": self.before, "after": self.after} if self.amount is None else {"amount": self.amount}
        before, *after = (per_axis(value or 0, axes, argument) for argument, value in given.items())
        return list(zip(before, after[0] if after else before, strict=True))


class PadChannels(Op, name="pad_channels"):
    """Channels of zeros after the last, up to `to` channels: ResNet's shortcut without parameters (He et al. 2015, section 3.3)."""

    category = Category.SHAPE
    sign = "kept"
    saves_output = False
    integers = "kept"
    example = "pad_channels(16)"

    to: PositiveInt = Field(description="channels of the output")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return how many channels are added."""
        return {"channels": self.to - channels_and_axes(self.name, inputs[0], (0, 1, 2, 3))[0]}

    def infer(self, *inputs: Shape) -> Shape:
        """The input's sizes with `to` channels; there may not be more before."""
        channels, sizes = channels_and_axes(self.name, inputs[0], (0, 1, 2, 3))
        if channels > self.to:
            message = f"`pad_channels({self.to})` only adds channels, and gets {channels}"
            raise Fault("E0402", message, argument="to", help=f"`slice(0..{self.to})` takes the first {self.to}")
        return (self.to, *sizes)


class CropLike(Op, name="crop_like"):
    """The middle of the input, as large as another value: U-Net's "copy and crop" (arXiv:1505.04597)."""

    category = Category.SHAPE
    sign = "kept"
    arity = 2
    operands = ("like",)
    example = "small: conv(8, 3, pad = 0); upconv(8, 2); crop_like(small)"

    def infer(self, *inputs: Shape) -> Shape:
        """The input's channels and the other's sizes."""
        shape = _sized_like(self.name, *inputs)
        demand(self.needs(*inputs))
        return shape

    def needs(self, *inputs: Shape) -> list[Need]:
        """The input is at least as large."""
        value, like = inputs
        message = f"`crop_like` cannot cut {format_shape(value)} to the larger {format_shape(like)}"
        return [Need(_difference(n, m), 0, message) for n, m in zip(value[1:], like[1:], strict=True)]


class ResizeLike(Op, name="resize_like"):
    """The input interpolated to the size of another value."""

    category = Category.SHAPE
    arity = 2
    operands = ("like",)
    saves_output = False
    example = "large: conv(8, 3); maxpool(2); resize_like(large)"

    mode: Interpolation = Field("nearest", description="how values between are made; `linear` follows the rank")
    align_corners: bool = Field(False, description="whether the corners' centres stay in place; not for `nearest`")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the mode for the rank of the input."""
        return _interpolation(self, len(inputs[0]) - 1)

    def infer(self, *inputs: Shape) -> Shape:
        """The input's channels and the other's sizes."""
        shape = _sized_like(self.name, *inputs)
        _interpolation(self, len(shape) - 1)
        return shape


class Upsample(Op, name="upsample"):
    """The input enlarged by a whole factor."""

    category = Category.SHAPE
    saves_output = False
    example = "upsample(2, mode = bilinear)"

    scale: PerAxis = Field(description="factor, one number or one for each axis")
    mode: Interpolation = Field("nearest", description="how values between are made; `linear` follows the rank")
    align_corners: bool = Field(False, description="whether the corners' centres stay in place; not for `nearest`")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the factor per axis, and the mode for the rank of the input."""
        axes = len(inputs[0]) - 1
        return {"scale": per_axis(self.scale, axes, "scale"), **_interpolation(self, axes)}

    def infer(self, *inputs: Shape) -> Shape:
        """Channels stay; each axis grows by its factor."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        _interpolation(self, len(sizes))
        return (channels, *(n * factor for n, factor in zip(sizes, per_axis(self.scale, len(sizes), "scale"), strict=True)))


class PixelShuffle(Op, name="pixel_shuffle"):
    """Channels become pixels: `[C * r^2, H, W]` to `[C, H * r, W * r]` (Shi et al. 2016, arXiv:1609.05158)."""

    category = Category.SHAPE
    sign = "kept"
    example = "pixel_shuffle(2)"

    r: PositiveInt = Field(description="factor of enlargement")

    def infer(self, *inputs: Shape) -> Shape:
        """Channels are divided by `r * r`, which must divide them."""
        channels, (height, width) = channels_and_axes(self.name, inputs[0], (2,))
        if channels % (self.r * self.r):
            multiple = f"a multiple of {self.r * self.r} channels"
            raise Fault("E0306", f"`pixel_shuffle({self.r})` needs {multiple}, and gets {channels}", argument="r")
        return (channels // (self.r * self.r), height * self.r, width * self.r)


class ChannelShuffle(Op, name="channel_shuffle"):
    """Channels of all groups in turn, so that grouped convolutions mix (Zhang et al. 2017, arXiv:1707.01083)."""

    category = Category.SHAPE
    sign = "kept"
    example = "channel_shuffle(2)"

    groups: PositiveInt = Field(description="groups of channels")

    def infer(self, *inputs: Shape) -> Shape:
        """The input's shape; groups divide the channels."""
        channels, _ = channels_and_axes(self.name, inputs[0])
        check_groups(self.name, self.groups, (channels, "channels"))
        return inputs[0]


def _part(part: range) -> range:
    if not 0 <= part.start < part.stop:
        raise ValueError(f"a part is `from..to` with 0 <= from < to, and not {part.start}..{part.stop}")
    if part.stop > limits.SIZE:
        raise ValueError(f"a part ends at {limits.SIZE:,} at most, and not at {part.stop}")
    return part


class Slice(Op, name="slice"):
    """A part of an axis: `slice(0..4)` takes the first four channels."""

    category = Category.SHAPE
    sign = "kept"
    integers = "kept"
    example = "slice(0..4)"

    part: Annotated[InstanceOf[range], AfterValidator(_part)] = Field(description="from the first up to, not with, the last")
    axis: int = Field(0, description="which axis is cut: 0 is the channels, -1 the last")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the part and the axis, counted from the front."""
        return {"part": self.part, "axis": normal_axis(self.name, self.axis, len(inputs[0]))}

    def infer(self, *inputs: Shape) -> Shape:
        """The part's length on its axis, which must be that long."""
        axis = normal_axis(self.name, self.axis, len(inputs[0]))
        demand(self.needs(*inputs))
        return (*inputs[0][:axis], len(self.part), *inputs[0][axis + 1 :])

    def needs(self, *inputs: Shape) -> list[Need]:
        """The axis reaches to the end of the part."""
        size = inputs[0][normal_axis(self.name, self.axis, len(inputs[0]))]
        message = f"`slice({self.part.start}..{self.part.stop})` reaches past the end of an axis of {size}"
        return [Need(size, self.part.stop, message)]


class Permute(Op, name="permute"):
    """The axes in another order: `permute([1, 2, 0])` puts channels last. Axis 0 is the channels."""

    category = Category.SHAPE
    sign = "kept"
    integers = "kept"
    example = "permute([1, 2, 0])"

    order: tuple[int, ...] = Field(description="for each axis of the output, the input's axis")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the order, each axis counted from the front."""
        return {"order": tuple(self._order(len(inputs[0])))}

    def infer(self, *inputs: Shape) -> Shape:
        """The sizes in that order."""
        return tuple(inputs[0][axis] for axis in self._order(len(inputs[0])))

    def _order(self, rank: int) -> list[int]:
        order = [normal_axis(self.name, axis, rank, "order") for axis in self.order]
        if sorted(order) != list(range(rank)):
            given = format_shape(self.order)
            raise Fault("E0402", f"`order` of `permute` must name each of the {rank} axes once, and is {given}", argument="order")
        return order


class Transpose(Op, name="transpose"):
    """Two axes exchanged: `transpose(0, 1)` makes tokens of channels. Axis 0 is the channels."""

    category = Category.SHAPE
    sign = "kept"
    integers = "kept"
    example = "transpose(1, 2)"

    a: int = Field(description="one axis")
    b: int = Field(description="the other axis")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return both axes, counted from the front."""
        a, b = self._axes(len(inputs[0]))
        return {"a": a, "b": b}

    def infer(self, *inputs: Shape) -> Shape:
        """The sizes, two of them exchanged."""
        a, b = self._axes(len(inputs[0]))
        sizes = list(inputs[0])
        sizes[a], sizes[b] = sizes[b], sizes[a]
        return tuple(sizes)

    def _axes(self, rank: int) -> tuple[int, int]:
        return normal_axis(self.name, self.a, rank, "a"), normal_axis(self.name, self.b, rank, "b")


def _sized_like(name: str, value: Shape, like: Shape) -> Shape:
    """The channels of a value with the sizes of another; `Fault` where their ranks differ."""
    channels_and_axes(name, value)
    if len(value) != len(like):
        raise Fault("E0305", f"`{name}` takes two values of one rank, and gets {format_shape(value)} and {format_shape(like)}")
    return (value[0], *like[1:])


def _difference(size: Dim, other: Dim) -> Dim:
    try:
        return size - other
    except SizeError as error:
        raise Fault("E0307", f"`crop_like` cannot compare {size} with {other}: {error}") from None


def _interpolation(op: ResizeLike | Upsample, axes: int) -> dict[str, Any]:
    """Return the mode for an input of so many axes. Raise `Fault` if it does not fit them."""
    wanted = {"bilinear": 2, "bicubic": 2, "trilinear": 3}.get(op.mode, axes)
    if wanted != axes:
        raise Fault(
            "E0305",
            f"`mode = {op.mode}` of `{op.name}` works over {wanted} axes, and the input has {axes}",
            argument="mode",
            help="`linear` and `nearest` follow the rank of the input",
        )
    if op.mode == "nearest" and op.align_corners:
        raise Fault("E0402", f"`align_corners` of `{op.name}` has no meaning with `mode = nearest`", argument="align_corners")
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[axes] if op.mode == "linear" else op.mode
    return {"mode": mode, "align_corners": op.align_corners}
