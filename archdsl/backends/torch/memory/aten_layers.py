"""PyTorch's windows, normalizations, matrix products and attention, as far as memory goes: see `aten.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from archdsl.backends.torch.memory.aten import (
    add,
    by_number,
    filled,
    from_output,
    ordered,
    pointwise,
    reshape,
    shaped_like,
    transposed,
    viewed,
)
from archdsl.backends.torch.memory.autograd import record
from archdsl.backends.torch.memory.tensors import BOOL, FLOAT, LONG, Tensor, empty, empty_like
from archdsl.shapes import Dim, Shape

# -- windows --


def convolution(x: Tensor, weight: Tensor, bias: Tensor | None, shape: Shape) -> Tensor:
    """Return a convolution, whose gradient needs input and weight. It allocates all gradients at once."""
    last = x.is_channels_last
    out = empty(x.meter, shape)
    makers = [ordered(x) if last else filled(x), ordered(weight) if last else filled(weight)]
    makers += [] if bias is None else [filled(bias)]
    kept = (x, weight)

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        assert kept
        return [make() if needed else None for make, needed in zip(makers, needs, strict=True)]

    return record(out, [x, weight, *([] if bias is None else [bias])], backward)


def keeping(x: Tensor, shape: Shape, *others: Tensor, item: int = FLOAT) -> Tensor:
    """Return a new tensor of a shape, whose gradient needs the input and other tensors, and makes one like the input."""
    out = empty(x.meter, shape, item)
    kept, make = (x, *others), filled(x)

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        assert kept
        return [make()]

    return record(out, [x], backward)


def resized(x: Tensor, shape: Shape) -> Tensor:
    """Return a new tensor of a shape, whose gradient needs nothing, and makes one like the input: padding and interpolation."""
    make = filled(x)
    return record(empty(x.meter, shape), [x], lambda grads, needs: [make()])


def max_pool(x: Tensor, shape: Shape) -> Tensor:
    """Return the maxima. Their positions are computed in any case, and kept for the gradient."""
    out = empty(x.meter, shape)
    positions = empty(x.meter, shape, LONG)
    make, kept = filled(x), (x, positions)

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        assert kept
        return [make()]

    return record(out, [x], backward)


def mean(x: Tensor, shape: Shape) -> Tensor:
    """Return a mean over axes, of which `shape` has those that are left or of size one. Its gradient is stretched and divided."""
    make = filled(x)
    out = record(empty(x.meter, shape), [x], lambda grads, needs: [make()])
    return _restrided(out) if x.is_channels_last and len(shape) == 4 else out


def _restrided(x: Tensor) -> Tensor:
    """Return a view with other strides, as `adaptive_avg_pool2d` makes it for channels that are last."""
    make = filled(x)
    return record(x.view(x.shape), [x], lambda grads, needs: [make()])


def concatenated(parts: Sequence[Tensor], axis: int, shape: Shape) -> Tensor:
    """Return a concatenation, whose gradient is divided into views."""
    sizes = [part.shape[axis] for part in parts]

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        g = grads[0]
        assert g is not None
        return [g.view((*g.shape[:axis], size, *g.shape[axis + 1 :]), g.strides) for size in sizes]

    return record(empty(parts[0].meter, shape), list(parts), backward)


# -- normalizations --


def normalized(x: Tensor, statistics: Shape, *scales: Tensor) -> Tensor:
    """Return a normalization with the statistics, two tensors of this shape, which its gradient needs, as the input."""
    return _normalized(x, statistics, scales, shaped_like(x))


def normalized_contiguous(x: Tensor, statistics: Shape, *scales: Tensor) -> Tensor:
    """Return a normalization likewise, whose output and gradient are contiguous: that of layers."""
    return _normalized(x, statistics, scales, filled(x))


def _normalized(x: Tensor, statistics: Shape, scales: Sequence[Tensor], make: Callable[[], Tensor]) -> Tensor:
    out, first, second = make(), empty(x.meter, statistics), empty(x.meter, statistics)
    makers = [make, *map(filled, scales)]
    kept = (x, scales, first, second)

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        assert kept
        return [make() if i == 0 or needed else None for i, (make, needed) in enumerate(zip(makers, needs, strict=True))]

    return record(out, [x, *scales], backward)


# -- products of matrices --


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
    lead: Dim = prod(x.shape[:-1])
    out = (*x.shape[:-1], weight.shape[0])
    if bias is not None and x.is_contiguous:
        flat = viewed(x, (lead, x.shape[-1]))
        return viewed(matrix_product(flat, transposed(weight), bias), out)
    turned = transposed(weight)
    product = viewed(matrix_product(reshape(x, (lead, x.shape[-1])), turned), out)
    return product if bias is None else add(product, bias)


def softmax(x: Tensor) -> Tensor:
    """Return a softmax, whose gradient needs the output."""
    return from_output(x)


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Return scaled dot-product attention in PyTorch's plain form (`_scaled_dot_product_attention_math`)."""
    scaled = by_number(q)
    turned = by_number(transposed(k))
    scores = batched_product(scaled, turned)
    del turned
    weights = softmax(scores)
    del scores
    made = batched_product(weights, v)
    del scaled  # a variable of that function, which keeps it
    return made


def batched_product(a: Tensor, b: Tensor) -> Tensor:
    """Return the product of the last two axes, with all leading axes as one."""
    lead: Dim = prod(a.shape[:-2])
    one = reshape(a, (lead, *a.shape[-2:]))
    two = reshape(b, (lead, *b.shape[-2:]))
    return viewed(matrix_product(one, two), (*a.shape[:-1], b.shape[-1]))


def vector_norm(x: Tensor, shape: Shape) -> Tensor:
    """Return lengths along axes, of which `shape` has a size of one. The gradient divides the input by those that are not 0."""
    out = empty(x.meter, shape)
    kept = out.view(shape)

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        divided = pointwise(x, kept)
        zeros = empty(x.meter, kept.shape, BOOL)
        made = empty_like(divided)
        del divided, zeros
        return [made]

    return record(out, [x], backward)


def add_product(start: Tensor, factor: Tensor, other: Tensor) -> Tensor:
    """Return `addcmul`, whose gradients need both factors."""

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        g = grads[0]
        assert g is not None
        scaled = empty_like(other)
        one = pointwise(g, scaled)
        del scaled
        scaled = empty_like(factor)
        two = pointwise(g, scaled)
        del scaled
        return [g, one, two]

    return record(pointwise(other, factor), [start, factor, other], backward)
