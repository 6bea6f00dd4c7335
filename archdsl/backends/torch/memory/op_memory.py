"""The memory of each op, as the functions of PyTorch to which it is lowered.

An op that is missing here makes the memory of a network unknown (`Unmodelled`); none is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from archdsl.backends.torch.memory import aten
from archdsl.backends.torch.memory import aten_layers as layers
from archdsl.backends.torch.memory.tensors import Meter, Tensor, empty
from archdsl.ops.base import Category
from archdsl.shapes import Shape


class Unmodelled(Exception):
    """An op whose memory is not modelled; the message is its name."""


class Applied(NamedTuple):
    """One application of an op: its inputs and parameters as tensors, and the shapes of its outputs, all with the batch axis."""

    op: Any
    meter: Meter
    inputs: Sequence[Tensor]
    parameters: Mapping[str, Tensor]
    shapes: Sequence[Shape]
    plain: tuple[Shape, ...]
    """The shapes of the inputs without the batch axis."""
    training: bool
    in_place: bool

    @property
    def x(self) -> Tensor:
        """The first input."""
        return self.inputs[0]

    @property
    def shape(self) -> Shape:
        """The shape of the first output."""
        return self.shapes[0]

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.plain[0]) - 1


Rule: TypeAlias = "Callable[[Applied], Tensor | list[Tensor]]"


def applied(at: Applied) -> list[Tensor]:
    """Return what an op makes. Raise `Unmodelled` if its memory is not modelled."""
    rule = _RULES.get(at.op.name)
    if rule is None:
        if at.op.category is Category.ACTIVATION:
            return [_activation(at)]
        raise Unmodelled(at.op.name)
    made = rule(at)
    return made if isinstance(made, list) else [made]


_FROM_OUTPUT: Final = frozenset({"sigmoid", "tanh", "softmax", "log_softmax", "relu"})
_FROM_INPUT: Final = frozenset({"gelu", "silu", "mish", "softplus", "hardswish", "hardsigmoid", "relu6", "leaky_relu"})
_KEEPS_COPY: Final = frozenset({"relu6"})
"""Functions that keep a copy of their input if they overwrite it."""


def _activation(at: Applied) -> Tensor:
    op = at.op
    while op.name == "act":
        op = op.f
    if at.in_place and op.gradient_from_output:
        return aten.overwritten_from_copy(at.x) if op.name in _KEEPS_COPY else aten.overwritten(at.x)
    if op.name in _FROM_OUTPUT:
        return aten.from_output(at.x)
    if op.name in _FROM_INPUT:
        return aten.from_input(at.x)
    raise Unmodelled(op.name)


def _convolution(at: Applied) -> Tensor:
    given = at.op.attributes(*at.plain)
    if given.get("tf_same") or given.get("pad_mode", "zeros") != "zeros" or "weight" not in at.parameters or at.rank != 2:
        raise Unmodelled(at.op.name)
    return layers.convolution(at.x, at.parameters["weight"], at.parameters.get("bias"), at.shape)


def _batch_norm(at: Applied) -> Tensor:
    channels = at.x.shape[1:2]
    return layers.normalized(at.x, channels, *at.parameters.values())


def _layer_norm(at: Applied) -> Tensor:
    if at.op.attributes(*at.plain)["axis"] == at.rank:
        return layers.normalized_contiguous(at.x, (*at.x.shape[:-1], 1), *at.parameters.values())
    axes = range(len(at.x.shape))
    last = aten.permuted(at.x, [0, *axes[2:], 1])
    made = layers.normalized_contiguous(last, (*last.shape[:-1], 1), *at.parameters.values())
    return aten.permuted(made, [0, axes[-1], *axes[1:-1]])


def _group_norm(at: Applied) -> Tensor:
    return layers.normalized(at.x, (at.x.shape[0], at.op.groups), *at.parameters.values())


def _linear(at: Applied) -> Tensor:
    if "weight" not in at.parameters or at.op.transposed:
        raise Unmodelled(at.op.name)
    return layers.linear(at.x, at.parameters["weight"], at.parameters.get("bias"))


def _max_pool(at: Applied) -> Tensor:
    if at.op.indices or at.op.attributes(*at.plain)["tf_same"] or at.rank != 2:
        raise Unmodelled(at.op.name)
    return layers.max_pool(at.x, at.shape)


def _average_pool(at: Applied) -> Tensor:
    if at.op.attributes(*at.plain)["tf_same"] or at.rank != 2:
        raise Unmodelled(at.op.name)
    return layers.keeping(at.x, at.shape)


def _pool_to(at: Applied) -> Tensor:
    if at.rank != 2:
        raise Unmodelled(at.op.name)
    if set(at.shape[2:]) == {1}:
        return layers.mean(at.x, at.shape)
    return layers.keeping(at.x, at.shape)


def _flatten(at: Applied) -> Tensor:
    return aten.reshape(at.x, at.shape)


def _add(at: Applied) -> Tensor:
    if at.op.number is not None:
        return aten.plus_number(at.x)
    return _chained(aten.add, at.inputs)


def _scale(at: Applied) -> Tensor:
    return aten.by_number(at.x)


def _multiply(at: Applied) -> Tensor:
    return _chained(aten.multiply, at.inputs)


def _chained(join: Callable[[Tensor, Tensor], Tensor], inputs: Sequence[Tensor]) -> Tensor:
    if len(inputs) == 1:
        return aten.clone(inputs[0])
    made = join(inputs[0], inputs[1])
    for other in inputs[2:]:
        made = join(made, other)
    return made


def _concatenate(at: Applied) -> Tensor:
    return layers.concatenated(at.inputs, at.op.attributes(*at.plain)["axis"] + 1, at.shape)


def _dropout(at: Applied) -> Tensor:
    if not at.training or at.op.p == 0:
        return at.x
    return aten.dropped(at.x, at.x.shape)


def _padded(at: Applied) -> Tensor:
    if getattr(at.op, "mode", "zeros") != "zeros":
        raise Unmodelled(at.op.name)
    return layers.resized(at.x, at.shape)


def _frozen_norm(at: Applied) -> Tensor:
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


def _crop(at: Applied) -> Tensor:
    x = at.x
    for axis in at.op.attributes(*at.plain)["axis"]:
        if x.shape[axis + 1] != at.shape[axis + 1]:
            x = aten.narrowed(x, axis + 1, at.shape[axis + 1])
    return x


def _self_attention(at: Applied) -> Tensor:
    """Return `nn.MultiheadAttention` of the input with itself, in the plain form (`F.multi_head_attention_forward`)."""
    op, x, given = at.op, at.x, at.parameters
    if op.present or op.causal or op.drop or "in_proj_weight" not in given:
        raise Unmodelled(op.name)
    batch, length, features = x.shape
    heads, each = op.heads, features // op.heads
    turned = aten.permuted(x, [1, 0, 2])
    packed = layers.linear(turned, given["in_proj_weight"], given.get("in_proj_bias"))
    packed = aten.viewed(packed, (length, batch, 3, features))
    packed = aten.permuted(aten.unit_axis(packed, 0), [3, 1, 2, 0, 4])
    packed = aten.viewed(packed, (3, length, batch, features), (*packed.strides[:3], packed.strides[4]))
    packed = aten.clone(packed)
    parts = [aten.selected(packed) for _ in range(3)]
    del packed
    for i in range(3):
        parts[i] = aten.permuted(aten.viewed(parts[i], (length, batch * heads, each)), [1, 0, 2])
    for i in range(3):
        parts[i] = aten.viewed(parts[i], (batch, heads, length, each))
    made = layers.attention(*parts)
    made = aten.viewed(aten.clone(aten.permuted(made, [2, 0, 1, 3])), (batch * length, features))
    made = layers.linear(made, given["out_proj.weight"], given.get("out_proj.bias"))
    made = aten.viewed(made, (length, batch, features))
    return aten.permuted(made, [1, 0, 2])


def _global_response_norm(at: Applied) -> Tensor:
    """Return the runtime's `GlobalResponseNorm`, whose norms and scale are variables until it returns."""
    x, axis = at.x, at.op.attributes(*at.plain)["axis"] + 1
    kept = tuple([size if i in (0, axis) else 1 for i, size in enumerate(x.shape)])
    norms = layers.vector_norm(x, kept)
    single = tuple([1 if i == axis else size for i, size in enumerate(kept)])
    scale = aten.divide(norms, aten.plus_number(layers.mean(norms, single)))
    wide = (kept[axis], *[1] * (len(kept) - axis - 1))
    weight, bias = at.parameters["weight"], at.parameters["bias"]
    product = layers.add_product(aten.reshape(bias, wide), aten.reshape(weight, wide), aten.multiply(x, scale))
    made = aten.add(x, product)
    del norms, scale
    return made


