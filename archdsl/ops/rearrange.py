"""Taking parts and reordering."""

from collections.abc import Mapping
from math import prod
from typing import Annotated, Any

from archdsl import limits
from archdsl.diagnostics import SpecError, codes
from archdsl.fields import Check, Field
from archdsl.literals import show
from archdsl.ops.base import (
    ANY_RANK,
    IMAGE,
    LINE,
    SPATIAL,
    VOLUME,
    Case,
    Category,
    Dilation,
    Division,
    Groups,
    Need,
    Op,
    Padding,
    PositiveInt,
    Stride,
    Window,
    channels_and_axes,
    check_groups,
    demand,
    normal_axis,
    per_axis,
    window_count,
    window_output,
)
from archdsl.shapes import Shape, numel


class PixelShuffle(Op, name="pixel_shuffle"):
    """Rearranges channels into pixels: `[C * r^2, H, W]` to `[C, H * r, W * r]` (Shi et al. 2016, arXiv:1609.05158)."""

    aliases = ("depth_to_space",)
    category = Category.SHAPE
    sign = "kept"
    example = "pixel_shuffle(2)"
    cases = (Case({"r": 2}, (IMAGE,)), Case({"r": 1}, (IMAGE,)))

    r: PositiveInt = Field(description="factor of enlargement")

    def is_identity(self, *inputs: Shape) -> bool:
        """Return whether the factor is one."""
        return self.r == 1

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape after shuffling: `r * r` must divide the channels."""
        channels, (height, width) = channels_and_axes(self.name, inputs[0], (2,))
        if channels % (self.r * self.r):
            raise SpecError(codes.shapes.ShuffledChannels(self.r, channels))
        return (channels // (self.r * self.r), height * self.r, width * self.r)


class PixelUnshuffle(Op, name="pixel_unshuffle"):
    """Rearranges pixels into channels: `[C, H * r, W * r]` to `[C * r^2, H, W]`, the inverse of `pixel_shuffle`."""

    aliases = ("space_to_depth", "reorg", "focus")
    category = Category.SHAPE
    sign = "kept"
    example = "pixel_unshuffle(2)"
    cases = (Case({"r": 2}, (IMAGE,)), Case({"r": 1}, (IMAGE,)))

    r: PositiveInt = Field(description="factor by which the sizes shrink, and which must divide them")

    def is_identity(self, *inputs: Shape) -> bool:
        """Return whether the factor is one."""
        return self.r == 1

    def divisions(self, *inputs: Shape) -> list[Division]:
        """Return that the factor divides both sizes."""
        message = "`pixel_unshuffle({})` needs sizes that {} divides, found {}"
        help = f"`pad_to({self.r})` before it pads the sizes"
        return [Division(size, self.r, message.format(self.r, self.r, size), help) for size in inputs[0][1:]]

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape after the rearrangement."""
        channels, (height, width) = channels_and_axes(self.name, inputs[0], (2,))
        return (channels * self.r * self.r, height // self.r, width // self.r)


class Roll(Op, name="roll"):
    """Shifts positions along axes, and lets those that leave at one end come in at the other: `roll(-3, axis = [1, 2])`."""

    aliases = ("circular_shift",)
    category = Category.SHAPE
    sign = "kept"
    integers = "kept"
    saves_output = False
    example = "roll(-3, axis = [1, 2])"
    cases = (
        Case({"shift": 1, "axis": 0}, ANY_RANK),
        Case({"shift": (-3, 2), "axis": (1, -1)}, (IMAGE, VOLUME)),
        Case({"shift": 0, "axis": -1}, ANY_RANK),
    )

    shift: int | tuple[int, ...] = Field(description="positions to move by, one number or one per axis")
    axis: int | tuple[int, ...] = Field(description="axis, or a list of axes: 0 is the channels, -1 the last")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return a shift per axis, and the axes counted from the front."""
        given = (self.axis,) if isinstance(self.axis, int) else self.axis
        axes = tuple(normal_axis(self.name, axis, len(inputs[0])) for axis in given)
        shifts = (self.shift,) * len(axes) if isinstance(self.shift, int) else self.shift
        if len(shifts) != len(axes):
            raise SpecError(codes.ranges.ShiftCount(self.shift, self.axis))
        return {"shift": shifts, "axis": axes}

    def is_identity(self, *inputs: Shape) -> bool:
        """Return whether nothing moves."""
        return not any(self.attributes(*inputs)["shift"])

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the input."""
        axes = self.attributes(*inputs)["axis"]
        if len(set(axes)) < len(axes):
            raise SpecError(codes.ranges.RepeatedAxis(self.name, self.axis))
        return inputs[0]


class Unfold(Op, name="unfold"):
    """Lists the windows of an image as columns: `[C, H, W]` to `[C * kh * kw, L]`, with `L` windows in rows of the image."""

    aliases = ("im2col", "extract_patches")
    category = Category.SHAPE
    sign = "kept"
    saves_output = False
    not_in_figures = ("k", "stride", "pad", "dilation")
    example = "unfold(2, stride = 2)"
    cases = (
        Case({"k": 2, "stride": 2}, (IMAGE,)),
        Case({"k": (3, 2), "pad": (1, 0), "dilation": 2}, (IMAGE,)),
    )

    k: Window = Field(description="window size, one number or one per axis")
    stride: Stride = Field(1, description="stride of the window")
    pad: Padding = Field(0, description="zeros on each side")
    dilation: Dilation = Field(1, description="spacing between the elements of the window")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return window, stride, padding and dilation per axis."""
        return {name: per_axis(getattr(self, name), 2, name) for name in ("k", "stride", "pad", "dilation")}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the elements of a window in all channels, and the number of windows."""
        channels, sizes = channels_and_axes(self.name, inputs[0], (2,))
        given = self.attributes(*inputs)
        windows = zip(sizes, given["k"], given["stride"], given["pad"], given["dilation"], strict=True)
        return (channels * prod(given["k"]), numel([window_output(self.name, n, k, s, p, p, d) for n, k, s, p, d in windows]))

    def needs(self, *inputs: Shape) -> list[Need]:
        """Return that a window fits on each axis; of the product of both numbers of windows that is not known."""
        given = self.attributes(*inputs)
        windows = zip(inputs[0][1:], given["k"], given["stride"], given["pad"], given["dilation"], strict=True)
        counts = [(n, window_count(n, k, s, p, p, d)) for n, k, s, p, d in windows]
        return [Need(count, 1, f"`unfold` leaves nothing of a size of {size}") for size, count in counts]


class ChannelShuffle(Op, name="channel_shuffle"):
    """Interleaves the channels of all groups, so that grouped convolutions mix (Zhang et al. 2017, arXiv:1707.01083)."""

    category = Category.SHAPE
    sign = "kept"
    example = "channel_shuffle(2)"
    cases = (Case({"groups": 4}, SPATIAL), Case({"groups": 1}, SPATIAL))

    groups: Groups = Field(description="number of groups")

    def is_identity(self, *inputs: Shape) -> bool:
        """Return whether all channels are one group."""
        return self.groups == 1

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the input. The groups must divide the channels."""
        channels, _ = channels_and_axes(self.name, inputs[0])
        check_groups(self.name, self.groups, (channels, "channels"))
        return inputs[0]


def _part(part: range) -> range:
    if part.step < 1:
        raise ValueError(f"a part counts up, found {show(part)}")
    if not 0 <= part.start < part.stop:
        raise ValueError(f"a part is `from..to` with 0 <= from < to, found {part.start}..{part.stop}")
    if part.stop > limits.SIZE:
        raise ValueError(f"a part ends at {limits.SIZE:,} at most, found {part.stop}")
    return part


class Slice(Op, name="slice"):
    """Takes a part of an axis: `slice(0..4)` takes the first four channels.

    `slice(0..32 by 8, axis = 1)` takes every eighth of 32 frames.
    """

    category = Category.SHAPE
    sign = "kept"
    integers = "kept"
    not_in_figures = ("axis",)
    example = "slice(0..4)"
    cases = (
        Case({"part": range(2, 5)}, ANY_RANK),
        Case({"part": range(0, 6), "axis": -1}, ANY_RANK),
        Case({"part": range(1, 6, 3), "axis": -1}, ANY_RANK),
    )

    part: Annotated[range, Check(_part)] = Field(description="range of positions, without its end; `by n` takes every n-th")
    axis: int = Field(0, description="axis: 0 is the channels, -1 the last")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return where the part starts, its length from the first to the last position, the step, and the axis from the front."""
        axis = normal_axis(self.name, self.axis, len(inputs[0]))
        stop = self.part.stop if self.part.step == 1 else self.part[-1] + 1
        return {"start": self.part.start, "length": stop - self.part.start, "step": self.part.step, "axis": axis}

    def is_identity(self, *inputs: Shape) -> bool:
        """Return whether the part is the whole axis."""
        size = inputs[0][normal_axis(self.name, self.axis, len(inputs[0]))]
        return self.part.start == 0 and self.part.step == 1 and self.part.stop == size

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape with the number of positions on its axis."""
        axis = normal_axis(self.name, self.axis, len(inputs[0]))
        demand(self.needs(*inputs))
        count = self.part.stop - self.part.start if self.part.step == 1 else len(self.part)
        return (*inputs[0][:axis], count, *inputs[0][axis + 1 :])

    def needs(self, *inputs: Shape) -> list[Need]:
        """Return that the axis reaches to the end of the part."""
        size = inputs[0][normal_axis(self.name, self.axis, len(inputs[0]))]
        message = f"`slice({show(self.part)})` reaches past the end of an axis of {size}"
        return [Need(size, self.part.stop, message)]


class Permute(Op, name="permute"):
    """Reorders the axes: `permute([1, 2, 0])` puts the channels, axis 0, last."""

    aliases = ("movedim",)
    category = Category.SHAPE
    sign = "kept"
    integers = "kept"
    example = "permute([1, 2, 0])"
    cases = (Case({"order": (1, 2, 0)}, (IMAGE,)), Case({"order": (-1, 0)}, (LINE,)))

    order: tuple[int, ...] = Field(description="the axis of the input for each axis of the output")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the order, each axis counted from the front."""
        return {"order": tuple(self._order(len(inputs[0])))}

    def is_identity(self, *inputs: Shape) -> bool:
        """Return whether each axis stays in its place."""
        return self._order(len(inputs[0])) == list(range(len(inputs[0])))

    def infer(self, *inputs: Shape) -> Shape:
        """Return the sizes in that order."""
        return tuple(inputs[0][axis] for axis in self._order(len(inputs[0])))

    def _order(self, rank: int) -> list[int]:
        if len(self.order) != rank:
            raise SpecError(codes.ranges.NoPermutation(rank, self.order))
        order = [normal_axis(self.name, axis, rank, "order") for axis in self.order]
        if sorted(order) != list(range(rank)):
            raise SpecError(codes.ranges.NoPermutation(rank, self.order))
        return order


class Transpose(Op, name="transpose"):
    """Exchanges two axes: `transpose(0, 1)` turns `[C, L]` into tokens `[L, C]`."""

    category = Category.SHAPE
    sign = "kept"
    integers = "kept"
    example = "transpose(1, 2)"
    cases = (Case({"a": 0, "b": -1}, ANY_RANK),)

    a: int = Field(description="first axis")
    b: int = Field(description="second axis")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return both axes, counted from the front."""
        a, b = self._axes(len(inputs[0]))
        return {"a": a, "b": b}

    def is_identity(self, *inputs: Shape) -> bool:
        """Return whether both axes are the same."""
        a, b = self._axes(len(inputs[0]))
        return a == b

    def infer(self, *inputs: Shape) -> Shape:
        """Return the sizes with two of them exchanged."""
        a, b = self._axes(len(inputs[0]))
        sizes = list(inputs[0])
        sizes[a], sizes[b] = sizes[b], sizes[a]
        return tuple(sizes)

    def _axes(self, rank: int) -> tuple[int, int]:
        return normal_axis(self.name, self.a, rank, "a"), normal_axis(self.name, self.b, rank, "b")
