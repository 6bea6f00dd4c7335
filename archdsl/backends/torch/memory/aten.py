"""PyTorch's functions as far as memory goes: what each allocates, what its backward pass keeps, and what that allocates.

Which tensors a function keeps is that of `tools/autograd/derivatives.yaml` in PyTorch; a test compares all of this with a
tracker of storages on the `meta` device. A closure keeps the tensors that it names, and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archdsl.backends.torch.memory.autograd import record, record_several
from archdsl.backends.torch.memory.tensors import (
    BOOL,
    FLOAT,
    Tensor,
    empty,
    empty_like,
    in_order,
    preserved_strides,
    viewed_strides,
)
from archdsl.shapes import Dim, Shape


def shaped_like(of: Tensor) -> Callable[[], Tensor]:
    """Return what makes a tensor in the order of another one, without keeping that one."""
    meter, shape, strides, item = of.meter, of.shape, preserved_strides(of), of.item
    return lambda: empty(meter, shape, item, strides)


def filled(of: Tensor) -> Callable[[], Tensor]:
    """Return what makes a contiguous tensor of the shape of another one, without keeping that one."""
    meter, shape, item = of.meter, of.shape, of.item
    return lambda: empty(meter, shape, item)


def ordered(of: Tensor) -> Callable[[], Tensor]:
    """Return what makes an image of the shape of another one whose channels are last, without keeping that one."""
    meter, shape, item = of.meter, of.shape, of.item
    strides = in_order(shape, (0, 2, 3, 1))
    return lambda: empty(meter, shape, item, strides)


# -- views and copies --


def viewed(x: Tensor, shape: Shape, strides: Shape | None = None) -> Tensor:
    """Return a view of another shape, whose gradient is reshaped back."""
    before = x.shape
    out = x.view(shape, viewed_strides(x, shape) if strides is None else strides)

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        return [None if (g := grads[0]) is None else reshape(g, before)]

    return record(out, [x], backward)


def reshape(x: Tensor, shape: Shape) -> Tensor:
    """Return a view, or the view of a copy if the elements are in another order."""
    strides = x.strides if x.shape == shape else viewed_strides(x, shape)
    if strides is not None:
        return viewed(x, shape, strides)
    copied = clone(x)
    return viewed(copied, shape)


def clone(x: Tensor) -> Tensor:
    """Return a contiguous copy, whose gradient is handed on."""
    return record(empty(x.meter, x.shape, x.item), [x], lambda grads, needs: [grads[0]])


def permuted(x: Tensor, order: Sequence[int]) -> Tensor:
    """Return a view with its axes in another order."""
    back = [list(order).index(axis) for axis in range(len(order))]
    out = x.view(tuple([x.shape[axis] for axis in order]), tuple([x.strides[axis] for axis in order]))

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        return [None if (g := grads[0]) is None else permuted(g, back)]

    return record(out, [x], backward)


def transposed(x: Tensor) -> Tensor:
    """Return a view with its last two axes exchanged."""
    rank = len(x.shape)
    return permuted(x, [*range(rank - 2), rank - 1, rank - 2])


def unit_axis(x: Tensor, axis: int) -> Tensor:
    """Return a view with a new axis of size one."""
    shape, strides = list(x.shape), list(x.strides)
    step = strides[axis] * shape[axis] if axis < len(shape) else 1
    shape.insert(axis, 1)
    strides.insert(axis, step)
    return viewed(x, tuple(shape), tuple(strides))


def expanded(x: Tensor, shape: Shape) -> Tensor:
    """Return a view whose axes of size one are stretched."""
    pairs = zip(x.shape, x.strides, shape, strict=True)
    strides = tuple([0 if old == 1 and new != 1 else stride for old, stride, new in pairs])
    return record(x.view(shape, strides), [x], lambda grads, needs: [grads[0]])


def narrowed(x: Tensor, axis: int, size: Dim) -> Tensor:
    """Return a view of a part of an axis. Its gradient is padded with zeros."""
    back = filled(x)
    shape = (*x.shape[:axis], size, *x.shape[axis + 1 :])
    out = x.view(shape, x.strides)
    return record(out, [x], lambda grads, needs: [back()])


def sliced(x: Tensor, axis: int, size: Dim, step: int) -> Tensor:
    """Return a view of every so manyth position of an axis. Its gradient is padded with zeros."""
    back = filled(x)
    strides = tuple([stride * step if i == axis else stride for i, stride in enumerate(x.strides)])
    out = x.view((*x.shape[:axis], size, *x.shape[axis + 1 :]), strides)
    return record(out, [x], lambda grads, needs: [back()])


def selected(x: Tensor) -> Tensor:
    """Return a view of one position of the first axis. Its gradient is the whole, with zeros elsewhere."""
    back = filled(x)
    return record(x.view(x.shape[1:], x.strides[1:]), [x], lambda grads, needs: [back()])


def split(x: Tensor, axis: int, sizes: Sequence[Dim]) -> list[Tensor]:
    """Return views of the parts of an axis. Their gradients are concatenated; a missing one is zeros."""
    parts = [x.view((*x.shape[:axis], size, *x.shape[axis + 1 :]), x.strides) for size in sizes]
    make = filled(x)
    makers = [filled(part) for part in parts]

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        whole = [maker() if g is None else g for g, maker in zip(grads, makers, strict=True)]
        made = make()
        del whole
        return [made]

    record_several(parts, [x], backward)
    return parts


# -- elementwise --


def broadcast(*shapes: Shape) -> Shape:
    """Return the shape to which tensors of these shapes are stretched."""
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple([next((size for size in sizes if size != 1), 1) for sizes in zip(*padded, strict=True)])


def pointwise(*inputs: Tensor, item: int = FLOAT) -> Tensor:
    """Return a new tensor of the stretched shape, in the order of the first input that has it."""
    shape = broadcast(*[x.shape for x in inputs])
    like = next((x for x in inputs if x.shape == shape), None)
    return empty(inputs[0].meter, shape, item, None if like is None else preserved_strides(like))


def add(a: Tensor, b: Tensor) -> Tensor:
    """Return a sum, whose gradient both inputs share."""
    return record(pointwise(a, b), [a, b], lambda grads, needs: [grads[0], grads[0]])


def subtract(a: Tensor, b: Tensor) -> Tensor:
    """Return a difference; the gradient of what is subtracted is negated."""

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        g = grads[0]
        assert g is not None
        return [g, empty_like(g) if needs[1] else None]

    return record(pointwise(a, b), [a, b], backward)


def multiply(a: Tensor, b: Tensor) -> Tensor:
    """Return a product: the gradient of each factor needs the other one."""
    keeps_a, keeps_b = b.edge is not None, a.edge is not None
    kept = (a if keeps_a else None, b if keeps_b else None)

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        g, (first, second) = grads[0], kept
        assert g is not None
        one = pointwise(g, second) if needs[0] and second is not None else None
        two = pointwise(g, first) if needs[1] and first is not None else None
        return [one, two]

    return record(pointwise(a, b), [a, b], backward)


def by_number(x: Tensor) -> Tensor:
    """Return a product or quotient with a number, which is also that of the gradient."""

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        return [None if (g := grads[0]) is None else empty_like(g)]

    return record(empty_like(x), [x], backward)


def plus_number(x: Tensor) -> Tensor:
    """Return a sum with a number."""
    return record(empty_like(x), [x], lambda grads, needs: [grads[0]])


def divide(a: Tensor, b: Tensor) -> Tensor:
    """Return a quotient: the gradients of both need the divisor, and that of the divisor the dividend."""
    kept = (a if b.edge is not None else None, b)

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        g, (first, second) = grads[0], kept
        assert g is not None
        two = None
        if needs[1] and first is not None:
            once = pointwise(first, second)
            twice = pointwise(once, second)
            negated = pointwise(g)
            two = pointwise(negated, twice)
            del once, twice, negated
        return [pointwise(g, second) if needs[0] else None, two]

    return record(pointwise(a, b), [a, b], backward)


def power(x: Tensor) -> Tensor:
    """Return a power, whose gradient needs the input: the lower power, its multiple, and the product."""

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        lower = empty_like(x)
        times = empty_like(lower)
        made = empty_like(times)
        del lower, times
        return [made]

    return record(empty_like(x), [x], backward)


def from_input(x: Tensor, temporaries: int = 0, masks: int = 0) -> Tensor:
    """Return a function of single numbers whose gradient needs the input, and tensors like it or masks at the same time."""

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        passing = [empty_like(x) for _ in range(temporaries)] + [empty(x.meter, x.shape, BOOL) for _ in range(masks)]
        made = pointwise(x, x)
        del passing
        return [made]

    return record(empty_like(x), [x], backward)


def clamped(x: Tensor, bounds: int) -> Tensor:
    """Return numbers between bounds, of which there are one or two. The gradient is chosen between itself and a zero."""

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        zero, masks = empty(x.meter, ()), [empty(x.meter, x.shape, BOOL) for _ in range(bounds)]
        made = pointwise(x, x)
        del zero, masks
        return [made]

    return record(empty_like(x), [x], backward)


def from_output(x: Tensor, temporaries: int = 0) -> Tensor:
    """Return a function of single numbers whose gradient needs the output, and tensors like it at the same time."""
    out = empty_like(x)
    kept = out.view(out.shape, out.strides)

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        passing = [empty_like(kept) for _ in range(temporaries)]
        made = empty_like(kept)
        del passing
        return [made]

    return record(out, [x], backward)


def softmax(x: Tensor) -> Tensor:
    """Return a softmax or its logarithm: contiguous, as its gradient is, which needs the output."""
    out = empty(x.meter, x.shape)
    kept, make = out.view(out.shape), filled(x)

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        assert kept
        return [make()]

    return record(out, [x], backward)


def without_gradient(x: Tensor) -> Tensor:
    """Return a function of single numbers whose gradient is zero everywhere."""
    make = shaped_like(x)
    return record(empty_like(x), [x], lambda grads, needs: [make()])


def minimum(a: Tensor, b: Tensor) -> Tensor:
    """Return the smaller or the larger of two numbers. The gradients are halved where both are equal, one after the other."""

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        g = grads[0]
        assert g is not None
        return [_chosen(g, a, b) if needed else None for needed in needs]

    return record(pointwise(a, b), [a, b], backward)


def _chosen(gradient: Tensor, a: Tensor, b: Tensor) -> Tensor:
    half, equal = pointwise(gradient), pointwise(a, b, item=BOOL)
    made = pointwise(gradient, half)
    other = pointwise(a, b, item=BOOL)
    del half, equal, other
    return made


def prelu(x: Tensor, slopes: Tensor) -> Tensor:
    """Return PReLU, whose two gradients are both of the shape of the input before that of the slopes is summed."""

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        assert slopes.shape
        return [empty_like(x), empty_like(x)]

    return record(empty_like(x), [x, slopes], backward)


def negated(mask: Tensor) -> Tensor:
    """Return the opposite of a bool mask."""
    return empty(mask.meter, mask.shape, BOOL)


def repeated_rows(x: Tensor, count: int) -> Tensor:
    """Return `repeat_interleave` along the first axis: a copy of a stretched view, whose gradients are summed."""
    rows, *rest = x.shape
    return viewed(clone(expanded(unit_axis(x, 1), (rows, count, *rest))), (rows * count, *rest))


def masked(x: Tensor, mask: Tensor) -> Tensor:
    """Return a tensor in which a mask says where a number replaces its elements; that is so for the gradient as well."""

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        g = grads[0]
        assert g is not None
        return [pointwise(g, mask)]

    return record(pointwise(x, mask), [x], backward)


def overwritten(x: Tensor) -> Tensor:
    """Return the result of such a function that is computed in place: the storage of the input, which its gradient needs."""
    out = x.view(x.shape, x.strides)
    kept = x.view(x.shape, x.strides)

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        return [empty_like(kept)]

    return record(out, [x], backward)


def overwritten_from_copy(x: Tensor) -> Tensor:
    """Return the result of a function that is computed in place and whose gradient needs the input, of which it keeps a copy."""
    out = x.view(x.shape, x.strides)
    if x.edge is None:
        return out
    kept = empty_like(x)

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        return [empty_like(kept)]

    return record(out, [x], backward)


def dropped(x: Tensor, mask: Shape) -> Tensor:
    """Return a product with a random mask, which is kept. The mask is made and scaled in place."""
    noise = empty_like(x) if mask == x.shape else empty(x.meter, mask)
    return multiply(x, noise)
