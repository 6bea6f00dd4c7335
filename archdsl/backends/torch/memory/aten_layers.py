"""PyTorch's windows, concatenation, tables and normalizations, as far as memory goes: see `aten.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archdsl.backends.torch.memory.aten import (
    clone,
    filled,
    from_output,
    multiply,
    ordered,
    pointwise,
    power,
    reshape,
    shaped_like,
)
from archdsl.backends.torch.memory.aten_reductions import mean
from archdsl.backends.torch.memory.autograd import record
from archdsl.backends.torch.memory.tensors import FLOAT, LONG, Tensor, empty, empty_like, in_order
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


def max_pool(x: Tensor, shape: Shape) -> tuple[Tensor, Tensor]:
    """Return the maxima and their positions, which are computed in any case, and kept for the gradient."""
    out = empty(x.meter, shape)
    positions = empty(x.meter, shape, LONG)
    make, kept = filled(x), (x, positions)

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        assert kept
        return [make()]

    return record(out, [x], backward), positions


def taken(table: Tensor, places: Tensor, shape: Shape, *, added: bool) -> Tensor:
    """Return elements of a table by their places, which are kept. The gradient is a table; if `added`, zeros and a sum."""
    out, make, kept = empty(table.meter, shape), filled(table), places

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        assert kept
        zeros = make() if added else None
        made = make()
        del zeros
        return [made]

    return record(out, [table], backward)


def concatenated(parts: Sequence[Tensor], axis: int, shape: Shape) -> Tensor:
    """Return a concatenation, whose gradient is divided into views. Its channels are last if those of all parts are."""
    strides = in_order(shape, (0, 2, 3, 1)) if all(part.is_channels_last for part in parts) else None
    sizes = [part.shape[axis] for part in parts]

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        g = grads[0]
        assert g is not None
        return [g.view((*g.shape[:axis], size, *g.shape[axis + 1 :]), g.strides) for size in sizes]

    return record(empty(parts[0].meter, shape, strides=strides), list(parts), backward)


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
    kept = (x, scales[:1], first, second)

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        assert kept
        return [make() if i == 0 or needed else None for i, (make, needed) in enumerate(zip(makers, needs, strict=True))]

    return record(out, [x, *scales], backward)


def root_mean_square(x: Tensor, weight: Tensor) -> Tensor:
    """Return `F.rms_norm` over the last axis in PyTorch's plain form (`rms_norm_composite`)."""
    squares = power(x)
    means = mean(squares, (*x.shape[:-1], 1))
    factor = from_output(means, temporaries=2)
    del squares, means
    made = multiply(multiply(x, factor), weight)
    if not made.is_contiguous:
        made = clone(made)
    del factor  # a variable of that function
    return made


def instance_normalized(x: Tensor, *scales: Tensor) -> Tensor:
    """Return `F.instance_norm`: a batch normalization of one example with all channels."""
    batch, channels, *axes = x.shape
    wide = [repeated(scale, batch) for scale in scales]
    viewed = reshape(x, (1, batch * channels, *axes))
    return reshape(normalized(viewed, (batch * channels,), *wide), x.shape)


def repeated(x: Tensor, count: Dim) -> Tensor:
    """Return a vector several times behind itself, whose gradients are summed."""
    made, back = empty(x.meter, (x.shape[0] * count,)), filled(x)
    return record(made, [x], lambda grads, needs: [back()])


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
