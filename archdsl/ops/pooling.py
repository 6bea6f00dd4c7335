"""Pooling."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from archdsl.declared import Fault
from archdsl.ops.base import (
    Category,
    Need,
    Op,
    PadPerAxis,
    PerAxis,
    PositiveFloat,
    channels_and_axes,
    demand,
    per_axis,
    window_count,
    window_output,
)
from archdsl.shapes import Dim, Shape


class _Pool(Op):
    """What pools share. None keeps its output: a maximum keeps the places, an average nothing."""

    category = Category.POOLING
    sign = "kept"
    saves_output = False


class _Window(_Pool):
    """A pool with a sliding window; subclasses may have `pad`, `ceil` and `dilation`."""

    k: PerAxis = Field(description="window, one number or one for each axis")

    def infer(self, *inputs: Shape) -> Shape:
        """Channels stay; each axis shrinks by the stride."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        kernel, stride, pad, dilation = self._windows(len(sizes))
        for k, p in zip(kernel, pad, strict=True):
            if p > k // 2:
                raise Fault(
                    "E0402",
                    f"`pad` of `{self.name}` may be at most half the window, {k // 2} for {k}, and is {p}",
                    argument="pad",
                    help="`pad(...)` before it adds more",
                )
        windows = zip(sizes, kernel, stride, pad, dilation, strict=True)
        out = [window_output(self.name, n, k, s, p, p, d, ceil=self._ceil) for n, k, s, p, d in windows]
        demand(self.needs(*inputs))
        return (channels, *out)

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return window, stride, padding and dilation per axis, with the other parameters."""
        windows = dict(zip(("k", "stride", "pad", "dilation"), self._windows(len(inputs[0]) - 1), strict=True))
        return {**super().attributes(*inputs), **windows, "ceil": self._ceil}

    def _windows(self, axes: int) -> list[tuple[int, ...]]:
        """Return window, stride, padding and dilation, each per axis."""
        return [self._each(field, axes) for field in ("k", "stride", "pad", "dilation")]

    @property
    def _ceil(self) -> bool:
        return bool(getattr(self, "ceil", False))

    def _each(self, field: str, axes: int) -> tuple[int, ...]:
        """A parameter for each axis; the stride is the window where it is not given."""
        value = getattr(self, field, {"pad": 0, "dilation": 1}.get(field))
        return per_axis(self.k if value is None else value, axes, "k" if value is None else field)

    def _whole_windows(self, shape: Shape) -> list[Need]:
        """In three axes PyTorch's average wants an unpadded input as large as its window."""
        sizes = shape[1:]
        if len(sizes) != 3:
            return []
        message = "`{}` over three axes needs sizes of at least its window before padding: {} is less than {}"
        return [Need(n, k, message.format(self.name, n, k)) for n, k in zip(sizes, self._each("k", 3), strict=True)]


class MaxPool(_Window, name="maxpool"):
    """The largest value of each window. The stride is the window where it is not given."""

    example = "maxpool(3, stride = 2, pad = 1)"

    stride: PerAxis | None = Field(None, description="step of the window; `k` where it is not given")
    pad: PadPerAxis = Field(0, description="padding on each side, which never is the maximum; at most half the window")
    ceil: bool = Field(False, description="round sizes up: a last window may reach past the end")
    dilation: PerAxis = Field(1, description="step between the window's elements")

    def needs(self, *inputs: Shape) -> list[Need]:
        """An element of the input in each window: PyTorch takes -inf for the maximum of padding alone, and writes its gradient out of bounds.

        The first window steps over a small input. It starts at `-pad`, and the first of its elements that is not before
        the input is at `-pad mod dilation`. Every later window finds one where the first does: `pad` is at most half the
        window, so that a window that starts in the padding reaches past it, and one comes only with an input that is
        longer than where it does.
        """
        sizes = inputs[0][1:]
        found = []
        for size, kernel, stride, pad, dilation in zip(sizes, *self._windows(len(sizes)), strict=True):
            least = -pad % dilation + 1
            below = window_count(least - 1, kernel, stride, pad, pad, dilation, ceil=self._ceil)
            if least > 1 and isinstance(below, int) and below > 0:  # else no window fits into less
                found.append(_steps_over(size, least, pad, dilation))
        return found


def _steps_over(size: Dim, least: int, pad: int, dilation: int) -> Need:
    """The size from which on a window that starts in the padding meets the input."""
    window = f"the first window, of `pad = {pad}` and `dilation = {dilation}`,"
    return Need(
        size,
        least,
        f"`maxpool` would take the maximum of padding alone: {window} steps over a size of less than {least}, and it is {size}",
        help="make the input larger or the dilation smaller, or the padding 0 or a multiple of the dilation",
    )


class AvgPool(_Window, name="avgpool"):
    """The mean of each window. The stride is the window where it is not given."""

    example = "avgpool(2)"

    stride: PerAxis | None = Field(None, description="step of the window; `k` where it is not given")
    pad: PadPerAxis = Field(0, description="zeros on each side; at most half the window")
    ceil: bool = Field(False, description="round sizes up: a last window may reach past the end")
    count_pad: bool = Field(True, description="whether padding counts in the mean")

    def needs(self, *inputs: Shape) -> list[Need]:
        """Room for a window, in three axes."""
        return self._whole_windows(inputs[0])


class LpPool(_Window, name="lppool"):
    """The `p`-th root of the sum of `x^p` over each window: the Euclidean norm at `p = 2`, near the maximum for a large `p`.

    As in PyTorch, no absolute value is taken. For an even `p` it is the p-norm all the same, and at `p = 1` the sum with its
    signs. For other values of `p` negative numbers give NaN: with an odd `p` where the sum is negative, with a fraction always.
    Below `p = 1`, the gradient at zero is not finite. A window that reaches past the end counts as its mean times its size.
    """

    example = "lppool(2)"

    p: PositiveFloat = Field(2.0, description="exponent")
    stride: PerAxis | None = Field(None, description="step of the window; `k` where it is not given")
    ceil: bool = Field(False, description="round sizes up: a last window may reach past the end")

    def needs(self, *inputs: Shape) -> list[Need]:
        """Room for a window, in three axes."""
        return self._whole_windows(inputs[0])

    def never_negative(self, inputs: bool) -> bool:
        """Roots are not, where they are real; sums are not where no term is."""
        return inputs or self.p != 1


class _PoolTo(_Pool):
    """A pool to a fixed size, from any size."""

    size: PerAxis = Field(description="output size, one number or one for each axis")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the output size per axis."""
        return {"size": per_axis(self.size, len(inputs[0]) - 1, "size")}

    def infer(self, *inputs: Shape) -> Shape:
        """Channels stay; every axis becomes `size`."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        return (channels, *per_axis(self.size, len(sizes), "size"))


class MaxPoolTo(_PoolTo, name="maxpool_to"):
    """The largest values over as many windows as the output has places, whatever the input's size."""

    example = "maxpool_to(7)"


class AvgPoolTo(_PoolTo, name="avgpool_to"):
    """The means over as many windows as the output has places, whatever the input's size."""

    example = "avgpool_to(7)"


class GlobalAveragePool(_Pool, name="gap"):
    """The mean of each channel: `[C, H, W]` to `[C, 1, 1]` (Lin et al. 2013, arXiv:1312.4400, section 3.2)."""

    example = "gap"

    def infer(self, *inputs: Shape) -> Shape:
        """Channels stay; every axis becomes 1."""
        channels, sizes = channels_and_axes(self.name, inputs[0])
        return (channels, *(1 for _ in sizes))
