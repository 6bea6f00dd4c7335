"""PyTorch's reductions along axes, as far as memory goes: see `aten.py`.

`kept` is the shape in which the reduced axes have a size of one, and `shape` that of the result.
"""

from __future__ import annotations

from math import inf

from archdsl.backends.torch.memory.aten import filled, pointwise
from archdsl.backends.torch.memory.autograd import record
from archdsl.backends.torch.memory.tensors import BOOL, LONG, Tensor, empty, empty_like
from archdsl.shapes import Shape


def mean(x: Tensor, shape: Shape) -> Tensor:
    """Return a mean, whose gradient is stretched and divided."""
    make = filled(x)
    return record(empty(x.meter, shape), [x], lambda grads, needs: [make()])


def global_mean(x: Tensor, shape: Shape) -> Tensor:
    """Return the mean of `adaptive_avg_pool`, which views that of an image with its channels last with other strides."""
    out = mean(x, shape)
    if not x.is_channels_last:
        return out
    make = filled(out)
    return record(out.view(out.shape), [out], lambda grads, needs: [make()])


def total(x: Tensor, shape: Shape, kept: Shape) -> Tensor:
    """Return a sum, whose gradient is stretched: a view."""
    wide = x.shape

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        g = grads[0]
        assert g is not None
        single = g.view(kept)
        strides = tuple([stride if a == b else 0 for a, b, stride in zip(kept, wide, single.strides, strict=True)])
        return [single.view(wide, strides)]

    return record(empty(x.meter, shape), [x], backward)


def variance(x: Tensor, shape: Shape, kept: Shape) -> Tensor:
    """Return a variance, whose gradient is a product with the differences from the mean."""

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        middle = empty(x.meter, kept)
        differences = pointwise(x, middle)
        scaled = empty(x.meter, kept)
        made = pointwise(differences, scaled)
        del middle, differences, scaled
        return [made]

    return record(empty(x.meter, shape), [x], backward)


def extreme(x: Tensor, shape: Shape, kept: Shape) -> Tensor:
    """Return the smallest or largest numbers, whose gradient is divided among those that are equal to it."""
    out = empty(x.meter, shape)
    found = out.view(kept)

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        assert found
        equal = empty(x.meter, x.shape, BOOL)
        count = empty(x.meter, kept, LONG)
        share = empty(x.meter, kept)
        made = empty_like(x)
        del equal, count, share
        return [made]

    return record(out, [x], backward)


def vector_norm(x: Tensor, shape: Shape, kept: Shape, p: float = 2.0) -> Tensor:
    """Return lengths (`linalg_vector_norm_backward` in `FunctionsManual.cpp`). Raise `ValueError` for an unusual `p`."""
    if p < 1 or p == inf:
        raise ValueError(p)
    out = empty(x.meter, shape)
    lengths = out.view(kept)

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        if p == 1:
            signs = empty_like(x)
            made = empty_like(signs)
            del signs
            return [made]
        if p == 2:
            divided, zeros = pointwise(x, lengths), empty(x.meter, kept, BOOL)
            made = empty_like(divided)
            del divided, zeros
            return [made]
        powers = [empty_like(x) for _ in range(1 if p > 2 else 2)]
        scaled = pointwise(x, powers[0])
        del powers
        lower = empty(x.meter, kept)
        share = empty_like(lower)
        del lower
        zeros = empty(x.meter, kept, BOOL)
        del zeros
        made = pointwise(scaled, share)
        del scaled, share
        return [made]

    return record(out, [x], backward)
