"""Padding, resizing and enlarging."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from archdsl.diagnostics import SpecError, codes
from archdsl.fields import Field
from archdsl.ops.base import (
    ANY_RANK,
    IMAGE,
    SPATIAL,
    Case,
    Category,
    Need,
    Op,
    PadPerAxis,
    PerAxis,
    PositiveInt,
    channels_and_axes,
    demand,
    per_axis,
)
from archdsl.shapes import Shape

Interpolation = Literal["nearest", "linear", "bilinear", "trilinear", "bicubic"]


class Pad(Op, name="pad"):
    """Adds rows on the sides of every spatial axis: `pad(1)`, `pad([1, 2])`, `pad(before = 0, after = 1)`."""

    aliases = ("padding", "zero_pad", "zero_padding")
    category = Category.SHAPE
    saves_output = False
    not_in_figures = ("mode",)
    example = "pad(1, mode = reflect)"
    cases = (
        Case({"amount": 1}, SPATIAL),
        Case({"amount": (1, 2), "mode": "reflect"}, (IMAGE,)),
        Case({"amount": 0}, SPATIAL),
        Case({"before": 0, "after": 2, "mode": "replicate"}, SPATIAL),
        Case({"after": 1, "value": 0.5}, SPATIAL),
        Case({"amount": 2, "mode": "circular"}, SPATIAL),
    )

    amount: PadPerAxis | None = Field(None, description="rows on both sides, one number or one per axis")
    before: PadPerAxis | None = Field(None, description="rows before the first, in place of `amount`")
    after: PadPerAxis | None = Field(None, description="rows after the last, in place of `amount`")
    mode: Literal["zeros", "reflect", "replicate", "circular"] = Field("zeros", description="content of the new rows")
    value: float = Field(0.0, description="value of the new rows in mode `zeros`")

    def validate(self) -> None:
        """Raise `ValueError` if the parameters do not fit each other."""
        super().validate()
        sides = self.before is not None or self.after is not None
        if sides == (self.amount is not None):
            raise ValueError("give either the amount for both sides, or `before` and `after`")
        if self.value and self.mode != "zeros":
            raise ValueError(f"`value` has no effect with `mode = {self.mode}`")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the rows before and after per axis, and what they hold."""
        before, after = zip(*self._sides(len(inputs[0]) - 1), strict=True)
        return {"before": before, "after": after, "mode": self.mode, "value": self.value}

    def is_identity(self, *inputs: Shape) -> bool:
        """Return whether it adds no rows."""
        return not any(sum(side) for side in self._sides(len(inputs[0]) - 1))

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape after padding: the channels stay."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        demand(self.needs(*inputs))
        return (channels, *(n + b + a for n, (b, a) in zip(sizes, self._sides(len(sizes)), strict=True)))

    def needs(self, *inputs: Shape) -> list[Need]:
        """Return that there are enough rows to reflect (without the border itself) or to wrap around once."""
        least = {"reflect": 1, "circular": 0}.get(self.mode)
        if least is None:
            return []
        message = "`pad` cannot add {1} rows with `mode = {0}` to a size of {2}: they are copied from the input"
        sides = zip(inputs[0][1:], self._sides(len(inputs[0]) - 1), strict=True)
        return [Need(n, max(s) + least, message.format(self.mode, max(s), n)) for n, s in sides if max(s)]

    def _sides(self, axes: int) -> list[tuple[int, int]]:
        """Return the rows before and after, per axis."""
        given = {"before": self.before, "after": self.after} if self.amount is None else {"amount": self.amount}
        before, *after = (per_axis(value or 0, axes, argument) for argument, value in given.items())
        return list(zip(before, after[0] if after else before, strict=True))


class PadChannels(Op, name="pad_channels"):
    """Adds channels of zeros, up to `to` channels: ResNet's shortcut without parameters (He et al. 2015, section 3.3)."""

    category = Category.SHAPE
    sign = "kept"
    saves_output = False
    integers = "kept"
    example = "pad_channels(16)"
    cases = (Case({"to": 20}, ANY_RANK), Case({"to": 8}, ANY_RANK))

    to: PositiveInt = Field(description="number of output channels")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return how many channels are added."""
        return {"channels": self.to - channels_and_axes(self.name, inputs[0], (0, 1, 2, 3))[0]}

    def is_identity(self, *inputs: Shape) -> bool:
        """Return whether it adds no channels."""
        return inputs[0][0] == self.to

    def infer(self, *inputs: Shape) -> Shape:
        """Return the sizes of the input with `to` channels. The input must not have more."""
        channels, sizes = channels_and_axes(self.name, inputs[0], (0, 1, 2, 3))
        if channels > self.to:
            raise SpecError(codes.ranges.FewerChannels(self.to, channels))
        return (self.to, *sizes)


class ResizeLike(Op, name="resize_like"):
    """Interpolates the input to the size of another value."""

    category = Category.SHAPE
    arity = 2
    operands = ("like",)
    about_operands: ClassVar = {"like": "the value whose spatial sizes the output has"}
    sizes_only = True
    saves_output = False
    not_in_figures = ("mode",)
    example = "large: conv(8, 3); maxpool(2); resize_like(large)"
    cases = (
        Case({}, (((8, 12, 10), (3, 7, 20)),)),
        Case({"mode": "linear"}, (((8, 6), (2, 9)), ((4, 3, 3, 3), (4, 2, 4, 6)))),
        Case({"mode": "bicubic", "align_corners": True}, (((8, 12, 10), (8, 12, 10)),)),
    )

    mode: Interpolation = Field("nearest", description="interpolation; `linear` follows the rank of the input")
    align_corners: bool = Field(False, description="whether the centres of the corners stay in place; not for `nearest`")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the mode for the rank of the input."""
        return _interpolation(self, len(inputs[0]) - 1)

    def infer(self, *inputs: Shape) -> Shape:
        """Return the channels of the input with the sizes of the other value."""
        shape = _sized_like(self.name, *inputs)
        _interpolation(self, len(shape) - 1)
        return shape


