"""The ops of docs/ops.md on plain PyTorch.

Each function is an op: its parameters after the first two are the op's, in the order and with the defaults of the page.
It takes the place where the op stands and the value that comes in, and returns the tensor with its open axes. What the
page does not rule out is left to PyTorch, whose errors count as refusals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import nn

from tests.attack.values import Refused, Value

Open = tuple[frozenset[str], ...]
Result = tuple[torch.Tensor, Open]
CLOSED: frozenset[str] = frozenset()


class Site(Protocol):
    """The place where an op stands: it knows the op's module, and whether this is training."""

    training: bool

    def module(self, make: Callable[[], nn.Module]) -> nn.Module:
        """Return the module of this place, made when it is first asked for."""

    def bias(self, wanted: bool | str) -> bool:
        """Return whether the convolution here has a bias."""

    def count(self, macs: int) -> None:
        """Note multiply-accumulates of one example."""

    def random(self, probability: float) -> None:
        """Note that chance takes part with this probability."""

    def value(self, name: Any) -> Value:
        """Return another value of the network, which the op uses too."""


def real(x: Value) -> None:
    """Refuse integers."""
    if x.integers:
        raise Refused("integers", "E0308")


def spatial(x: Value, *counts: int) -> int:
    """Return the number of spatial axes of an image, signal or volume of real numbers."""
    real(x)
    axes = len(x.shape) - 1
    if axes not in (counts or (1, 2, 3)):
        raise Refused(f"rank of {x.shape}", "E0305")
    return axes


def channels(x: Value, axis: int = 0) -> int:
    """Return the size of an axis that has to be fixed."""
    real(x)
    if x.open[axis]:
        raise Refused("open channels", "E0307")
    return x.shape[axis]


