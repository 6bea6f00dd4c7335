"""The weights of an optimized network from those of the network as it is written, computed in float64."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from archdsl.ir import FoldedLayer, FoldedNorm, Graph, join_path, state
from archdsl.ops.convolution import UpConv
from archdsl.ops.dense import Linear


def fold_weights(graph: Graph, weights: Mapping[str, Tensor], dtype: torch.dtype | None = None) -> dict[str, Tensor]:
    """Return the `state_dict` of an optimized graph, given that of the network as it is written.

    Tensors that do not change are those of `weights` themselves. Others get `dtype`, by default that of the weight before. Raise
    `KeyError` if a tensor is missing.
    """
    computed: dict[str, Tensor] = {}
    for layer in graph.folded:
        computed |= _layer(layer, weights, dtype)
    return {key: computed[key] if key in computed else weights[key] for key in state(graph)}


def _layer(layer: FoldedLayer, weights: Mapping[str, Tensor], dtype: torch.dtype | None) -> dict[str, Tensor]:
    """Return the weight of a layer, and the bias if it has one."""
    weight_key, bias_key = join_path(layer.path, "weight"), join_path(layer.path, "bias")
    stored = weights.get(weight_key)
    if stored is None:  # under weight normalization: lengths, and directions whose length does not count
        below = join_path(layer.path, "parametrizations", "weight")
        length, direction = weights[f"{below}.original0"].double(), weights[f"{below}.original1"]
        dtype = dtype or direction.dtype
        direction = direction.double()
        weight = direction * (length / torch.linalg.vector_norm(direction, dim=tuple(range(1, direction.ndim)), keepdim=True))
    else:
        dtype, weight = dtype or stored.dtype, stored.double()
    bias = weights[bias_key].double() if bias_key in weights else None
    if layer.norms:
        weight = _grouped(layer, weight)
        bias = weight.new_zeros(weight.shape[:2].numel()) if bias is None else bias
        for norm in layer.norms:
            weight, bias = _folded(weight, bias, norm, weights)
        weight = _ungrouped(layer, weight)
    return {weight_key: weight.to(dtype)} | ({} if bias is None else {bias_key: bias.to(dtype)})


def _folded(weight: Tensor, bias: Tensor, norm: FoldedNorm, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Return a weight `[groups, out, in, ...]` and a bias that do what they did and what a normalization does."""
    scale, shift = _affine(norm, weights)
    groups, out, inner = weight.shape[:3]
    window = (1,) * (weight.ndim - 3)
    if norm.side == "after":
        return weight * scale.reshape(groups, out, 1, *window), bias * scale + shift
    added = (weight * shift.reshape(groups, 1, inner, *window)).flatten(2).sum(2).flatten()
    return weight * scale.reshape(groups, 1, inner, *window), bias + added


def _affine(norm: FoldedNorm, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Return by what a normalization multiplies each channel in evaluation, and what it adds then."""

    def tensor(name: str) -> Tensor | None:
        found = weights.get(join_path(norm.path, name))
        return None if found is None else found.double()

    mean, variance = weights[join_path(norm.path, "running_mean")].double(), weights[join_path(norm.path, "running_var")].double()
    learned, shift = tensor("weight"), tensor("bias")
    scale = torch.rsqrt(variance + dict(norm.op)["eps"])
    scale = scale if learned is None else scale * learned
    return scale, -mean * scale if shift is None else shift - mean * scale


def _grouped(layer: FoldedLayer, weight: Tensor) -> Tensor:
    """Return a weight as `[groups, out per group, in per group, ...]`."""
    groups = layer.op.attributes(*layer.inputs).get("groups", 1)
    if isinstance(layer.op, Linear) and layer.op.transposed:
        return weight.t().unsqueeze(0)
    grouped = weight.reshape(groups, -1, *weight.shape[1:])
    return grouped.transpose(1, 2) if isinstance(layer.op, UpConv) else grouped


def _ungrouped(layer: FoldedLayer, weight: Tensor) -> Tensor:
    """Return a weight with the axes of the layer."""
    if isinstance(layer.op, Linear) and layer.op.transposed:
        return weight.squeeze(0).t().contiguous()
    return (weight.transpose(1, 2) if isinstance(layer.op, UpConv) else weight).flatten(0, 1).contiguous()
