"""The ops that change sizes and have no weights: pools, padding, cropping, enlarging, rearranging.

Each function is an op of docs/ops.md: see `tests.attack.operations`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from tests.attack.checks import CLOSED, Result, Site, axis_of, channels, count, each, spatial
from tests.attack.layers import flat, tf_same
from tests.attack.values import Refused, Value

# Pooling --------------------------------------------------------------------------------------------------------------

MAX_POOL: dict[int, Callable[..., torch.Tensor]] = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVERAGE_POOL: dict[int, Callable[..., torch.Tensor]] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
NORM_POOL: dict[int, Callable[..., torch.Tensor]] = {1: F.lp_pool1d, 2: F.lp_pool2d, 3: F.lp_pool3d}
MAX_POOL_TO: dict[int, Callable[..., Any]] = {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}
AVERAGE_POOL_TO: dict[int, Callable[..., Any]] = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}


def _window_of_padding(size: int, places: int, window: int, step: int, pad: int, gap: int) -> bool:
    """Return whether one of the windows of a pool holds no element of the input."""
    starts = range(-pad, -pad + places * step, step)
    return any(all(not 0 <= start + gap * at < size for at in range(window)) for start in starts)


def maxpool(site: Site, x: Value, k: Any, stride: Any = None, pad: Any = 0, ceil: Any = False, dilation: Any = 1) -> Result:
    axes = spatial(x)
    windows, gaps = each(k, axes), each(dilation, axes)
    steps = windows if stride is None else each(stride, axes)
    if pad == "tf_same":
        if ceil or max(gaps) > 1:
            raise Refused("tf_same that rounds up or has gaps", "E0402")
        sides = tf_same(x, windows, steps, gaps)
        tensor = F.pad(x.tensor, flat(sides), value=-math.inf)
        return MAX_POOL[axes](tensor, windows, steps, 0, gaps), x.open
    pads = each(pad, axes, 0)
    if any(2 * more > window for more, window in zip(pads, windows, strict=True)):
        raise Refused("padding over half the window", "E0402")
    tensor = MAX_POOL[axes](x.tensor, windows, steps, pads, gaps, ceil_mode=ceil)
    # Padding "never is the maximum". PyTorch gives -inf for a window of padding alone, and an index out of range, which its
    # backward pass writes to: such a size does not work.
    if any(map(_window_of_padding, x.shape[1:], tensor.shape[2:], windows, steps, pads, gaps)):
        raise Refused("a window of padding alone", "E0304")
    return tensor, x.open


def places(site: Site, x: Value, k: Any, stride: Any = None, pad: Any = 0, ceil: Any = False, dilation: Any = 1,
           indices: Any = True) -> list[Result]:  # fmt: skip
    """Return the maxima of a pool, and the positions that they have in the input."""
    tensor, opened = maxpool(site, x, k, stride, pad, ceil, dilation)
    if pad == "tf_same":
        raise Refused("positions of a padded input", "E0402")
    axes = spatial(x)
    windows, gaps, pads = each(k, axes), each(dilation, axes), each(pad, axes, 0)
    steps = windows if stride is None else each(stride, axes)
    where = MAX_POOL[axes](x.tensor, windows, steps, pads, gaps, ceil_mode=ceil, return_indices=True)[1]
    return [(tensor, opened), (where, opened)]


UNPOOL: dict[int, Callable[..., torch.Tensor]] = {1: F.max_unpool1d, 2: F.max_unpool2d, 3: F.max_unpool3d}


def max_unpool(site: Site, x: Value, indices: Any, k: Any, stride: Any = None, pad: Any = 0, like: Any = None) -> Result:
    axes = spatial(x)
    where = site.value(indices)
    if not where.integers:
        raise Refused("positions that are real numbers", "E0308")
    if where.shape != x.shape:
        raise Refused(f"positions {where.shape} of values {x.shape}")
    windows, pads = each(k, axes), each(pad, axes, 0)
    steps = windows if stride is None else each(stride, axes)
    other = None if like is None else site.value(like)
    wanted = None if other is None else list(other.shape[1:])
    tensor = UNPOOL[axes](x.tensor, where.tensor, windows, steps, pads, output_size=wanted)
    if where.positions_in not in (None, tuple(tensor.shape[2:])):
        raise Refused(f"positions in {where.positions_in} for {tuple(tensor.shape[2:])}")
    return tensor, (x.open if other is None else (x.open[0], *other.open[1:]))


def avgpool(site: Site, x: Value, k: Any, stride: Any = None, pad: Any = 0, ceil: Any = False, count_pad: Any = True) -> Result:
    axes = spatial(x)
    windows = each(k, axes)
    if pad == "tf_same":
        steps = windows if stride is None else each(stride, axes)
        if ceil:
            raise Refused("tf_same that rounds up", "E0402")
        sides = flat(tf_same(x, windows, steps, [1] * axes))
        total = AVERAGE_POOL[axes](F.pad(x.tensor, sides), windows, steps)
        if not count_pad:
            total = total / AVERAGE_POOL[axes](F.pad(torch.ones_like(x.tensor), sides), windows, steps)
        return total, x.open
    pads = each(pad, axes, 0)
    if any(2 * more > window for more, window in zip(pads, windows, strict=True)):
        raise Refused("padding over half the window", "E0402")
    steps = windows if stride is None else each(stride, axes)
    return AVERAGE_POOL[axes](x.tensor, windows, steps, pads, ceil_mode=ceil, count_include_pad=count_pad), x.open


def lppool(site: Site, x: Value, k: Any, p: Any = 2.0, stride: Any = None, ceil: Any = False) -> Result:
    axes = spatial(x)
    windows = each(k, axes)
    steps = windows if stride is None else each(stride, axes)
    if axes == 1:
        return F.lp_pool1d(x.tensor, float(p), windows[0], steps[0], ceil), x.open
    return NORM_POOL[axes](x.tensor, float(p), windows, steps, ceil), x.open


def maxpool_to(site: Site, x: Value, size: Any) -> Result:
    axes = spatial(x)
    return MAX_POOL_TO[axes](x.tensor, each(size, axes)), (x.open[0], *(CLOSED,) * axes)


def avgpool_to(site: Site, x: Value, size: Any) -> Result:
    axes = spatial(x)
    return AVERAGE_POOL_TO[axes](x.tensor, each(size, axes)), (x.open[0], *(CLOSED,) * axes)


def gap(site: Site, x: Value) -> Result:
    return avgpool_to(site, x, 1)


# Shape ----------------------------------------------------------------------------------------------------------------


def pad(site: Site, x: Value, amount: Any = None, before: Any = None, after: Any = None, mode: Any = "zeros",
        value: Any = 0.0) -> Result:  # fmt: skip
    axes = spatial(x)
    if amount is None and before is None and after is None:
        raise Refused("pad of nothing", "E0402", "E0403")
    first = each(before if amount is None and before is not None else amount or 0, axes, 0)
    last = each(after if amount is None and after is not None else amount or 0, axes, 0)
    sides = [side for pair in zip(reversed(first), reversed(last), strict=True) for side in pair]
    if mode == "zeros":
        return F.pad(x.tensor, sides, value=value), x.open
    return F.pad(x.tensor, sides, mode=mode), x.open


def pad_channels(site: Site, x: Value, to: Any) -> Result:
    more = count(to) - channels(x)
    if more < 0:
        raise Refused("pad_channels to fewer", "E0402")
    return F.pad(x.tensor, [0, 0] * (len(x.shape) - 1) + [0, more]), x.open


def crop_like(site: Site, x: Value, like: Any, keep: Any = "middle", axis: Any = None) -> Result:
    other = site.value(like)
    axes = (
        [1 + at for at in range(1, 1 + spatial(x))]
        if axis is None
        else [1 + axis_of(at, x) for at in (axis if isinstance(axis, list) else [axis])]
    )
    _same_rank(x, other)
    tensor = x.tensor
    opened = list(x.open)
    for axis in axes:
        size = other.tensor.shape[axis]
        if size > tensor.shape[axis]:
            raise Refused(f"crop of {x.shape} to {other.shape}", "E0304", "E0303", "E0302", "E0402")
        _tie(x.open[axis - 1], other.open[axis - 1])
        opened[axis - 1] = other.open[axis - 1]
        tensor = tensor.narrow(axis, (tensor.shape[axis] - size) // 2 if keep == "middle" else 0, size)
    return tensor, tuple(opened)


def resize_like(site: Site, x: Value, like: Any, mode: Any = "nearest", align_corners: Any = False) -> Result:
    other = site.value(like)
    axes = spatial(x)
    _same_rank(x, other)
    return _interpolate(x, axes, mode, align_corners, size=other.shape[1:]), (x.open[0], *other.open[1:])


def upsample(site: Site, x: Value, scale: Any, mode: Any = "nearest", align_corners: Any = False) -> Result:
    axes = spatial(x)
    factors = [float(factor) for factor in each(scale, axes)]
    return _interpolate(x, axes, mode, align_corners, scale_factor=factors), x.open


def resize(site: Site, x: Value, size: Any, mode: Any = "nearest", align_corners: Any = False, antialias: Any = False) -> Result:
    axes = spatial(x)
    if antialias and mode not in ("bilinear", "bicubic") and not (mode == "linear" and axes == 2):
        raise Refused(f"antialias of {mode}", "E0402", "E0401")
    target = {"size": each(size, axes), **({"antialias": True} if antialias else {})}
    return _interpolate(x, axes, mode, align_corners, **target), (x.open[0], *(CLOSED,) * axes)


def blur_pool(site: Site, x: Value, k: Any = 3, stride: Any = 2, pad_mode: Any = "reflect") -> Result:
    axes = spatial(x)
    window, step = count(k), count(stride)
    row = torch.tensor([float(math.comb(window - 1, at)) for at in range(window)], dtype=torch.float64) / 2 ** (window - 1)
    kernel = row
    for _ in range(axes - 1):
        kernel = kernel.unsqueeze(-1) * row
    side = (step + window - 2) // 2
    tensor = F.pad(x.tensor, [side] * (2 * axes), mode="constant" if pad_mode == "zeros" else pad_mode) if side else x.tensor
    blur = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[axes]
    made = blur(tensor, kernel.expand(x.shape[0], 1, *kernel.shape), stride=step, groups=x.shape[0])
    site.count(made[0].numel() * kernel.numel())
    return made, x.open


MODES = {(1, "linear"), (2, "bilinear"), (2, "bicubic"), (3, "trilinear")}


def _interpolate(x: Value, axes: int, mode: str, align: bool, **target: Any) -> torch.Tensor:
    if mode == "nearest":
        if align:
            raise Refused("align_corners of nearest", "E0402", "E0401")
        return F.interpolate(x.tensor, mode=mode, **target)
    word = {1: "linear", 2: "bilinear", 3: "trilinear"}[axes] if mode == "linear" else mode
    if (axes, word) not in MODES:
        raise Refused(f"{mode} over {axes} axes", "E0305", "E0402", "E0401")
    return F.interpolate(x.tensor, mode=word, align_corners=align, **target)


def _same_rank(x: Value, other: Value) -> None:
    if len(x.shape) != len(other.shape):
        raise Refused(f"{x.shape} like {other.shape}", "E0305", "E0303", "E0302")


def _tie(left: frozenset[str], right: frozenset[str]) -> None:
    """Refuse to compare two sizes that depend on different symbolic sizes."""
    if left and right and left != right:
        raise Refused(f"{set(left)} is tied to {set(right)}", "E0307")
