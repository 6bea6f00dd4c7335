"""Pooling."""

from collections.abc import Mapping
from math import prod
from typing import Annotated, Any, Literal

from archdsl.diagnostics import SpecError, codes
from archdsl.fields import Field
from archdsl.ops.base import (
    IMAGE,
    SPATIAL,
    Case,
    Category,
    Dilation,
    DType,
    Need,
    Op,
    Padding,
    PerAxis,
    PositiveFloat,
    PositiveInt,
    Stride,
    Window,
    channels_and_axes,
    demand,
    per_axis,
    window_count,
    window_output,
)
from archdsl.ops.convolution import PadMode, same_windows
from archdsl.registry import Aliases
from archdsl.shapes import Dim, Shape


class _Pool(Op):
    """Base of every pool. None saves its output: a maximum saves the positions, an average nothing."""

    category = Category.POOLING
    sign = "kept"
    saves_output = False


class _Window(_Pool):
    """A pool with a sliding window; subclasses may have `pad`, `ceil` and `dilation`."""

    not_in_figures = ("k", "stride", "pad", "ceil", "count_pad", "indices")

    k: Window = Field(description="window size, one number or one per axis")

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape after pooling: the channels stay."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        kernel, stride, pad, dilation = self._windows(len(sizes))
        if self._tf_same:
            return (channels, *(same_windows(n, s) for n, s in zip(sizes, stride, strict=True)))
        for k, p in zip(kernel, pad, strict=True):
            if p > k // 2:
                raise SpecError(codes.ranges.PoolPadding(self.name, k, p))
        windows = zip(sizes, kernel, stride, pad, dilation, strict=True)
        out = [window_output(self.name, n, k, s, p, p, d, ceil=self._ceil) for n, k, s, p, d in windows]
        demand(self.needs(*inputs))
        return (channels, *out)

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return window, stride, padding and dilation per axis, with the other parameters."""
        windows = dict(zip(("k", "stride", "pad", "dilation"), self._windows(len(inputs[0]) - 1), strict=True))
        return {**super().attributes(*inputs), **windows, "ceil": self._ceil, "tf_same": self._tf_same}

    def _windows(self, axes: int) -> list[tuple[int, ...]]:
        """Return window, stride, padding and dilation, each per axis."""
        return [self._each(field, axes) for field in ("k", "stride", "pad", "dilation")]

    @property
    def _ceil(self) -> bool:
        return bool(getattr(self, "ceil", False))

    @property
    def _tf_same(self) -> bool:
        return getattr(self, "pad", 0) == "tf_same"

    def _each(self, field: str, axes: int) -> tuple[int, ...]:
        """Return a parameter per axis. The stride defaults to the window; `tf_same` pads nothing by itself."""
        if field == "pad" and self._tf_same:
            return (0,) * axes
        value = getattr(self, field, {"pad": 0, "dilation": 1}.get(field))
        return per_axis(self.k if value is None else value, axes, "k" if value is None else field)

    def _whole_windows(self, shape: Shape) -> list[Need]:
        """Return what PyTorch's average over three axes needs: an unpadded input as large as the window."""
        sizes = shape[1:]
        if len(sizes) != 3:
            return []
        message = "`{}` over three axes needs sizes of at least its window before padding, found {} for {}"
        return [Need(n, k, message.format(self.name, n, k)) for n, k in zip(sizes, self._each("k", 3), strict=True)]


class _Padded(_Window):
    """A pool with padding, on each side or by TensorFlow's rule."""

    def validate(self) -> None:
        """Raise `ValueError` if the parameters do not fit each other."""
        super().validate()
        if self._tf_same and self._ceil:
            raise ValueError("`pad = tf_same` rounds sizes up already: leave out `ceil`")
        if self._tf_same and getattr(self, "dilation", 1) != 1:
            raise ValueError("`pad = tf_same` with a dilation can take the maximum of padding alone: give the rows on each side")


