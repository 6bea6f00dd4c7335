"""PyTorch's products of matrices and attention, as far as memory goes: see `aten.py`."""

from __future__ import annotations

from archdsl.backends.torch.memory.aten import (
    add,
    broadcast,
    by_number,
    dropped,
    expanded,
    filled,
    reshape,
    shaped_like,
    softmax,
    transposed,
    viewed,
)
from archdsl.backends.torch.memory.autograd import record
from archdsl.backends.torch.memory.tensors import BOOL, FLOAT, Meter, Tensor, empty
from archdsl.shapes import Shape, numel


def matrix_product(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return `a @ b` for matrices or batches of them, plus a bias: `mm`, `bmm` or `addmm`."""
    shape = (*a.shape[:-1], b.shape[-1])
    keeps = (a if b.edge is not None else None, b if a.edge is not None else None)
    makers = (shaped_like(a), shaped_like(b)) if len(a.shape) == 2 else (filled(a), filled(b))
    first = bias is not None or len(a.shape) > 2

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        assert keeps
        one = makers[0]() if needs[0] and first else None
        two = makers[1]() if needs[1] else None
        one = makers[0]() if needs[0] and not first else one
        return [one, two, *([] if bias_shape is None else [grads[0]])]

    bias_shape = None if bias is None else bias.shape
    return record(empty(a.meter, shape), [a, b, *([] if bias is None else [bias])], backward)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return `F.linear`: one matrix product for all leading axes, with a copy of an input in another order."""
    rank = len(x.shape)
    if rank == 2:
        return matrix_product(x, transposed(weight), bias)
    lead = numel(x.shape[:-1])
    out = (*x.shape[:-1], weight.shape[0])
    if bias is not None and x.is_contiguous:
        flat = viewed(x, (lead, x.shape[-1]))
        return viewed(matrix_product(flat, transposed(weight), bias), out)
    turned = transposed(weight)
    product = viewed(matrix_product(reshape(x, (lead, x.shape[-1])), turned), out)
    return product if bias is None else add(product, bias)


def attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, *, causal: bool = False, drop: bool = False) -> Tensor:
    """Return scaled dot-product attention in PyTorch's plain form (`_scaled_dot_product_attention_math`)."""
    scaled = by_number(q)
    bias = earlier_keys(q.meter, (q.shape[-2], k.shape[-2])) if causal else mask
    if bias is not None and bias.item == BOOL:
        bias = as_numbers(bias)
    turned = by_number(transposed(k))
    scores = matmul(scaled, turned)
    del turned
    if bias is not None:
        scores = add(scores, bias)
    weights = softmax(scores)
    del scores
    if drop:
        weights = dropped(weights, weights.shape)
    made = matmul(weights, v)
    del scaled, bias  # variables of that function, which keeps them
    return made


def earlier_keys(meter: Meter, shape: Shape) -> Tensor:
    """Return a bool mask without the keys behind each query: half of a tensor of ones."""
    every = empty(meter, shape, BOOL)
    made = empty(meter, shape, BOOL)
    del every
    return made


def as_numbers(mask: Tensor) -> Tensor:
    """Return a bool mask as numbers that are added: a choice between two scalars (`convert_boolean_attn_mask`)."""
    scalars = [empty(mask.meter, ()) for _ in range(2)]
    made = empty(mask.meter, mask.shape, FLOAT)
    del scalars
    return made


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """Return the product of the last two axes, with all leading axes as one; those of size one are stretched."""
    lead = broadcast(a.shape[:-2], b.shape[:-2])
    count = numel(lead)
    one, two = (expanded(x, (*lead, *x.shape[-2:])) for x in (a, b))
    one, two = reshape(one, (count, *a.shape[-2:])), reshape(two, (count, *b.shape[-2:]))
    return viewed(matrix_product(one, two), (*lead, a.shape[-2], b.shape[-1]))


def weight_normed(direction: Tensor, length: Tensor) -> Tensor:
    """Return a weight by its direction and length. The norms are kept; both gradients are made at once."""
    out, norms = filled(direction)(), filled(length)()
    makers = filled(direction), filled(length)
    kept = (direction, length, norms)

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        assert kept
        return [make() for make in makers]

    return record(out, [direction, length], backward)
