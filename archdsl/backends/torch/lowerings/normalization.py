"""Normalizations in PyTorch."""

from __future__ import annotations

from archdsl.backends.torch.expressions import Argument, Call, Input, Method, functional, keyword, nn, positional, runtime
from archdsl.backends.torch.lowerings.base import Lowering, both, lowers
from archdsl.ops.normalization import (
    BatchNorm,
    FrozenBatchNorm,
    GlobalResponseNorm,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LocalResponseNorm,
    RMSNorm,
)
from archdsl.shapes import Shape


@lowers(BatchNorm)
def batch_norm(op: BatchNorm, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.BatchNorm1d`, `2d` or `3d`."""
    channels = positional(op.attributes(*inputs)["channels"], "num_features", "channels")
    momentum = keyword("momentum", op.momentum, "momentum", default=0.1)
    return Lowering(Call(nn(f"BatchNorm{max(len(inputs[0]) - 1, 1)}d"), (channels, _eps(op.eps), momentum, _affine(op.affine))))


@lowers(FrozenBatchNorm)
def frozen_batch_norm(op: FrozenBatchNorm, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return the runtime's `FrozenBatchNorm`."""
    channels = positional(op.attributes(*inputs)["channels"], "channels", "channels")
    return Lowering(Call(runtime("FrozenBatchNorm"), (channels, _eps(op.eps))))


@lowers(GroupNorm)
def group_norm(op: GroupNorm, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.GroupNorm`."""
    groups = positional(op.groups, "num_groups", "groups")
    channels = positional(op.attributes(*inputs)["channels"], "num_channels", "channels")
    return Lowering(Call(nn("GroupNorm"), (groups, channels, _eps(op.eps), _affine(op.affine))))


@lowers(LayerNorm)
def layer_norm(op: LayerNorm, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.LayerNorm` if the axis is the last, else the runtime's `ChannelLayerNorm`."""
    given = op.attributes(*inputs)
    last = given["axis"] == len(inputs[0]) - 1
    channels = positional(given["channels"], "normalized_shape" if last else "channels", "channels")
    return Lowering(Call(nn("LayerNorm") if last else runtime("ChannelLayerNorm"), (channels, _eps(op.eps))))


@lowers(RMSNorm)
def rms_norm(op: RMSNorm, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.RMSNorm` if the axis is the last, else the runtime's `ChannelRMSNorm`."""
    given = op.attributes(*inputs)
    last = given["axis"] == len(inputs[0]) - 1
    channels = positional(given["channels"], "normalized_shape" if last else "channels", "channels")
    eps = keyword("eps", op.eps, "eps") if last else keyword("eps", op.eps, "eps", default=1e-6)
    return Lowering(Call(nn("RMSNorm") if last else runtime("ChannelRMSNorm"), (channels, eps)))


@lowers(GlobalResponseNorm)
def global_response_norm(op: GlobalResponseNorm, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return the runtime's `GlobalResponseNorm`."""
    given = op.attributes(*inputs)
    channels = positional(given["channels"], "channels", "channels")
    axis = keyword("axis", 1 if given["axis"] == 0 else -1, "axis", default=1)
    return Lowering(Call(runtime("GlobalResponseNorm"), (channels, keyword("eps", op.eps, "eps", default=1e-6), axis)))


@lowers(InstanceNorm)
def instance_norm(op: InstanceNorm, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.InstanceNorm1d`, `2d` or `3d`."""
    channels = positional(op.attributes(*inputs)["channels"], "num_features", "channels")
    affine = keyword("affine", op.affine, "affine", default=False)
    return Lowering(Call(nn(f"InstanceNorm{len(inputs[0]) - 1}d"), (channels, _eps(op.eps), affine)))


@lowers(LocalResponseNorm)
def local_response_norm(op: LocalResponseNorm, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.LocalResponseNorm`.

    On three spatial axes PyTorch views two as one, which needs a contiguous tensor.
    """
    arguments = (
        positional(op.size, "size", "size"),
        keyword("alpha", op.alpha, "alpha", default=1e-4),
        keyword("beta", op.beta, "beta", default=0.75),
        keyword("k", op.k, "k", default=1.0),
    )
    if len(inputs[0]) == 4:
        contiguous = Argument(Method(Input(0), "contiguous"))
        return Lowering(function=Call(functional("local_response_norm"), (contiguous, *arguments)))
    return both(nn("LocalResponseNorm"), functional("local_response_norm"), *arguments)


def _eps(eps: float) -> Argument:
    return keyword("eps", eps, "eps", default=1e-5)


def _affine(affine: bool) -> Argument:
    return keyword("affine", affine, "affine", default=True)
