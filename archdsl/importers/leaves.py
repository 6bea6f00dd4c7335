"""Modules that are one op of the language as a whole, though PyTorch runs several ops for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from archdsl.importers.aten import Refused, per_axis
from archdsl.importers.model import Apply, Place, Value

Rule = Callable[[Any, list[Value], str, Place], Apply]


def leaf_of(module: nn.Module | None) -> Rule | None:
    """Return the rule for a module that is one op; None for other modules."""
    if isinstance(module, nn.MultiheadAttention):
        return _attention
    return _BY_NAME.get(type(module).__name__)


def _attention(module: nn.MultiheadAttention, inputs: list[Value], path: str, place: Place) -> Apply:
    if not module.batch_first or module.bias_k is not None or module.add_zero_attn:
        raise Refused("nn.MultiheadAttention with the batch second, or with `add_bias_kv` or `add_zero_attn`")
    if len(inputs) > 3:
        raise Refused("nn.MultiheadAttention with a mask")
    query, key, value = [*inputs, *inputs[-1:] * (3 - len(inputs))]
    operands = {**({"key": key} if key is not query else {}), **({"value": value} if value is not key else {})}
    args: dict[str, Any] = {"heads": module.num_heads, "bias": module.in_proj_bias is not None, "drop": float(module.dropout)}
    return _made("mha", args, inputs[0], path, place, key=path, operands=operands)


def _stochastic_depth(module: Any, inputs: list[Value], path: str, place: Place) -> Apply:
    return _made("droppath", {"p": float(module.p), "mode": module.mode}, inputs[0], path, place)


def _drop_path(module: Any, inputs: list[Value], path: str, place: Place) -> Apply:
    if not getattr(module, "scale_by_keep", True):
        raise Refused("stochastic depth that does not scale the branches it keeps")
    return _made("droppath", {"p": float(module.drop_prob), "mode": "row"}, inputs[0], path, place)


def _frozen_batch_norm(module: Any, inputs: list[Value], path: str, place: Place) -> Apply:
    return _made("frozen_bn", {"eps": float(module.eps)}, inputs[0], path, place, key=path)


def _response_norm(module: Any, inputs: list[Value], path: str, place: Place) -> Apply:
    axis = -1 if getattr(module, "channel_dim", getattr(module, "axis", 1)) == -1 else 0  # timm's name, and archdsl's
    return _made("grn", {"eps": float(module.eps), "axis": axis}, inputs[0], path, place, key=path)


def _blur_pool(module: Any, inputs: list[Value], path: str, place: Place) -> Apply:
    args = {"k": module.filt_size, "stride": module.stride, "pad_mode": module.pad_mode}
    return _made("blur_pool", args, inputs[0], path, place)


def _same_conv(module: nn.Conv2d, inputs: list[Value], path: str, place: Place) -> Apply:
    """A convolution that pads as TensorFlow does: the size of the input decides."""
    args = {
        "out": module.out_channels, "k": per_axis(module.kernel_size, 2), "stride": per_axis(module.stride, 2), "pad": "tf_same",
        "dilation": per_axis(module.dilation, 2), "groups": module.groups, "bias": module.bias is not None,
        "channels": module.in_channels,
    }  # fmt: skip
    return _made("conv", args, inputs[0], path, place, key=path)


def _same_pool(module: Any, inputs: list[Value], path: str, place: Place) -> Apply:
    args = {
        "k": per_axis(module.kernel_size, 2),
        "stride": per_axis(module.stride, 2),
        "pad": "tf_same",
        "ceil": bool(module.ceil_mode),
    }
    if isinstance(module, nn.AvgPool2d):
        return _made("avgpool", {**args, "count_pad": bool(module.count_include_pad)}, inputs[0], path, place)
    return _made("maxpool", {**args, "dilation": per_axis(module.dilation, 2)}, inputs[0], path, place)


def _made(
    op: str, args: dict[str, Any], source: Value, path: str, place: Place, *, key: str | None = None,
    operands: dict[str, Value] | None = None,
) -> Apply:  # fmt: skip
    node = Apply(op, args, [source], [Value(source.shape)], key, path, place, operands or {})
    node.outputs[0].producer = node
    return node


_BY_NAME: dict[str, Rule] = {
    "AvgPool2dSame": _same_pool,
    "BlurPool2d": _blur_pool,
    "Conv2dSame": _same_conv,
    "DropPath": _drop_path,
    "FrozenBatchNorm": _frozen_batch_norm,
    "FrozenBatchNorm2d": _frozen_batch_norm,
    "GlobalResponseNorm": _response_norm,
    "MaxPool2dSame": _same_pool,
    "StochasticDepth": _stochastic_depth,
}
