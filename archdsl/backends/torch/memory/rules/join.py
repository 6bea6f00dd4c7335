"""The memory of what joins branches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archdsl.backends.torch.memory import aten
from archdsl.backends.torch.memory import aten_layers as layers
from archdsl.backends.torch.memory import aten_reductions as reductions
from archdsl.backends.torch.memory.autograd import record
from archdsl.backends.torch.memory.rules.base import Applied, allocates
from archdsl.backends.torch.memory.rules.reduction import extreme
from archdsl.backends.torch.memory.tensors import Tensor, empty


@allocates("add", "sub")
def add_or_subtract(at: Applied) -> Tensor:
    """Return `a + b` or `a - b`, or that with a number."""
    if at.op.number is not None:
        return aten.plus_number(at.x)
    return _chained(aten.add if at.op.name == "add" else aten.subtract, at.inputs)


@allocates("mul")
def multiply(at: Applied) -> Tensor:
    """Return `a * b`."""
    return _chained(aten.multiply, at.inputs)


@allocates("div")
def divide(at: Applied) -> Tensor:
    """Return `a / b`, or that with a number."""
    return aten.by_number(at.x) if at.op.number is not None else _chained(aten.divide, at.inputs)


@allocates("min", "max")
def min_or_max(at: Applied) -> Tensor:
    """Return `torch.minimum`, `torch.clamp` with a number, or `torch.amin` along axes."""
    if at.op.axis is not None:
        return extreme(at)
    if at.op.number is not None:
        return aten.clamped(at.x, 1)
    return aten.clone(at.x) if len(at.inputs) == 1 else _balanced(at.inputs)


@allocates("concat")
def concatenate(at: Applied) -> Tensor:
    """Return `torch.cat`."""
    return layers.concatenated(at.inputs, at.given["axis"] + 1, at.shape)


@allocates("shake")
def shake(at: Applied) -> Tensor:
    """Return the runtime's `shake`."""
    count, first = len(at.inputs), at.x
    if not at.training:
        stacked = layers.concatenated(at.inputs, 0, (count, *first.shape))
        return reductions.mean(stacked, first.shape)
    draws = empty(at.meter, (2, count, first.shape[0], *[1] * len(at.plain[0])))
    sums = empty(at.meter, (2, 1, *draws.shape[2:]))
    weights = empty(at.meter, draws.shape)
    del sums
    if count == 2:
        others = empty(at.meter, (2, *draws.shape[2:]))
        weights = empty(at.meter, draws.shape)
        del others
    made = _shaken(at.inputs, weights)
    del draws  # a variable of that function, which lasts until it returns
    return made


def _shaken(branches: Sequence[Tensor], weights: Tensor) -> Tensor:
    """Return the weighted sum of `ShakeShake`, which keeps the weights and makes the gradients of all branches."""
    total = aten.pointwise(branches[0])
    for branch in branches[1:]:
        product = aten.pointwise(branch)
        total = aten.pointwise(total, product)
        del product

    def backward(grads: list[Tensor | None], needs: list[bool]) -> list[Tensor | None]:
        g = grads[0]
        assert g is not None and weights
        return [aten.pointwise(g) for _ in needs]

    return record(total, list(branches), backward)


def _chained(join: Callable[[Tensor, Tensor], Tensor], inputs: Sequence[Tensor]) -> Tensor:
    if len(inputs) == 1:
        return aten.clone(inputs[0])
    made = join(inputs[0], inputs[1])
    for other in inputs[2:]:
        made = join(made, other)
    return made


def _balanced(inputs: Sequence[Tensor]) -> Tensor:
    """Return what `torch.minimum` gives for many, nested as little as possible."""
    if len(inputs) == 1:
        return inputs[0]
    half = (len(inputs) + 1) // 2
    return aten.minimum(_balanced(inputs[:half]), _balanced(inputs[half:]))
