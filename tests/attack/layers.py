"""The ops that have weights: convolutions, dense layers, normalizations, learned factors.

Each function is an op of docs/ops.md: see `tests.attack.operations`.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from tests.attack.checks import CLOSED, Result, Site, axis_of, channels, count, divides, each, real, spatial
from tests.attack.values import Refused, Value

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
    module = site.module(lambda: INSTANCE_NORM[axes](features, eps=eps, affine=affine))
    if module.num_features != features:  # PyTorch warns only
        raise Refused("a module with other channels", "E0210")
    return module(x.tensor), x.open


# Learned factors -----------------------------------------------------------------------------------------------------


def prelu(site: Site, x: Value, init_value: Any = 0.25, per_channel: Any = False) -> Result:
    real(x)
    slopes = channels(x) if per_channel else 1
    return site.module(lambda: nn.PReLU(slopes, init_value))(x.tensor), x.open


class Bare(nn.Module):
    """One parameter, whose key is that of the module itself."""

    def __init__(self, value: torch.Tensor) -> None:
        super().__init__()
        self.bare = nn.Parameter(value)


def layer_scale(site: Site, x: Value, init: Any = 1e-6, flat: Any = False, axis: Any = 0) -> Result:
    at = axis_of(axis, x)
    shape = (channels(x, at), *(1,) * (len(x.shape) - 1 - at))
    module = site.module(lambda: Bare(torch.full(shape[:1] if flat else shape, float(init))))
    assert isinstance(module, Bare)
    return x.tensor * module.bare.reshape(shape), x.open