def _response_norm(at: Applied) -> Tensor:
    """Return `F.local_response_norm`, as its Python source does it for images."""
    if at.rank != 2:
        raise Unmodelled(at.op.name)
    op, x = at.op, at.x
    batch, channels, height, width = x.shape
    padded = (batch, 1, channels + op.size - 1, height, width)
    made = aten.viewed(aten.multiply(x, x), (batch, 1, channels, height, width))
    made = layers.resized(made, padded)
    made = layers.keeping(made, (batch, 1, channels, height, width))
    made = aten.viewed(aten.viewed(made, x.shape), x.shape)
    made = aten.power(aten.plus_number(aten.by_number(made)))
    return aten.divide(x, made)


def _split(at: Applied) -> list[Tensor]:
    axis = at.op.attributes(*at.plain)["axis"] + 1
    return aten.split(at.x, axis, [shape[axis] for shape in at.shapes])


def _permute(at: Applied) -> Tensor:
    order = at.op.attributes(*at.plain)["order"]
    return aten.permuted(at.x, [0, *[axis + 1 for axis in order]])


def _rearrange(at: Applied) -> Tensor:
    axes, x = at.op.axes(*at.plain), at.x
    for axis in reversed(range(len(axes.left))):
        names = axes.left[axis].names
        if len(names) != 1:
            parts = [axes.sizes[name] for name in names]
            x = aten.viewed(x, (*x.shape[: axis + 1], *parts, *x.shape[axis + 2 :]))
    before = [name for group in axes.left for name in group.names]
    after = [name for group in axes.right for name in group.names]
    if before != after:
        x = aten.permuted(x, [0, *[before.index(name) + 1 for name in after]])
    end = 1 + len(after)
    for group in reversed(axes.right):
        start = end - len(group.names)
        if len(group.names) > 1:
            x = aten.reshape(x, (*x.shape[:start], axes.size(group), *x.shape[end:]))
        end = start
    for axis, group in enumerate(axes.right):
        if not group.names:
            x = aten.unit_axis(x, axis + 1)
    return x


