"""The memory of dense layers, products of matrices, and attention."""

from __future__ import annotations

from archdsl.backends.torch.memory import aten
from archdsl.backends.torch.memory import aten_products as products
from archdsl.backends.torch.memory.rules.base import Applied, allocates
from archdsl.backends.torch.memory.rules.window import weight_of
from archdsl.backends.torch.memory.tensors import BOOL, Tensor, empty
from archdsl.shapes import Shape


@allocates("linear")
def linear(at: Applied) -> Tensor:
    """Return `torch.nn.Linear`; the runtime's for a transposed weight."""
    weight = weight_of(at)
    return products.linear(at.x, aten.transposed(weight) if at.op.transposed else weight, at.stored.get("bias"))


@allocates("unembed")
def unembed(at: Applied) -> Tensor:
    """Return a product with the weight of a `torch.nn.Embedding`."""
    return products.linear(at.x, at.stored["weight"], None)


@allocates("matmul")
def matmul(at: Applied) -> Tensor:
    """Return `torch.matmul`."""
    sides = zip(at.inputs, (at.given["transpose_a"], at.given["transpose_b"]), strict=True)
    first, second = (aten.transposed(x) if transposed else x for x, transposed in sides)
    return products.matmul(first, second)


@allocates("attend")
def attend(at: Applied) -> Tensor:
    """Return `F.scaled_dot_product_attention`, whose masks and biases are added up before."""
    q, k, v = at.inputs[:3]
    mask: Tensor | None = None
    for other in at.inputs[3:]:
        for _ in range(len(q.shape) - len(other.shape)):
            other = aten.unit_axis(other, 1)
        mask = other if mask is None else _masked_bias(mask, other)
    causal = at.op.causal and mask is None
    if at.op.causal and mask is not None:
        mask = _causal_mask(mask, (q.shape[-2], k.shape[-2]))
    return products.attention(q, k, v, mask, causal=causal, drop=at.op.drop > 0 and at.training)


def _masked_bias(mask: Tensor, bias: Tensor) -> Tensor:
    """Return the runtime's `masked_bias`."""
    return aten.masked(bias, aten.negated(mask)) if mask.item == BOOL else aten.add(bias, mask)


def _causal_mask(mask: Tensor, shape: Shape) -> Tensor:
    """Return the runtime's `causal_mask`, which keeps its own mask until it returns."""
    earlier = products.earlier_keys(mask.meter, shape)
    if mask.item == BOOL:
        made = aten.pointwise(mask, earlier, item=BOOL)
    else:
        made = aten.masked(mask, aten.negated(earlier))
    del earlier
    return made


@allocates("mha")
def multihead_attention(at: Applied) -> Tensor:
    """Return `nn.MultiheadAttention` in its plain form (`F.multi_head_attention_forward`)."""
    op, named = at.op, at.named
    x, key = at.x, named.get("key", at.x)
    value = named.get("value", key)
    given = _attention_mask(at, x, key, named.get("mask")) if op.causal or "mask" in named else None
    mask = empty(at.meter, given.shape) if given is not None and given.item == BOOL else given
    features = x.shape[2]
    weights = at.stored
    bias = weights.get("in_proj_bias")
    if "in_proj_weight" not in weights:
        ways = [weights[f"{name}_proj_weight"] for name in "qkv"]
        parts = _projected([x, key, value], ways, bias)
    elif key is not value:
        ways = aten.split(weights["in_proj_weight"], 0, [features] * 3)
        parts = _projected([x, key, value], ways, bias)
    elif x is not key:
        parts = _projected_pair(x, key, weights["in_proj_weight"], bias)
    else:
        parts = _packed(products.linear(_length_first(x), weights["in_proj_weight"], bias), 3)
    made = _attended(at, parts, mask)
    made = products.linear(made, weights["out_proj.weight"], weights.get("out_proj.bias"))
    made = aten.viewed(made, (x.shape[1], x.shape[0], features))
    del mask, given  # variables of that function and of the module, which last until they return
    return aten.permuted(made, [1, 0, 2])


