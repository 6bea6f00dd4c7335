"""The ops and joins of docs/ops.md on plain PyTorch.

Each function is an op: its parameters after the first two are the op's, in the order and with the defaults of the page.
It takes the place where the op stands and the value that comes in, and returns the tensor with its open axes. What the
page does not rule out is left to PyTorch, whose errors count as refusals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F

from tests.attack import computing, layers, products, rearranging, resizing, windows
from tests.attack.checks import CLOSED, Result, Site, axis_of, count, real, spatial
from tests.attack.values import Refused, Value

# Activation -----------------------------------------------------------------------------------------------------------


def _elementwise(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Site, Value], Result]:
    def op(site: Site, x: Value) -> Result:
        real(x)
        return function(x.tensor), x.open

    return op


def leaky_relu(site: Site, x: Value, slope: Any = 0.01) -> Result:
    real(x)
    return F.leaky_relu(x.tensor, slope), x.open


def elu(site: Site, x: Value, alpha: Any = 1.0) -> Result:
    real(x)
    return F.elu(x.tensor, alpha), x.open


def gelu(site: Site, x: Value, approximate: Any = None) -> Result:
    real(x)
    return F.gelu(x.tensor, approximate=approximate or "none"), x.open


def softmax(site: Site, x: Value, axis: Any = 0) -> Result:
    real(x)
    return F.softmax(x.tensor, axis_of(axis, x) + 1), x.open


def log_softmax(site: Site, x: Value, axis: Any = 0) -> Result:
    real(x)
    return F.log_softmax(x.tensor, axis_of(axis, x) + 1), x.open


def softplus(site: Site, x: Value, beta: Any = 1.0, threshold: Any = 20.0) -> Result:
    real(x)
    return F.softplus(x.tensor, beta, threshold), x.open


def lrn(site: Site, x: Value, size: Any, alpha: Any = 1e-4, beta: Any = 0.75, k: Any = 1.0) -> Result:
    spatial(x)
    return F.local_response_norm(x.tensor, count(size), alpha, beta, k), x.open


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


# Numbers ------------------------------------------------------------------------------------------------------------------


def real_(site: Site, x: Value) -> Result:
    return x.tensor.double(), x.open


# Scale ----------------------------------------------------------------------------------------------------------------


def scale(site: Site, x: Value, factor: Any) -> Result:
    real(x)
    return x.tensor * factor, x.open


OPS: dict[str, Callable[..., Result]] = {
    **{
        function.__name__.rstrip("_"): function
        for function in (
            layers.conv,
            layers.bottleneck,
            layers.depthwise,
            layers.upconv,
            layers.linear,
            layers.embedding,
            layers.lookup,
            layers.unembed,
            layers.frozen_bn,
            layers.bn,
            layers.gn,
            layers.ln,
            layers.rms_norm,
            layers.grn,
            layers.instance_norm,
            layers.prelu,
            layers.layer_scale,
            rearranging.flatten,
            rearranging.reshape,
            resizing.maxpool,
            resizing.max_unpool,
            resizing.avgpool,
            resizing.lppool,
            resizing.maxpool_to,
            resizing.avgpool_to,
            resizing.gap,
            resizing.pad,
            resizing.pad_channels,
            resizing.crop_like,
            resizing.resize_like,
            resizing.upsample,
            rearranging.pixel_shuffle,
            rearranging.channel_shuffle,
            rearranging.slice_,
            rearranging.permute,
            rearranging.transpose,
            rearranging.pixel_unshuffle,
            rearranging.roll,
            rearranging.unfold,
            rearranging.rearrange,
            resizing.resize,
            resizing.blur_pool,
            lrn,
            leaky_relu,
            elu,
            gelu,
            softmax,
            log_softmax,
            softplus,
            dropout,
            dropout2d,
            droppath,
            scale,
            real_,
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
    **computing.OPS,
    **products.OPS,
    **windows.OPS,
}


def centers(name: str, arguments: dict[str, Any], x: Value) -> bool:
    """Return whether an op subtracts the mean of each channel."""
    return name in ("bn", "instance_norm") or (name == "gn" and arguments.get("groups", 32) == x.tensor.shape[1])


def join(
    kind: str, branches: Sequence[Value], axis: int, training: bool, codes: Sequence[str], broadcast: bool = False
) -> Result:
    """Join branches as `concat`, `add`, `mul` and the other joins do."""
    first = branches[0]
    if any(len(each.shape) != len(first.shape) for each in branches):
        raise Refused(f"{kind} of different ranks", *codes)
    if kind == "concat":
        return _concat(branches, axis_of(axis, first), codes)
    for each in branches:
        if not (kind == "mul" and each.tensor.dtype == torch.bool):
            real(each)
    stretches = broadcast or kind in computing.STRETCHING
    opened = []
    for at in range(len(first.shape)):
        sizes = {each.shape[at] for each in branches}
        dependent = _dependent(kind, branches, at)
        if len(sizes - {1} if stretches else sizes) > 1:
            raise Refused(f"{kind} of {[each.shape for each in branches]}", *codes)
        opened.append(dependent)
    if kind == "shake":
        return _shake([each.tensor for each in branches], training), tuple(opened)
    return computing.joined(kind, [each.tensor for each in branches], codes), tuple(opened)


def _dependent(kind: str, branches: Sequence[Value], at: int) -> frozenset[str]:
    """Return what an axis of a join depends on; refuse to relate different symbolic sizes, of which none is a product."""
    dependent = {each.open[at] for each in branches if each.open[at]}
    if len(dependent) > 1 and not any("*" in each for each in dependent):
        raise Refused(f"{kind} ties {dependent}", "E0307")
    return CLOSED.union(*dependent)


def _concat(branches: Sequence[Value], axis: int, codes: Sequence[str]) -> Result:
    opened = []
    for at in range(len(branches[0].shape)):
        if at == axis:
            opened.append(CLOSED.union(*(each.open[at] for each in branches)))
            continue
        dependent = _dependent("concat", branches, at)
        if len({each.shape[at] for each in branches}) > 1:
            raise Refused(f"concat of {[each.shape for each in branches]}", *codes)
        opened.append(dependent)
    return torch.cat([each.tensor for each in branches], axis + 1), tuple(opened)


def _shake(tensors: Sequence[torch.Tensor], training: bool) -> torch.Tensor:
    """Weigh by a random convex combination in training; its backward pass draws anew, which only equal branches hide."""
    if not training:
        return torch.stack(list(tensors)).mean(0)
    weights = torch.rand(len(tensors), tensors[0].shape[0], dtype=tensors[0].dtype)
    weights = (weights / weights.sum(0)).reshape(len(tensors), -1, *(1,) * (tensors[0].ndim - 1))
    return (torch.stack(list(tensors)) * weights).sum(0)
