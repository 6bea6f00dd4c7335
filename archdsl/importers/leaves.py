"""Modules that are one op of the language as a whole, though PyTorch runs several ops for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from archdsl.importers.aten import Refused
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
    operands = dict(zip(("key", "value"), inputs[1:], strict=False))
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


def _made(
    op: str, args: dict[str, Any], source: Value, path: str, place: Place, *, key: str | None = None,
    operands: dict[str, Value] | None = None,
) -> Apply:  # fmt: skip
    node = Apply(op, args, [source], [Value(source.shape)], key, path, place, operands or {})
    node.outputs[0].producer = node
    return node


_BY_NAME: dict[str, Rule] = {
    "DropPath": _drop_path,
    "FrozenBatchNorm2d": _frozen_batch_norm,
    "StochasticDepth": _stochastic_depth,
}