def _length_first(x: Tensor) -> Tensor:
    return aten.permuted(x, [1, 0, 2])


def _projected(inputs: list[Tensor], weights: list[Tensor], bias: Tensor | None) -> list[Tensor]:
    """Return three projections, each by its own part of the bias."""
    turned = _turned(inputs)
    biases: list[Tensor | None] = [None] * 3
    if bias is not None:
        biases = [*aten.split(bias, 0, [weight.shape[0] for weight in weights])]
    return [products.linear(*given) for given in zip(turned, weights, biases, strict=True)]


def _turned(inputs: list[Tensor]) -> list[Tensor]:
    """Return inputs with their length first; equal ones stay equal."""
    found = {id(x): _length_first(x) for x in inputs}
    return [found[id(x)] for x in inputs]


def _projected_pair(x: Tensor, key: Tensor, weight: Tensor, bias: Tensor | None) -> list[Tensor]:
    """Return the projection of the queries, and one for keys and values together."""
    features = x.shape[2]
    sizes = [features, 2 * features]
    ways = aten.split(weight, 0, sizes)
    biases = [None, None] if bias is None else aten.split(bias, 0, sizes)
    query = products.linear(_length_first(x), ways[0], biases[0])
    return [query, *_packed(products.linear(_length_first(key), ways[1], biases[1]), 2)]


def _packed(projection: Tensor, count: int) -> list[Tensor]:
    """Return the parts of one projection, which is copied so that each is contiguous."""
    length, batch, wide = projection.shape
    features = wide // count
    packed = aten.viewed(projection, (length, batch, count, features))
    packed = aten.permuted(aten.unit_axis(packed, 0), [3, 1, 2, 0, 4])
    packed = aten.viewed(packed, (count, length, batch, features), (*packed.strides[:3], packed.strides[4]))
    packed = aten.clone(packed)
    return [aten.selected(packed) for _ in range(count)]


def _attended(at: Applied, parts: list[Tensor], mask: Tensor | None) -> Tensor:
    """Return the attention of all heads as rows of features. Queries, keys and values end with it."""
    heads = at.op.heads
    length, batch, features = parts[0].shape
    each = features // heads
    for i, part in enumerate(parts):
        parts[i] = aten.permuted(aten.viewed(part, (part.shape[0], batch * heads, each)), [1, 0, 2])
        del part
    if mask is not None:
        single = len(mask.shape) == 2
        wide = (1, 1, *mask.shape) if single else (batch, heads, *mask.shape[1:])
        mask = aten.viewed(mask, wide)
    for i, part in enumerate(parts):
        parts[i] = aten.viewed(part, (batch, heads, part.shape[1], each))
        del part
    made = products.attention(parts[0], parts[1], parts[2], mask, drop=at.op.drop > 0 and at.training)
    parts.clear()
    return aten.viewed(aten.clone(aten.permuted(made, [2, 0, 1, 3])), (batch * length, features))


def _attention_mask(at: Applied, x: Tensor, key: Tensor, mask: Tensor | None) -> Tensor:
    """Return the runtime's `attention_mask`."""
    length, heads = x.shape[1], at.op.heads
    later = products.earlier_keys(at.meter, (length, key.shape[1]))
    if mask is None:
        return later
    hidden = aten.negated(mask) if mask.item == BOOL else mask
    hidden = aten.unit_axis(hidden, 1) if len(hidden.shape) == 2 else hidden
    hidden = aten.expanded(hidden, (x.shape[0], length, key.shape[1]))
    if at.op.causal:
        hidden = aten.pointwise(hidden, later, item=BOOL) if hidden.item == BOOL else aten.masked(hidden, later)
    made = aten.repeated_rows(hidden, heads)
    del later, hidden
    return made
