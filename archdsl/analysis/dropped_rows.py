"""Rows and columns of a map that a strided window never sees: those behind the last window, and those between windows.

A window of stride `s` on `n` rows with padding ends where the last whole window does (`floor` in Dumoulin & Visin 2016,
arXiv:1603.07285, section 2.4); what is behind it has no influence. A stride larger than the window skips rows between
windows, as a 1x1 convolution of stride 2 does with three quarters of all positions (He et al. 2018, arXiv:1812.01187, section 4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from archdsl.ir import FlatGraph, FlatNode
from archdsl.shapes import Dim, LinearSize, SizeError
from archdsl.sizes import SizeSet


class Dropped(NamedTuple):
    """What one op does not see along an axis: up to `last` rows at the end, and `between` rows after each window."""

    node: FlatNode
    axis: int
    last: int
    always: bool
    """Whether it drops so many for every valid size."""
    between: int


_WINDOWS: Final = frozenset({"conv", "bottleneck", "depthwise", "maxpool", "avgpool", "lppool", "blur_pool", "unfold"})


def dropped_rows(flat: FlatGraph, valid: Mapping[str, SizeSet]) -> list[Dropped]:
    """Return the ops that drop rows or columns of their input."""
    return [found for node in flat.nodes if node.op.name in _WINDOWS for found in _of(node, valid)]


def _of(node: FlatNode, valid: Mapping[str, SizeSet]) -> Iterator[Dropped]:
    shape = node.node.inputs[0].shape
    given: Mapping[str, Any] = node.op.attributes(*node.node.input_shapes)
    axes = range(len(shape) - 1)
    for axis in axes:
        k, stride, dilation = given["k"][axis], given["stride"][axis], given.get("dilation", (1,) * len(axes))[axis]
        extent = dilation * (k - 1) + 1
        before = given.get("pad", (0,) * len(axes))[axis]
        last, always = (0, True) if given.get("tf_same") else _behind(shape[axis + 1], extent, stride, before, node, axis, valid)
        between = max(stride - extent, 0) if dilation == 1 else 0
        if last or between:
            yield Dropped(node, axis + 1, last, always, between)


def _behind(
    size: Dim, extent: int, stride: int, before: int, node: FlatNode, axis: int, valid: Mapping[str, SizeSet]
) -> tuple[int, bool]:
    """Return how many rows are behind the last window at most, and whether for every size."""
    if stride == 1:
        return 0, True  # the last window ends at the end, but for padding
    if node.op.name == "unfold":
        windows = (size + 2 * before - extent) // stride + 1
    else:
        windows = node.shape[axis + 1]
    try:
        rest = size + before - ((windows - 1) * stride + extent)
    except SizeError:
        return 0, False
    if isinstance(rest, int):
        return max(rest - max(stride - extent, 0), 0) if extent < stride else max(rest, 0), True
    if not isinstance(rest, LinearSize) or rest.slope:
        return 0, False
    period = len(rest.offsets)
    sizes = valid.get(rest.symbol)
    found = [max(rest.value({rest.symbol: n}), 0) for n in range(_LARGE, _LARGE + period) if sizes is None or n in sizes]
    return (max(found), min(found) == max(found)) if found else (0, True)


_LARGE: Final = 1 << 20
"""A size behind which a set of valid sizes repeats."""