def _attend(at: Applied) -> Tensor:
    if at.op.present or at.op.causal or at.op.drop:
        raise Unmodelled(at.op.name)
    return layers.attention(*at.inputs)


def _slice(at: Applied) -> Tensor:
    given = at.op.attributes(*at.plain)
    if given["step"] != 1:
        raise Unmodelled(at.op.name)
    return aten.narrowed(at.x, given["axis"] + 1, at.shape[given["axis"] + 1])


def _resize(at: Applied) -> Tensor:
    if at.op.mode == "bicubic" or getattr(at.op, "antialias", False) or at.rank != 2:
        raise Unmodelled(at.op.name)
    return layers.resized(at.x, at.shape)


def _layer_scale(at: Applied) -> Tensor:
    (scale,) = at.parameters.values()
    if at.op.flat and at.op.attributes(*at.plain)["behind"]:
        raise Unmodelled(at.op.name)
    return aten.multiply(at.x, scale)


def _drop_path(at: Applied) -> Tensor:
    if not at.training or at.op.p == 0:
        return at.x
    if at.op.p == 1:
        raise Unmodelled(at.op.name)
    rows = at.x.shape[0] if at.op.mode == "row" else 1
    kept = empty(at.meter, (rows, *[1] * at.rank, 1))
    made = aten.multiply(at.x, aten.by_number(kept))
    del kept  # a variable of the runtime's `stochastic_depth`, which lasts until it returns
    return made


def _param(at: Applied) -> Tensor:
    (own,) = at.parameters.values()
    return own if at.op.batch_axis else aten.unit_axis(own, 0)


def _pos_embed(at: Applied) -> Tensor:
    if at.op.attributes(*at.plain)["resized"]:
        raise Unmodelled(at.op.name)
    (own,) = at.parameters.values()
    return aten.add(at.x, own)


_RULES: Final[dict[str, Rule]] = {
    **dict.fromkeys(("conv", "bottleneck", "depthwise", "upconv"), _convolution),
    **dict.fromkeys(("avgpool_to", "gap"), _pool_to),
    **dict.fromkeys(("upsample", "resize", "resize_like"), _resize),
    "bn": _batch_norm, "ln": _layer_norm, "gn": _group_norm, "linear": _linear, "maxpool": _max_pool, "avgpool": _average_pool,
    "flatten": _flatten, "reshape": _flatten, "add": _add, "mul": _multiply, "concat": _concatenate, "dropout": _dropout,
    "split": _split, "permute": _permute, "rearrange": _rearrange, "attend": _attend, "slice": _slice,
    "layer_scale": _layer_scale, "pad": _padded, "pad_channels": _padded, "pad_to": _padded, "frozen_bn": _frozen_norm,
    "crop_like": _crop, "mha": _self_attention, "lrn": _response_norm,
    "grn": _global_response_norm, "scale": _scale, "droppath": _drop_path, "param": _param,
    "pos_embed": _pos_embed, "act": _activation,
}  # fmt: skip
