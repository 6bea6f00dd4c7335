"""The memory of normalizations."""

from __future__ import annotations

from archdsl.backends.torch.memory import aten
from archdsl.backends.torch.memory import aten_layers as layers
from archdsl.backends.torch.memory import aten_reductions as reductions
from archdsl.backends.torch.memory.rules.base import Applied, allocates
from archdsl.backends.torch.memory.tensors import Tensor, empty


@allocates("bn")
def batch_norm(at: Applied) -> Tensor:
    """Return `torch.nn.BatchNorm2d` and its kin."""
    return layers.normalized(at.x, at.x.shape[1:2], *at.stored.values())


@allocates("ln")
def layer_norm(at: Applied) -> Tensor:
    """Return `torch.nn.LayerNorm`; the runtime's `ChannelLayerNorm` if the axis is not the last."""
    if at.given["axis"] == at.rank:
        return layers.normalized_contiguous(at.x, (*at.x.shape[:-1], 1), *at.stored.values())
    last = _channels_last(at.x)
    return _channels_first(layers.normalized_contiguous(last, (*last.shape[:-1], 1), *at.stored.values()))


@allocates("rms_norm")
def rms_norm(at: Applied) -> Tensor:
    """Return `torch.nn.RMSNorm`; the runtime's `ChannelRMSNorm` if the axis is not the last."""
    if at.given["axis"] == at.rank:
        return layers.root_mean_square(at.x, at.stored["weight"])
    return _channels_first(layers.root_mean_square(_channels_last(at.x), at.stored["weight"]))


def _channels_last(x: Tensor) -> Tensor:
    return aten.permuted(x, [0, *range(2, len(x.shape)), 1])


def _channels_first(x: Tensor) -> Tensor:
    last = len(x.shape) - 1
    return aten.permuted(x, [0, last, *range(1, last)])


@allocates("gn")
def group_norm(at: Applied) -> Tensor:
    """Return `torch.nn.GroupNorm`, which copies what is not contiguous."""
    x = at.x if at.x.is_contiguous else aten.clone(at.x)
    return layers.normalized(x, (at.x.shape[0], at.op.groups), *at.stored.values())


@allocates("instance_norm")
def instance_norm(at: Applied) -> Tensor:
    """Return `torch.nn.InstanceNorm2d` and its kin."""
    return layers.instance_normalized(at.x, *at.stored.values())


@allocates("frozen_bn")
def frozen_norm(at: Applied) -> Tensor:
    """Return the runtime's `FrozenBatchNorm`: five vectors, of which two stay, a product and a sum."""
    channels = at.x.shape[1:2]
    below = empty(at.meter, channels)
    root = aten.by_number(below)
    del below
    scale = aten.by_number(root)
    del root
    moved = aten.by_number(scale)
    shift = aten.by_number(scale)
    del moved
    wide = (channels[0], *[1] * at.rank)
    return aten.add(aten.multiply(at.x, aten.viewed(scale, wide)), aten.viewed(shift, wide))


@allocates("grn")
def global_response_norm(at: Applied) -> Tensor:
    """Return the runtime's `GlobalResponseNorm`, whose norms and scale are variables until it returns."""
    x, axis = at.x, at.given["axis"] + 1
    kept = tuple([size if i in (0, axis) else 1 for i, size in enumerate(x.shape)])
    norms = reductions.vector_norm(x, kept, kept)
    single = tuple([1 if i == axis else size for i, size in enumerate(kept)])
    scale = aten.divide(norms, aten.plus_number(reductions.mean(norms, single)))
    wide = (kept[axis], *[1] * (len(kept) - axis - 1))
    weight, bias = at.stored["weight"], at.stored["bias"]
    product = layers.add_product(aten.reshape(bias, wide), aten.reshape(weight, wide), aten.multiply(x, scale))
    made = aten.add(x, product)
    del norms, scale
    return made


@allocates("lrn")
def response_norm(at: Applied) -> Tensor:
    """Return `F.local_response_norm`, as its Python source does it: a mean over channels as one axis among others."""
    op, x = at.op, at.x
    batch, channels, *axes = x.shape
    flat = axes if at.rank < 3 else [axes[0], axes[1] * axes[2]]
    made = aten.viewed(aten.multiply(x, x), (batch, 1, channels, *flat))
    made = layers.resized(made, (batch, 1, channels + op.size - 1, *flat))
    made = layers.keeping(made, (batch, 1, channels, *flat))
    made = aten.viewed(aten.viewed(made, (batch, channels, *flat)), x.shape)
    made = aten.power(aten.plus_number(aten.by_number(made)))
    return aten.divide(x, made)