class MaxPool(_Padded, name="maxpool"):
    """The maximum of each window.

    `[y, indices]: maxpool(2, indices = true)` also gives the position of each maximum, an integer for `max_unpool`.
    """

    aliases = ("max_pool", "max_pooling")
    example = "maxpool(3, stride = 2, pad = 1)"
    cases = (
        Case({"k": 2}, SPATIAL),
        Case({"k": 3, "stride": 2, "pad": 1, "ceil": True}, SPATIAL),
        Case({"k": 2, "dilation": 2, "stride": 1}, SPATIAL),
        Case({"k": 3, "stride": 2, "pad": "tf_same"}, SPATIAL),
        Case({"k": (2, 5), "stride": (3, 1), "pad": "tf_same"}, (IMAGE,)),
        Case({"k": 3, "stride": 2, "pad": 1, "indices": True}, SPATIAL),
    )

    stride: Stride | None = Field(None, description="stride of the window; default: `k`")
    pad: Padding | Literal["tf_same"] = Field(
        0, description="padding on each side, never the maximum; at most half the window; or `tf_same`, as in `conv`"
    )
    ceil: bool = Field(False, description="round sizes up, so that the last window may reach past the end")
    dilation: Dilation = Field(1, description="spacing between the elements of the window")
    indices: Annotated[bool, Aliases("return_indices")] = Field(
        False, description="whether to give the positions of the maxima, too"
    )

    def validate(self) -> None:
        """Raise `ValueError` for positions in an input with the padding of `tf_same`."""
        super().validate()
        if self.indices and self._tf_same:
            raise ValueError("with `pad = tf_same`, positions would count padding: give the rows on each side")

    def output_shapes(self, *inputs: Shape) -> tuple[Shape, ...]:
        """Return the shape, twice if there are positions."""
        return (self.infer(*inputs),) * (2 if self.indices else 1)

    def result_dtypes(self, outputs: int, *inputs: DType) -> tuple[DType, ...]:
        """Return that positions are integers."""
        return (self.result_dtype(*inputs), "int")[:outputs]

    def needs(self, *inputs: Shape) -> list[Need]:
        """Return that each window has an element of the input.

        For a window of padding alone PyTorch returns -inf, and writes the gradient out of bounds.

        The first window steps over a small input. It starts at `-pad`, and the first of its elements that is not before
        the input is at `-pad mod dilation`. Every later window finds one where the first does: `pad` is at most half the
        window, so that a window that starts in the padding reaches past it, and one comes only with an input that is
        longer than where it does.
        """
        if self._tf_same:  # a window reaches past the input by less than its length
            return []
        sizes = inputs[0][1:]
        found = []
        for size, kernel, stride, pad, dilation in zip(sizes, *self._windows(len(sizes)), strict=True):
            least = -pad % dilation + 1
            below = window_count(least - 1, kernel, stride, pad, pad, dilation, ceil=self._ceil)
            if least > 1 and isinstance(below, int) and below > 0:  # else no window fits into less
                found.append(_steps_over(size, least, pad, dilation))
        return found


def _steps_over(size: Dim, least: int, pad: int, dilation: int) -> Need:
    """Return the smallest size at which a window that starts in the padding reaches the input."""
    window = f"the first window, of `pad = {pad}` and `dilation = {dilation}`,"
    return Need(
        size,
        least,
        f"`maxpool` would take the maximum of padding only: {window} misses a size below {least}, found {size}",
        help="increase the input or reduce the dilation, or make the padding 0 or a multiple of the dilation",
    )


class AvgPool(_Padded, name="avgpool"):
    """The mean of each window."""

    aliases = ("avg_pool", "average_pooling", "mean_pool")
    example = "avgpool(2)"
    cases = (
        Case({"k": 2}, SPATIAL),
        Case({"k": 3, "stride": 2, "pad": 1, "ceil": True, "count_pad": False}, SPATIAL),
        Case({"k": 3, "stride": 2, "pad": "tf_same", "count_pad": False}, SPATIAL),
        Case({"k": (4, 2), "stride": 1, "pad": "tf_same"}, (IMAGE,)),
    )

    stride: Stride | None = Field(None, description="stride of the window; default: `k`")
    pad: Padding | Literal["tf_same"] = Field(
        0, description="zeros on each side; at most half the window; or `tf_same`, as in `conv`"
    )
    ceil: bool = Field(False, description="round sizes up, so that the last window may reach past the end")
    count_pad: bool = Field(True, description="whether the mean includes the padding")

    def needs(self, *inputs: Shape) -> list[Need]:
        """Return that a window fits, over three axes."""
        return [] if self._tf_same else self._whole_windows(inputs[0])


class LpPool(_Window, name="lppool"):
    """The `p`-th root of the sum of `x^p` over each window: the Euclidean norm at `p = 2`, near the maximum for a large `p`.

    As in PyTorch, no absolute value is taken. An even `p` gives the p-norm, and `p = 1` the signed sum. Otherwise negative inputs
    give NaN: for an odd `p` if the sum is negative, for a fractional `p` always. For `p` below 1, the gradient at zero is not
    finite. A window that reaches past the end counts as its mean times its size.
    """

    example = "lppool(2)"
    cases = (Case({"k": 2}, SPATIAL), Case({"k": 3, "p": 1.0, "stride": 2, "ceil": True}, SPATIAL))

    p: PositiveFloat = Field(2.0, description="exponent")
    stride: Stride | None = Field(None, description="stride of the window; default: `k`")
    ceil: bool = Field(False, description="round sizes up, so that the last window may reach past the end")

    def needs(self, *inputs: Shape) -> list[Need]:
        """Return that a window fits, over three axes."""
        return self._whole_windows(inputs[0])

    @property
    def nan_below_zero(self) -> bool:  # type: ignore[override]
        """Return whether a negative sum of `p`-th powers may come about, and has no real root."""
        return self.p % 2 != 0 and self.p != 1

    def never_negative(self, inputs: bool) -> bool:
        """Return true for roots; a sum (`p = 1`) is not negative if no term is."""
        return inputs or self.p != 1