def count(value: Any, least: int = 1) -> int:
    """Return a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused(f"{value} is no count", "E0401")
    if isinstance(value, float):
        raise Refused(f"{value} is a float", "E0406")
    if value < least:
        raise Refused(f"{value} is below {least}", "E0402")
    return value


def each(value: Any, axes: int, least: int = 1) -> list[int]:
    """Return a number for each spatial axis."""
    values = value if isinstance(value, list) else [value] * axes
    if len(values) != axes:
        raise Refused(f"{value} for {axes} axes", "E0402", "E0401")
    return [count(item, least) for item in values]


def divides(groups: int, *numbers: int) -> None:
    """Refuse groups that do not divide the channels."""
    if any(number % groups for number in numbers):
        raise Refused(f"{groups} does not divide one of {numbers}", "E0306")


def axis_of(axis: Any, x: Value) -> int:
    """Return an axis without the batch, counted from 0."""
    if isinstance(axis, bool) or not isinstance(axis, int) or not -len(x.shape) <= axis < len(x.shape):
        raise Refused(f"axis {axis} of {x.shape}", "E0402", "E0401", "E0305")
    return axis % len(x.shape)


# Convolution ----------------------------------------------------------------------------------------------------------

CONV: dict[int, type[nn.Module]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
UPCONV: dict[int, type[nn.Module]] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}


def _weights(module: nn.Module) -> int:
    weight = module.weight
    assert isinstance(weight, torch.Tensor)
    return weight.numel()


def conv(site: Site, x: Value, out: Any, k: Any, stride: Any = 1, pad: Any = "same", dilation: Any = 1, groups: Any = 1,
         bias: Any = "auto", init: Any = None) -> Result:  # fmt: skip
    axes = spatial(x)
    entering = channels(x)
    windows, steps, gaps = each(k, axes), each(stride, axes), each(dilation, axes)
    if pad == "same":
        if any(window % 2 == 0 for window in windows):
            raise Refused("`same` with an even window", "E0402")
        pads = [gap * (window - 1) // 2 for gap, window in zip(gaps, windows, strict=True)]
    else:
        pads = each(pad, axes, 0)
    divides(count(groups), entering, count(out))
    shifted = site.bias(bias)
    module = site.module(lambda: CONV[axes](entering, out, windows, steps, pads, gaps, groups, bias=shifted))
    tensor = module(x.tensor)
    site.count(_weights(module) * math.prod(tensor.shape[2:]))
    return tensor, (CLOSED, *x.open[1:])


def bottleneck(site: Site, x: Value, out: Any, bias: Any = "auto", init: Any = None) -> Result:
    return conv(site, x, out, 1, bias=bias)


def depthwise(site: Site, x: Value, k: Any, stride: Any = 1, mult: Any = 1, bias: Any = "auto", init: Any = None) -> Result:
    spatial(x)
    return conv(site, x, channels(x) * count(mult), k, stride, groups=channels(x), bias=bias)


def upconv(site: Site, x: Value, out: Any, k: Any, stride: Any = None, pad: Any = 0, output_pad: Any = 0, dilation: Any = 1,
           groups: Any = 1, bias: Any = "auto", init: Any = None) -> Result:  # fmt: skip
    axes = spatial(x)
    entering = channels(x)
    windows, gaps = each(k, axes), each(dilation, axes)
    steps = windows if stride is None else each(stride, axes)
    pads, more = each(pad, axes, 0), each(output_pad, axes, 0)
    if any(extra >= max(step, gap) for extra, step, gap in zip(more, steps, gaps, strict=True)):
        raise Refused("output_pad reaches the stride and the dilation", "E0402")
    divides(count(groups), entering, count(out))
    shifted = site.bias(bias)
    module = site.module(lambda: UPCONV[axes](entering, out, windows, steps, pads, more, groups, shifted, gaps))
    site.count(_weights(module) * math.prod(x.shape[1:]))
    return module(x.tensor), (CLOSED, *x.open[1:])


# Dense ----------------------------------------------------------------------------------------------------------------


def linear(site: Site, x: Value, out: Any, bias: Any = True, axis: Any = None, init: Any = None) -> Result:
    real(x)
    if axis not in (None, -1):
        raise Refused(f"axis {axis} of linear", "E0401", "E0402")
    if len(x.shape) > 2 and axis is None:
        raise Refused(f"linear on {x.shape}", "E0305")
    entering = channels(x, -1)
    module = site.module(lambda: nn.Linear(entering, count(out), bias=bias))
    site.count(_weights(module) * math.prod(x.shape[:-1]))
    return module(x.tensor), (*x.open[:-1], CLOSED)


def flatten(site: Site, x: Value) -> Result:
    if any(x.open) and len(x.shape) > 1:
        raise Refused("flatten of an open size", "E0307")
    return torch.flatten(x.tensor, 1), (CLOSED,)


def reshape(site: Site, x: Value, sizes: Any) -> Result:
    if any(x.open):
        raise Refused("reshape of an open size", "E0307")
    known = math.prod(size for size in sizes if size != -1)
    total = math.prod(x.shape)
    if sizes.count(-1) > 1 or any(size < 1 and size != -1 for size in sizes):
        raise Refused(f"reshape to {sizes}", "E0402", "E0309")
    if total % known or (-1 not in sizes and total != known):
        raise Refused(f"reshape of {x.shape} to {sizes}", "E0309")
    return x.tensor.reshape(x.tensor.shape[0], *sizes), (CLOSED,) * len(sizes)


def embedding(site: Site, x: Value, n: Any, dim: Any, init: Any = None) -> Result:
    if not x.integers:
        raise Refused("embedding of real numbers", "E0308")
    if len(x.shape) != 1:
        raise Refused(f"embedding of {x.shape}", "E0305")
    return site.module(lambda: nn.Embedding(count(n), count(dim)))(x.tensor), (*x.open, CLOSED)


# Normalization --------------------------------------------------------------------------------------------------------

BATCH_NORM: dict[int, type[nn.Module]] = {0: nn.BatchNorm1d, 1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
INSTANCE_NORM: dict[int, type[nn.Module]] = {1: nn.InstanceNorm1d, 2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}


def bn(site: Site, x: Value, eps: Any = 1e-5, momentum: Any = 0.1, affine: Any = True, init: Any = None) -> Result:
    features = channels(x)
    if len(x.shape) > 4:
        raise Refused(f"bn of {x.shape}", "E0305")
    make = BATCH_NORM[len(x.shape) - 1]
    return site.module(lambda: make(features, eps=eps, momentum=momentum, affine=affine))(x.tensor), x.open


def gn(site: Site, x: Value, groups: Any = 32, eps: Any = 1e-5, affine: Any = True, init: Any = None) -> Result:
    features = channels(x)
    divides(count(groups), features)
    return site.module(lambda: nn.GroupNorm(groups, features, eps=eps, affine=affine))(x.tensor), x.open


def ln(site: Site, x: Value, eps: Any = 1e-5, axis: Any = 0, init: Any = None) -> Result:
    real(x)
    at = axis_of(axis, x)
    features = channels(x, at)
    module = site.module(lambda: nn.LayerNorm(features, eps=eps))
    return module(x.tensor.movedim(at + 1, -1)).movedim(-1, at + 1), x.open


def instance_norm(site: Site, x: Value, eps: Any = 1e-5, affine: Any = False, init: Any = None) -> Result:
    axes = spatial(x)
    features = channels(x)
    return site.module(lambda: INSTANCE_NORM[axes](features, eps=eps, affine=affine))(x.tensor), x.open


def lrn(site: Site, x: Value, size: Any, alpha: Any = 1e-4, beta: Any = 0.75, k: Any = 1.0) -> Result:
    spatial(x)
    return F.local_response_norm(x.tensor, count(size), alpha, beta, k), x.open


# Activation -----------------------------------------------------------------------------------------------------------


def _elementwise(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Site, Value], Result]:
    def op(site: Site, x: Value) -> Result:
        real(x)
        return function(x.tensor), x.open

    return op


def leaky_relu(site: Site, x: Value, slope: Any = 0.01) -> Result:
    real(x)
    return F.leaky_relu(x.tensor, slope), x.open


def prelu(site: Site, x: Value, init_value: Any = 0.25, per_channel: Any = False) -> Result:
    real(x)
    slopes = channels(x) if per_channel else 1
    return site.module(lambda: nn.PReLU(slopes, init_value))(x.tensor), x.open


def elu(site: Site, x: Value, alpha: Any = 1.0) -> Result:
    real(x)
    return F.elu(x.tensor, alpha), x.open


def gelu(site: Site, x: Value, approximate: Any = None) -> Result:
    real(x)
    return F.gelu(x.tensor, approximate=approximate or "none"), x.open


def softmax(site: Site, x: Value, axis: Any = 0) -> Result:
    real(x)
    return F.softmax(x.tensor, axis_of(axis, x) + 1), x.open


def softplus(site: Site, x: Value, beta: Any = 1.0, threshold: Any = 20.0) -> Result:
    real(x)
    return F.softplus(x.tensor, beta, threshold), x.open


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
    windows, pads, gaps = each(k, axes), each(pad, axes, 0), each(dilation, axes)
    steps = windows if stride is None else each(stride, axes)
    if any(2 * more > window for more, window in zip(pads, windows, strict=True)):
        raise Refused("padding over half the window", "E0402")
    tensor = MAX_POOL[axes](x.tensor, windows, steps, pads, gaps, ceil_mode=ceil)
    # Padding "never is the maximum". PyTorch gives -inf for a window of padding alone, and an index out of range, which its
    # backward pass writes to: such a size does not work.
    if any(map(_window_of_padding, x.shape[1:], tensor.shape[2:], windows, steps, pads, gaps)):
        raise Refused("a window of padding alone", "E0304")
    return tensor, x.open


def avgpool(site: Site, x: Value, k: Any, stride: Any = None, pad: Any = 0, ceil: Any = False, count_pad: Any = True) -> Result:
    axes = spatial(x)
    windows, pads = each(k, axes), each(pad, axes, 0)
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


# Regularization -------------------------------------------------------------------------------------------------------

CHANNEL_DROPOUT: dict[int, Callable[..., torch.Tensor]] = {1: F.dropout1d, 2: F.dropout2d, 3: F.dropout3d}


def _probability(p: Any) -> float:
    if not 0 <= p <= 1:
        raise Refused(f"probability {p}", "E0402")
    return float(p)


def dropout(site: Site, x: Value, p: Any = 0.5) -> Result:
    real(x)
    site.random(_probability(p))
    return F.dropout(x.tensor, p, site.training), x.open


def dropout2d(site: Site, x: Value, p: Any = 0.5) -> Result:
    axes = spatial(x)
    site.random(_probability(p))
    return CHANNEL_DROPOUT[axes](x.tensor, p, site.training), x.open


def droppath(site: Site, x: Value, p: Any, mode: Any = "row") -> Result:
    real(x)
    site.random(_probability(p))
    if not site.training or p == 0:
        return x.tensor, x.open
    size = [x.tensor.shape[0] if mode == "row" else 1] + [1] * (x.tensor.ndim - 1)
    kept = x.tensor.new_empty(size).bernoulli_(1 - p)
    return x.tensor * (kept / (1 - p) if p < 1 else kept), x.open


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


def crop_like(site: Site, x: Value, like: Any) -> Result:
    other = site.value(like)
    axes = spatial(x)
    _same_rank(x, other)
    tensor = x.tensor
    for axis in range(2, 2 + axes):
        size = other.tensor.shape[axis]
        if size > tensor.shape[axis]:
            raise Refused(f"crop of {x.shape} to {other.shape}", "E0304", "E0303", "E0302", "E0402")
        _tie(x.open[axis - 1], other.open[axis - 1])
        tensor = tensor.narrow(axis, (tensor.shape[axis] - size) // 2, size)
    return tensor, (x.open[0], *other.open[1:])


def resize_like(site: Site, x: Value, like: Any, mode: Any = "nearest", align_corners: Any = False) -> Result:
    other = site.value(like)
    axes = spatial(x)
    _same_rank(x, other)
    return _interpolate(x, axes, mode, align_corners, size=other.shape[1:]), (x.open[0], *other.open[1:])


def upsample(site: Site, x: Value, scale: Any, mode: Any = "nearest", align_corners: Any = False) -> Result:
    axes = spatial(x)
    factors = [float(factor) for factor in each(scale, axes)]
    return _interpolate(x, axes, mode, align_corners, scale_factor=factors), x.open


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
    """Refuse to compare two sizes that depend on different open sizes."""
    if left and right and left != right:
        raise Refused(f"{set(left)} is tied to {set(right)}", "E0307")


def pixel_shuffle(site: Site, x: Value, r: Any) -> Result:
    spatial(x, 2)
    divides(count(r) ** 2, channels(x))
    return F.pixel_shuffle(x.tensor, r), x.open


def channel_shuffle(site: Site, x: Value, groups: Any) -> Result:
    spatial(x)
    divides(count(groups), channels(x))
    return x.tensor.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2), x.open


def slice_(site: Site, x: Value, part: Any, axis: Any = 0) -> Result:
    at = axis_of(axis, x)
    if not 0 <= part.start < part.stop:
        raise Refused(f"slice {part}", "E0402", "E0304")
    if part.stop > x.shape[at]:
        raise Refused(f"slice {part} of {x.shape}", "E0402", "E0304")
    return x.tensor.narrow(at + 1, part.start, len(part)), (*x.open[:at], CLOSED, *x.open[at + 1 :])


def permute(site: Site, x: Value, order: Any) -> Result:
    if sorted(order) != list(range(len(x.shape))):
        raise Refused(f"permute {order}", "E0402", "E0305")
    return x.tensor.permute(0, *(at + 1 for at in order)), tuple(x.open[at] for at in order)


def transpose(site: Site, x: Value, a: Any, b: Any) -> Result:
    order = list(range(len(x.shape)))
    first, second = axis_of(a, x), axis_of(b, x)
    order[first], order[second] = order[second], order[first]
    return permute(site, x, order)


# Scale ----------------------------------------------------------------------------------------------------------------


def scale(site: Site, x: Value, factor: Any) -> Result:
    real(x)
    return x.tensor * factor, x.open


class Bare(nn.Module):
    """One parameter, whose key is that of the module itself."""

    def __init__(self, value: torch.Tensor) -> None:
        super().__init__()
        self.bare = nn.Parameter(value)


def layer_scale(site: Site, x: Value, init: Any = 1e-6) -> Result:
    shape = (channels(x), *(1,) * (len(x.shape) - 1))
    module = site.module(lambda: Bare(torch.full(shape, float(init))))
    assert isinstance(module, Bare)
    return x.tensor * module.bare, x.open


OPS: dict[str, Callable[..., Result]] = {
    **{
        function.__name__.rstrip("_"): function
        for function in (
            conv, bottleneck, depthwise, upconv, linear, flatten, reshape, embedding, bn, gn, ln, instance_norm, lrn,
            leaky_relu, prelu, elu, gelu, softmax, softplus, maxpool, avgpool, lppool, maxpool_to, avgpool_to, gap,
            dropout, dropout2d, droppath, pad, pad_channels, crop_like, resize_like, upsample, pixel_shuffle,
            channel_shuffle, slice_, permute, transpose, scale, layer_scale,
        )
    },
    "relu": _elementwise(F.relu),
    "relu6": _elementwise(F.relu6),
    "selu": _elementwise(F.selu),
    "silu": _elementwise(F.silu),
    "mish": _elementwise(F.mish),
    "sigmoid": _elementwise(torch.sigmoid),
    "tanh": _elementwise(torch.tanh),
    "hardswish": _elementwise(F.hardswish),
    "hardsigmoid": _elementwise(F.hardsigmoid),
}  # fmt: skip


def shifts(name: str, arguments: dict[str, Any]) -> bool:
    """Return whether an op is a normalization with a shift of its own."""
    return name == "ln" or (name in ("bn", "gn") and arguments.get("affine", True)) or (
        name == "instance_norm" and arguments.get("affine", False)
    )


def join(kind: str, branches: Sequence[Value], axis: int, training: bool, codes: Sequence[str]) -> Result:
    """Join branches as `concat`, `add`, `mul` or `shake` do."""
    first = branches[0]
    if any(len(each.shape) != len(first.shape) for each in branches):
        raise Refused(f"{kind} of different ranks", *codes)
    if kind == "concat":
        return _concat(branches, axis_of(axis, first), codes)
    opened = []
    for at in range(len(first.shape)):
        sizes = {each.shape[at] for each in branches}
        dependent = {each.open[at] for each in branches if each.open[at]}
        if len(dependent) > 1:
            raise Refused(f"{kind} ties {dependent}", "E0307")
        if len(sizes - {1} if kind == "mul" else sizes) > 1:
            raise Refused(f"{kind} of {[each.shape for each in branches]}", *codes)
        opened.append(next(iter(dependent), CLOSED))
    tensors = [each.tensor for each in branches]
    total = tensors[0]
    for tensor in tensors[1:]:
        total = total * tensor if kind == "mul" else total + tensor
    if kind == "shake":
        total = _shake(tensors, training)
    return total, tuple(opened)


def _concat(branches: Sequence[Value], axis: int, codes: Sequence[str]) -> Result:
    opened = []
    for at in range(len(branches[0].shape)):
        dependent = {each.open[at] for each in branches if each.open[at]}
        if at == axis:
            opened.append(CLOSED.union(*dependent))
            continue
        if len(dependent) > 1:
            raise Refused(f"concat ties {dependent}", "E0307")
        if len({each.shape[at] for each in branches}) > 1:
            raise Refused(f"concat of {[each.shape for each in branches]}", *codes)
        opened.append(next(iter(dependent), CLOSED))
    return torch.cat([each.tensor for each in branches], axis + 1), tuple(opened)


def _shake(tensors: Sequence[torch.Tensor], training: bool) -> torch.Tensor:
    """Weigh by a random convex combination in training; its backward pass draws anew, which only equal branches hide."""
    if not training:
        return torch.stack(list(tensors)).mean(0)
    weights = torch.rand(len(tensors), tensors[0].shape[0], dtype=tensors[0].dtype)
    weights = (weights / weights.sum(0)).reshape(len(tensors), -1, *(1,) * (tensors[0].ndim - 1))
    return (torch.stack(list(tensors)) * weights).sum(0)
