"""The memory of reductions along axes."""

from __future__ import annotations

from archdsl.backends.torch.memory import aten_reductions as reductions
from archdsl.backends.torch.memory.rules.base import Applied, Unmodelled, allocates
from archdsl.backends.torch.memory.tensors import Tensor
from archdsl.shapes import Shape


def _kept(at: Applied) -> Shape:
    """Return the shape of the input, with a size of one for each axis that is reduced."""
    reduced = {axis + 1 for axis in at.given["axis"]}
    return tuple([1 if axis in reduced else size for axis, size in enumerate(at.x.shape)])


@allocates("mean")
def mean(at: Applied) -> Tensor:
    """Return `torch.mean`."""
    return reductions.mean(at.x, at.shape)


@allocates("sum")
def total(at: Applied) -> Tensor:
    """Return `torch.sum`."""
    return reductions.total(at.x, at.shape, _kept(at))


@allocates("var")
def variance(at: Applied) -> Tensor:
    """Return `torch.var`."""
    return reductions.variance(at.x, at.shape, _kept(at))


@allocates("norm")
def norm(at: Applied) -> Tensor:
    """Return `torch.linalg.vector_norm`."""
    try:
        return reductions.vector_norm(at.x, at.shape, _kept(at), at.op.p)
    except ValueError:
        raise Unmodelled(at.op.name) from None


def extreme(at: Applied) -> Tensor:
    """Return `torch.amin` or `torch.amax`."""
    return reductions.extreme(at.x, at.shape, _kept(at))
