"""Layers of ONNX in PyTorch: convolutions, dense layers, norms, activations and pools."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from archdsl.importers.aten import Refused
from archdsl.importers.programs.onnx_step import Step, operation
from archdsl.limits import FLOAT

_LOWEST = -FLOAT


@operation("Conv")
def _conv(s: Step) -> Tensor:
    weight = s.tensor("weight")
    assert weight is not None
    axes = weight.dim() - 2
    stride, dilation = _per_axis(s, "strides", axes), _per_axis(s, "dilations", axes)
    x, pad = _apart(s.x, _sides(s, s.x, list(weight.shape[2:]), stride, dilation), 0.0)
    run = (F.conv1d, F.conv2d, F.conv3d)[axes - 1]
    return run(x, weight, s.tensor("bias"), stride, pad, dilation, s.attribute("group", 1))


@operation("ConvTranspose")
def _conv_transpose(s: Step) -> Tensor:
    weight = s.tensor("weight")
    assert weight is not None
    axes = weight.dim() - 2
    stride, dilation = _per_axis(s, "strides", axes), _per_axis(s, "dilations", axes)
    pads = s.attribute("pads", [0] * 2 * axes)
    if s.attribute("auto_pad", "NOTSET") not in ("NOTSET", "VALID") or s.attribute("output_shape"):
        raise Refused("a transposed convolution whose padding follows from the size of its result")
    before, after, extra = pads[:axes], pads[axes:], list(s.attribute("output_padding", [0] * axes))
    extra = [e + b - a for e, b, a in zip(extra, before, after, strict=True)]  # a smaller pad behind is a larger result
    if min(extra) < 0:
        raise Refused(f"a transposed convolution with pads {list(pads)}")
    run = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[axes - 1]
    return run(s.x, weight, s.tensor("bias"), stride, before, extra, s.attribute("group", 1), dilation)


@operation("Gemm", "Linear")
def _linear(s: Step) -> Tensor:
    weight = s.tensor("weight")
    if weight is None:
        raise Refused("a product with a matrix that is no tensor of the file")
    if s.attribute("transA", 0) or s.attribute("alpha", 1.0) != 1.0 or s.attribute("beta", 1.0) != 1.0:
        raise Refused("a product with `transA`, `alpha` or `beta`")
    return F.linear(s.x, weight, s.tensor("bias"))


@operation("BatchNormalization")
def _batch_norm(s: Step) -> Tensor:
    if s.attribute("training_mode", 0) or s.attribute("spatial", 1) != 1:
        raise Refused("batch norm in training mode, or one with statistics for each element")
    mean, var = s.tensor("running_mean"), s.tensor("running_var")
    momentum = round(1 - s.attribute("momentum", 0.9), 7)
    return F.batch_norm(s.x, mean, var, s.tensor("weight"), s.tensor("bias"), False, momentum, s.attribute("epsilon", 1e-5))


@operation("InstanceNormalization")
def _instance_norm(s: Step) -> Tensor:
    return F.instance_norm(s.x, weight=s.tensor("weight"), bias=s.tensor("bias"), eps=s.attribute("epsilon", 1e-5))


@operation("GroupNormalization")
def _group_norm(s: Step) -> Tensor:
    weight = s.tensor("weight")
    if weight is not None and weight.numel() != s.x.shape[1]:
        raise Refused("group norm with a weight for each group, expected one for each channel")
    return F.group_norm(s.x, s.attribute("num_groups"), weight, s.tensor("bias"), s.attribute("epsilon", 1e-5))


@operation("LayerNormalization")
def _layer_norm(s: Step) -> Tensor:
    weight = s.tensor("weight")
    assert weight is not None
    bias = s.tensor("bias")
    return F.layer_norm(s.x, list(weight.shape), weight, bias, s.attribute("epsilon", 1e-5))


@operation("RMSNormalization")
def _rms_norm(s: Step) -> Tensor:
    weight = s.tensor("weight")
    assert weight is not None
    return F.rms_norm(s.x, list(weight.shape), weight, s.attribute("epsilon", 1e-5))


@operation("Embedding")
def _embedding(s: Step) -> Tensor:
    weight = s.tensor("weight")
    assert weight is not None
    return F.embedding(s.value(1), weight)


@operation("PRelu")
def _prelu(s: Step) -> Tensor:
    weight = s.tensor("weight")
    assert weight is not None
    return F.prelu(s.x, weight)


_PLAIN: dict[str, Callable[[Tensor], Tensor]] = {
    "Relu": F.relu, "Sigmoid": torch.sigmoid, "Tanh": torch.tanh, "HardSwish": F.hardswish, "Softplus": F.softplus,
    "Exp": torch.exp, "Log": torch.log, "Abs": torch.abs, "Sqrt": torch.sqrt, "Sin": torch.sin, "Cos": torch.cos,
    "Neg": torch.neg, "Mish": F.mish, "Silu": F.silu,
}  # fmt: skip


@operation(*_PLAIN)
def _activation(s: Step) -> Tensor:
    return _PLAIN[s.node.op](s.x)


@operation("Swish")
def _swish(s: Step) -> Tensor:
    if s.attribute("alpha", 1.0) != 1.0:
        raise Refused("swish with a factor")
    return F.silu(s.x)


@operation("HardSigmoid")
def _hard_sigmoid(s: Step) -> Tensor:
    if (s.attribute("alpha", 0.2), s.attribute("beta", 0.5)) != (0.1666667, 0.5):
        raise Refused(f"a hard sigmoid of {s.attribute('alpha', 0.2)} * x + {s.attribute('beta', 0.5)}, expected x / 6 + 0.5")
    return F.hardsigmoid(s.x)


@operation("LeakyRelu")
def _leaky_relu(s: Step) -> Tensor:
    return F.leaky_relu(s.x, s.attribute("alpha", 0.01))


@operation("Elu")
def _elu(s: Step) -> Tensor:
    return F.elu(s.x, s.attribute("alpha", 1.0))


@operation("Selu")
def _selu(s: Step) -> Tensor:
    if abs(s.attribute("alpha", 1.67326) - 1.67326) > 1e-5 or abs(s.attribute("gamma", 1.0507) - 1.0507) > 1e-5:
        raise Refused("SELU with other numbers than those of its paper")
    return F.selu(s.x)


@operation("Gelu")
def _gelu(s: Step) -> Tensor:
    return F.gelu(s.x, approximate=s.attribute("approximate", "none"))


@operation("Clip")
def _clip(s: Step) -> Tensor:
    low, high = (s.number(at) if s.has(at) else s.attribute(name) for at, name in ((1, "min"), (2, "max")))
    if low == 0 and high == 6:
        return F.relu6(s.x)
    return F.relu(s.x) if low == 0 and high is None else torch.clamp(s.x, low, high)


@operation("Softmax", "LogSoftmax")
def _softmax(s: Step) -> Tensor:
    axis = s.attribute("axis", -1 if s.opset >= 13 else 1)
    if s.opset < 13 and axis % s.x.dim() != s.x.dim() - 1 and any(size != 1 for size in s.x.shape[axis + 1 :]):
        raise Refused("a softmax over several axes")
    return (F.softmax if s.node.op == "Softmax" else F.log_softmax)(s.x, axis)


@operation("MaxPool")
def _max_pool(s: Step) -> Tensor:
    if len(s.node.outputs) > 1:
        raise Refused("max pooling that gives positions, too")
    kernel = list(s.attribute("kernel_shape"))
    stride, dilation = _per_axis(s, "strides", len(kernel)), _per_axis(s, "dilations", len(kernel))
    run = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(kernel) - 1]
    sides = _sides(s, s.x, kernel, stride, dilation)
    if _is_rounding_up(s.x, kernel, stride, dilation, sides):
        return run(s.x, kernel, stride, [before for before, _ in sides], dilation, True)
    x, pad = _apart(s.x, sides, _LOWEST)
    return run(x, kernel, stride, pad, dilation, bool(s.attribute("ceil_mode", 0)))


@operation("AveragePool")
def _average_pool(s: Step) -> Tensor:
    kernel = list(s.attribute("kernel_shape"))
    axes = len(kernel)
    if any(n != 1 for n in _per_axis(s, "dilations", axes)):
        raise Refused("average pooling with dilation")
    stride, whole = _per_axis(s, "strides", axes), bool(s.attribute("count_include_pad", 0))
    sides = _sides(s, s.x, kernel, stride, [1] * axes)
    run: Any = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[axes - 1]
    if any(before != after for before, after in sides) and not whole:
        if _is_rounding_up(s.x, kernel, stride, [1] * axes, sides):
            return run(s.x, kernel, stride, [before for before, _ in sides], True, False)  # type: ignore[no-any-return]
        inside = zip(s.x.shape[2:], kernel, sides, strict=True)
        if all(size + before <= k == size + before + after for size, k, (before, after) in inside):
            return _average(s.x)  # the only window has all elements
        raise Refused(f"average pooling with the pads {sides}, which it does not count")
    x, pad = _apart(s.x, sides, 0.0)
    return run(x, kernel, stride, pad, bool(s.attribute("ceil_mode", 0)), whole or not any(pad))  # type: ignore[no-any-return]


@operation("GlobalAveragePool")
def _global_average(s: Step) -> Tensor:
    return _average(s.x)


def _average(x: Tensor) -> Tensor:
    return x.mean(list(range(2, x.dim())), keepdim=True)


@operation("GlobalMaxPool")
def _global_max(s: Step) -> Tensor:
    return s.x.amax(list(range(2, s.x.dim())), keepdim=True)


def _per_axis(s: Step, name: str, axes: int) -> list[int]:
    return [int(n) for n in s.attribute(name) or [1] * axes]


def _is_rounding_up(
    x: Tensor, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int], sides: Sequence[tuple[int, int]]
) -> bool:
    """Whether pads, of which some are larger behind, only round the number of windows up, as `ceil_mode` of PyTorch does."""
    if all(before == after for before, after in sides):
        return False
    for size, k, step, gap, (before, after) in zip(x.shape[2:], kernel, stride, dilation, sides, strict=True):
        left = int(size) + before - gap * (k - 1) - 1
        windows = (left + after) // step
        rounded = -(-(left + before) // step)
        rounded -= rounded * step >= int(size) + before  # PyTorch has no window that begins behind the input
        if after < before or windows != rounded:
            return False
    return True


def _apart(x: Tensor, sides: Sequence[tuple[int, int]], value: float) -> tuple[Tensor, list[int]]:
    """Return the input with its pads where they differ on two sides, and then no pads; else the input and its pads."""
    if all(before == after for before, after in sides):
        return x, [before for before, _ in sides]
    amounts = [amount for before, after in reversed(sides) for amount in (before, after)]
    return F.pad(x, amounts, value=value), [0] * len(sides)


def _sides(s: Step, x: Tensor, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> list[tuple[int, int]]:
    """Return the pads before and behind, per axis. Automatic ones follow from the size of the input."""
    axes, auto = len(kernel), s.attribute("auto_pad", "NOTSET")
    pads = list(s.attribute("pads") or [0] * 2 * axes)
    if auto in ("NOTSET", "VALID"):
        return list(zip(pads[:axes], pads[axes:], strict=True)) if auto == "NOTSET" else [(0, 0)] * axes
    found = []
    for size, k, step, gap in zip(x.shape[2:], kernel, stride, dilation, strict=True):
        total = max(0, (math.ceil(int(size) / step) - 1) * step + gap * (k - 1) + 1 - int(size))
        small, large = total // 2, total - total // 2
        found.append((small, large) if auto == "SAME_UPPER" else (large, small))
    return found
