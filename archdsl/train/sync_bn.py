"""Synchronized batch normalization for devices on which PyTorch does not support it.

`torch.nn.SyncBatchNorm` runs only on CUDA devices. This plugin uses two differentiable sums over all processes, one for the mean
and one for the squared deviations from it; computing both in one pass would lose precision.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from lightning.pytorch.plugins import LayerSync
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class _Sum(torch.autograd.Function):
    """A differentiable sum over all processes. Every process uses the sum, so its gradient is the sum of their gradients."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total


def _sum(value: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(value)  # type: ignore[no-untyped-call]  # PyTorch leaves it without types
    return total


def global_batch_norm(layer: _BatchNorm, x: Tensor) -> Tensor:
    """Normalize [batch, channels, ...] with the statistics of the global batch, and update the running statistics."""
    axes = [axis for axis in range(x.ndim) if axis != 1]
    shape = [1, -1] + [1] * (x.ndim - 2)
    values = x.float()
    sums = _sum(torch.cat([values.sum(axes), values.new_full((1,), values.numel() / x.shape[1])]))
    count = sums[-1]
    mean = sums[:-1] / count
    centered = values - mean.view(shape)
    variance = _sum(centered.square().sum(axes)) / count
    if layer.running_mean is not None and layer.running_var is not None and layer.num_batches_tracked is not None:
        with torch.no_grad():
            layer.num_batches_tracked.add_(1)
            share = 1 / float(layer.num_batches_tracked) if layer.momentum is None else layer.momentum
            layer.running_mean.lerp_(mean.to(layer.running_mean.dtype), share)
            layer.running_var.lerp_((variance * count / (count - 1)).to(layer.running_var.dtype), share)
    normal: Tensor = centered * (variance + layer.eps).rsqrt().view(shape)
    if layer.affine:
        normal = normal * layer.weight.view(shape) + layer.bias.view(shape)
    return normal.to(x.dtype)


class _Global(_BatchNorm):
    """A mixin for batch normalizations during training with several processes."""

    def forward(self, x: Tensor) -> Tensor:
        return global_batch_norm(self, x) if self.training else super().forward(x)


class GlobalBatchNorm(LayerSync):
    """A plugin for Lightning that synchronizes the batch normalizations of a module during training."""

    def apply(self, model: nn.Module) -> nn.Module:
        """Replace the class of each batch normalization; its parameters, buffers and keys stay the same."""
        for layer in model.modules():
            if isinstance(layer, _BatchNorm) and not isinstance(layer, _Global):
                layer.__class__ = type(type(layer).__name__, (_Global, type(layer)), {})
        return model

    def revert(self, model: nn.Module) -> nn.Module:
        """Restore the class of each batch normalization."""
        for layer in model.modules():
            if isinstance(layer, _Global):
                layer.__class__ = type(layer).__mro__[2]
        return model