class Resize(Op, name="resize"):
    """Interpolates the input to a fixed size."""

    category = Category.SHAPE
    saves_output = False
    not_in_figures = ("mode",)
    example = "resize(16, mode = bilinear)"
    cases = (
        Case({"size": 7}, SPATIAL),
        Case({"size": (9, 20), "mode": "bicubic", "align_corners": True}, (IMAGE,)),
        Case({"size": 5, "mode": "linear"}, SPATIAL),
        Case({"size": (24, 5), "mode": "bilinear", "antialias": True}, (IMAGE,)),
    )

    size: PerAxis = Field(description="output size, one number or one per axis")
    mode: Interpolation = Field("nearest", description="interpolation; `linear` follows the rank of the input")
    align_corners: bool = Field(False, description="whether the centres of the corners stay in place; not for `nearest`")
    antialias: bool = Field(False, description="whether to average when the size shrinks; only for `bilinear` and `bicubic`")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the size per axis, and the mode for the rank of the input."""
        axes = len(inputs[0]) - 1
        given = _interpolation(self, axes)
        return {"size": per_axis(self.size, axes, "size"), **given, "antialias": self.antialias}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the channels with this size."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        mode = _interpolation(self, len(sizes))["mode"]
        if self.antialias and mode not in ("bilinear", "bicubic"):
            raise SpecError(codes.ranges.AntialiasedMode(mode))
        return (channels, *per_axis(self.size, len(sizes), "size"))


class Upsample(Op, name="upsample"):
    """Enlarges the input by an integer factor."""

    aliases = ("up_sampling",)
    category = Category.SHAPE
    saves_output = False
    not_in_figures = ("mode",)
    example = "upsample(2, mode = bilinear)"
    cases = (
        Case({"scale": 2}, SPATIAL),
        Case({"scale": 1}, SPATIAL),
        Case({"scale": 2, "mode": "linear", "align_corners": True}, SPATIAL),
        Case({"scale": (2, 3), "mode": "bilinear"}, (IMAGE,)),
        Case({"scale": 2, "mode": "bicubic"}, (IMAGE,)),
    )

    scale: PerAxis = Field(description="factor, one number or one per axis")
    mode: Interpolation = Field("nearest", description="interpolation; `linear` follows the rank of the input")
    align_corners: bool = Field(False, description="whether the centres of the corners stay in place; not for `nearest`")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the factor per axis, and the mode for the rank of the input."""
        axes = len(inputs[0]) - 1
        return {"scale": per_axis(self.scale, axes, "scale"), **_interpolation(self, axes)}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape after enlarging: the channels stay."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        _interpolation(self, len(sizes))
        return (channels, *(n * factor for n, factor in zip(sizes, per_axis(self.scale, len(sizes), "scale"), strict=True)))


def _sized_like(name: str, value: Shape, like: Shape) -> Shape:
    """Return the channels of a value with the sizes of another. Raise `SpecError` if their ranks differ."""
    channels_and_axes(name, value)
    if len(value) != len(like):
        raise SpecError(codes.shapes.OtherRank(name, value, like))
    return (value[0], *like[1:])


def _interpolation(op: ResizeLike | Resize | Upsample, axes: int) -> dict[str, Any]:
    """Return the mode for an input of so many axes. Raise `SpecError` if it does not fit them."""
    wanted = {"bilinear": 2, "bicubic": 2, "trilinear": 3}.get(op.mode, axes)
    if wanted != axes:
        raise SpecError(codes.shapes.InterpolationRank(op.name, op.mode, wanted, axes))
    if op.mode == "nearest" and op.align_corners:
        raise SpecError(codes.ranges.NothingToAlign(op.name))
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[axes] if op.mode == "linear" else op.mode
    return {"mode": mode, "align_corners": op.align_corners}