class BlurPool(_Pool, name="blur_pool"):
    """Blurs with a binomial filter, then keeps every `stride`-th position, against aliasing (Zhang 2019, arXiv:1904.11486)."""

    aliases = ("anti_aliased_pool", "blur_down")
    not_in_figures = ("k", "stride", "pad_mode")
    example = "blur_pool"
    cases = (
        Case({}, SPATIAL),
        Case({"k": 5, "pad_mode": "zeros"}, SPATIAL),
        Case({"k": 4, "stride": 1, "pad_mode": "replicate"}, (IMAGE,)),
        Case({"k": 4, "stride": 3, "pad_mode": "circular"}, (IMAGE,)),
    )

    k: Annotated[int, Field(ge=2), Aliases("filt_size", "kernel_size")] = Field(
        3, description="length of the filter: 3 is `[1, 2, 1] / 4`"
    )
    stride: PositiveInt = Field(2, description="distance of the positions that are kept")
    pad_mode: PadMode = Field("reflect", description="content of the `(stride + k - 2) // 2` rows on each side")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return window, stride and padding per axis."""
        axes = len(inputs[0]) - 1
        return {"k": (self.k,) * axes, "stride": (self.stride,) * axes, "pad": (self.padding,) * axes, "pad_mode": self.pad_mode}

    @property
    def padding(self) -> int:
        """The rows on each side."""
        return (self.stride + self.k - 2) // 2

    def infer(self, *inputs: Shape) -> Shape:
        """Return the channels with the sizes divided by the stride."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        demand(self.needs(*inputs))
        pad = self.padding
        return (channels, *(window_output(self.name, n, self.k, self.stride, pad, pad) for n in sizes))

    def needs(self, *inputs: Shape) -> list[Need]:
        """Return that there are enough rows to copy into the padding."""
        least = {"reflect": 1, "circular": 0}.get(self.pad_mode)
        if least is None or not self.padding:
            return []
        message = "`blur_pool` cannot pad {} rows with `pad_mode = {}` to a size of {}: they are copied from the input"
        return [Need(n, self.padding + least, message.format(self.padding, self.pad_mode, n)) for n in inputs[0][1:]]

    def macs(self, output: Shape, *inputs: Shape) -> Dim:
        """Return output elements times window elements."""
        return prod(output, start=self.k ** (len(output) - 1))


class _PoolTo(_Pool):
    """Base of pools from any size to a fixed one."""

    size: PerAxis = Field(description="output size, one number or one per axis")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the output size per axis."""
        return {"size": per_axis(self.size, len(inputs[0]) - 1, "size")}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the channels with `size` on every axis."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        return (channels, *per_axis(self.size, len(sizes), "size"))


class MaxPoolTo(_PoolTo, name="maxpool_to"):
    """The maximum of each of `size` windows that divide the input, for any input size."""

    aliases = ("adaptive_max_pool", "global_max_pool", "global_max_pooling")
    example = "maxpool_to(7)"
    cases = (Case({"size": 7}, SPATIAL), Case({"size": (3, 2)}, (IMAGE,)))


class AvgPoolTo(_PoolTo, name="avgpool_to"):
    """The mean of each of `size` windows that divide the input, for any input size."""

    aliases = ("adaptive_avg_pool",)
    example = "avgpool_to(7)"
    cases = (Case({"size": 7}, SPATIAL), Case({"size": (12, 10)}, (IMAGE,)))


class GlobalAveragePool(_Pool, name="gap"):
    """The mean of each channel: `[C, H, W]` to `[C, 1, 1]` (Lin et al. 2013, arXiv:1312.4400, section 3.2)."""

    aliases = ("global_avg_pool", "global_average_pooling")
    example = "gap"
    cases = (Case({}, SPATIAL), Case({}, ((8, 1, 1),)))

    def infer(self, *inputs: Shape) -> Shape:
        """Return the channels with a size of 1 on every axis."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        return (channels, *(1 for _ in sizes))
