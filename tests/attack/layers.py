"""The ops that have weights: convolutions, dense layers, normalizations, learned factors.

Each function is an op of docs/ops.md: see `tests.attack.operations`.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
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


def tf_same(x: Value, windows: list[int], steps: list[int], gaps: list[int]) -> list[tuple[int, int]]:
    """Return TensorFlow's SAME padding on both sides of each axis: the output has `ceil(n / stride)` rows."""
    sides = []
    for size, window, step, gap in zip(x.shape[1:], windows, steps, gaps, strict=True):
        total = max((-(-size // step) - 1) * step + gap * (window - 1) + 1 - size, 0)
        sides.append((total // 2, total - total // 2))
    return sides


def flat(sides: list[tuple[int, int]]) -> list[int]:
    """Return paddings in the order of `F.pad`, the last axis first."""
    return [side for pair in reversed(sides) for side in pair]


def _normed(module: nn.Module, wanted: Any) -> nn.Module:
    return nn.utils.parametrizations.weight_norm(module, dim=0) if wanted else module


def conv(site: Site, x: Value, out: Any, k: Any, stride: Any = 1, pad: Any = "same", dilation: Any = 1, groups: Any = 1,
         bias: Any = "auto", pad_mode: Any = "zeros", weight_norm: Any = False, init: Any = None) -> Result:  # fmt: skip
    axes = spatial(x)
    entering = channels(x)
    windows, steps, gaps = each(k, axes), each(stride, axes), each(dilation, axes)
    if pad == "same":
        if any(window % 2 == 0 for window in windows):
            raise Refused("`same` with an even window", "E0402")
        pads = [gap * (window - 1) // 2 for gap, window in zip(gaps, windows, strict=True)]
    else:
        pads = [0] * axes if pad == "tf_same" else each(pad, axes, 0)
    divides(count(groups), entering, count(out))
    shifted = site.bias(bias)
    if pad_mode != "zeros" and pad in (0, "tf_same"):
        raise Refused(f"{pad_mode} padding without rows on both sides", "E0402")
    mode = "zeros" if pad == "tf_same" else pad_mode
    module = site.module(
        lambda: _normed(
            CONV[axes](entering, out, windows, steps, pads, gaps, groups, bias=shifted, padding_mode=mode), weight_norm
        )
    )
    tensor = x.tensor
    if pad == "tf_same":
        around = flat(tf_same(x, windows, steps, gaps))
        tensor = F.pad(tensor, around)
    tensor = module(tensor)
    site.count(_weights(module) * math.prod(tensor.shape[2:]))
    return tensor, (CLOSED, *x.open[1:])


def bottleneck(site: Site, x: Value, out: Any, bias: Any = "auto", weight_norm: Any = False, init: Any = None) -> Result:
    return conv(site, x, out, 1, bias=bias, weight_norm=weight_norm)


def depthwise(site: Site, x: Value, k: Any, stride: Any = 1, mult: Any = 1, bias: Any = "auto", pad: Any = "same",
              weight_norm: Any = False, init: Any = None) -> Result:  # fmt: skip
    spatial(x)
    wide = channels(x) * count(mult)
    return conv(site, x, wide, k, stride, pad=pad, groups=channels(x), bias=bias, weight_norm=weight_norm)


def upconv(site: Site, x: Value, out: Any, k: Any, stride: Any = None, pad: Any = 0, output_pad: Any = 0, dilation: Any = 1,
           groups: Any = 1, bias: Any = "auto", weight_norm: Any = False, init: Any = None) -> Result:  # fmt: skip
    axes = spatial(x)
    entering = channels(x)
    windows, gaps = each(k, axes), each(dilation, axes)
    steps = windows if stride is None else each(stride, axes)
    pads, more = each(pad, axes, 0), each(output_pad, axes, 0)
    if any(extra >= max(step, gap) for extra, step, gap in zip(more, steps, gaps, strict=True)):
        raise Refused("output_pad reaches the stride and the dilation", "E0402")
    divides(count(groups), entering, count(out))
    shifted = site.bias(bias)
    module = site.module(
        lambda: _normed(UPCONV[axes](entering, out, windows, steps, pads, more, groups, shifted, gaps), weight_norm)
    )
    site.count(_weights(module) * math.prod(x.shape[1:]))
    return module(x.tensor), (CLOSED, *x.open[1:])


# Dense ----------------------------------------------------------------------------------------------------------------


class Transposed(nn.Linear):
    """A dense layer whose weight is stored as `[in, out]`."""

    def __init__(self, entering: int, out: int, bias: bool) -> None:
        super().__init__(entering, out, bias)
        self.weight = nn.Parameter(self.weight.T.clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the product with the weight as it is stored."""
        return F.linear(x, self.weight.T, self.bias)


def linear(site: Site, x: Value, out: Any, bias: Any = True, axis: Any = None, weight_norm: Any = False,
           transposed: Any = False, init: Any = None) -> Result:  # fmt: skip
    real(x)
    if axis not in (None, -1):
        raise Refused(f"axis {axis} of linear", "E0401", "E0402")
    if len(x.shape) > 2 and axis is None:
        raise Refused(f"linear on {x.shape}", "E0305")
    entering = channels(x, -1)
    module = site.module(lambda: _normed((Transposed if transposed else nn.Linear)(entering, count(out), bias=bias), weight_norm))
    site.count(_weights(module) * math.prod(x.shape[:-1]))
    return module(x.tensor), (*x.open[:-1], CLOSED)


def _tokens(name: str, x: Value) -> None:
    if not x.integers:
        raise Refused(f"{name} of real numbers", "E0308")
    if len(x.shape) != 1:
        raise Refused(f"{name} of {x.shape}", "E0305")


def lookup(site: Site, x: Value, table: Any) -> Result:
    _tokens("lookup", x)
    rows = site.value(table)
    real(rows)
    if len(rows.shape) != 2:
        raise Refused(f"a table of {rows.shape}", "E0305")
    found = torch.stack([own[tokens] for tokens, own in zip(x.tensor, rows.tensor, strict=True)])
    return found, (*x.open, rows.open[1])


def unembed(site: Site, x: Value, embedding: Any) -> Result:
    real(x)
    table = site.shared(embedding, "embedding")
    features = channels(x, -1)
    n, dim = table
    if dim != features:
        raise Refused(f"{features} features for a table of {dim}")
    module = site.module(lambda: nn.Embedding(n, dim))
    assert isinstance(module, nn.Embedding)
    site.count(math.prod(x.shape) * n)
    return x.tensor @ module.weight.T, (*x.open[:-1], CLOSED)


def embedding(site: Site, x: Value, n: Any, dim: Any, init: Any = None) -> Result:
    _tokens("embedding", x)
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


class Fixed(nn.Module):
    """The four tensors of a normalization that learns nothing."""

    weight: torch.Tensor
    bias: torch.Tensor
    running_mean: torch.Tensor
    running_var: torch.Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        for name, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            self.register_buffer(name, torch.full((features,), value))


def frozen_bn(site: Site, x: Value, eps: Any = 1e-5) -> Result:
    features = channels(x)
    if len(x.shape) > 4:
        raise Refused(f"frozen_bn of {x.shape}", "E0305")
    module = site.module(lambda: Fixed(features))
    assert isinstance(module, Fixed)
    return F.batch_norm(x.tensor, module.running_mean, module.running_var, module.weight, module.bias, False, 0, eps), x.open


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


def rms_norm(site: Site, x: Value, eps: Any = 1e-6, axis: Any = 0, init: Any = None) -> Result:
    real(x)
    at = axis_of(axis, x)
    features = channels(x, at)
    module = site.module(lambda: nn.RMSNorm(features, eps=eps))
    return module(x.tensor.movedim(at + 1, -1)).movedim(-1, at + 1), x.open


class ScaleAndShift(nn.Module):
    """The factors and shifts of channels, which are zero at first."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(features))
        self.bias = nn.Parameter(torch.zeros(features))


def grn(site: Site, x: Value, eps: Any = 1e-6, axis: Any = 0, init: Any = None) -> Result:
    real(x)
    at = axis_of(axis, x)
    features = channels(x, at)
    if len(x.shape) < 2:
        raise Refused(f"grn of {x.shape}", "E0305")
    module = site.module(lambda: ScaleAndShift(features))
    assert isinstance(module, ScaleAndShift)
    last = x.tensor.movedim(at + 1, -1)
    lengths = torch.linalg.vector_norm(last, dim=tuple(range(1, last.ndim - 1)), keepdim=True)
    response = lengths / (lengths.mean(-1, keepdim=True) + eps)
    return (last + module.weight * (last * response) + module.bias).movedim(-1, at + 1), x.open


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
    """One parameter or buffer, whose key is that of the module itself."""

    bare: torch.Tensor

    def __init__(self, value: torch.Tensor, learned: bool = True) -> None:
        super().__init__()
        if learned:
            self.bare = nn.Parameter(value)
        else:
            self.register_buffer("bare", value)


def layer_scale(site: Site, x: Value, init: Any = 1e-6, flat: Any = False, axis: Any = 0) -> Result:
    at = axis_of(axis, x)
    ones = (1,) * (len(x.shape) - 1 - at)
    features = channels(x, at)
    module = site.module(lambda: Bare(torch.full((features,) if flat else (features, *ones), float(init))))
    assert isinstance(module, Bare)
    return x.tensor * module.bare.reshape(features, *ones), x.open
