"""The memory of what takes parts of a tensor and moves its elements."""

from __future__ import annotations

from archdsl.backends.torch.memory import aten
from archdsl.backends.torch.memory import aten_layers as layers
from archdsl.backends.torch.memory.rules.base import Applied, allocates
from archdsl.backends.torch.memory.tensors import Tensor


@allocates("flatten", "reshape")
def reshape(at: Applied) -> Tensor:
    """Return `Tensor.reshape`: a view, or a copy. `torch.flatten` returns the input itself if it has one axis."""
    return at.x if at.op.name == "flatten" and at.rank == 0 else aten.reshape(at.x, at.shape)


@allocates("split")
def split(at: Applied) -> list[Tensor]:
    """Return `Tensor.split`: views."""
    axis = at.given["axis"] + 1
    return aten.split(at.x, axis, [shape[axis] for shape in at.shapes])


@allocates("permute")
def permute(at: Applied) -> Tensor:
    """Return `Tensor.permute`: a view."""
    return aten.permuted(at.x, [0, *[axis + 1 for axis in at.given["order"]]])


@allocates("transpose")
def transpose(at: Applied) -> Tensor:
    """Return `Tensor.transpose`: a view."""
    order = list(range(len(at.x.shape)))
    a, b = at.given["a"] + 1, at.given["b"] + 1
    order[a], order[b] = b, a
    return aten.permuted(at.x, order)


@allocates("rearrange")
def rearrange(at: Applied) -> Tensor:
    """Return views of the parts of axes, a permutation, and a copy where axes are merged that are not in order."""
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


@allocates("slice")
def slice_(at: Applied) -> Tensor:
    """Return `Tensor.narrow`, a view; with steps or a symbolic size the runtime's functions, which copy."""
    given, x = at.given, at.x
    axis = given["axis"] + 1
    if given["step"] == 1 and isinstance(x.shape[axis], int):
        return aten.narrowed(x, axis, at.shape[axis])
    part = layers.resized(x, (*x.shape[:axis], given["length"], *x.shape[axis + 1 :]))
    if given["step"] == 1:
        return part
    order = list(range(len(x.shape)))
    order[0], order[axis] = axis, 0
    return aten.permuted(aten.sliced(aten.permuted(part, order), 0, at.shape[axis], given["step"]), order)


@allocates("pixel_shuffle", "pixel_unshuffle", "unfold", "roll", "window_shift")
def moved(at: Applied) -> Tensor:
    """Return a copy whose elements are in other places, as is the gradient."""
    return layers.resized(at.x, at.shape)


@allocates("channel_shuffle")
def channel_shuffle(at: Applied) -> Tensor:
    """Return such a copy, or a view if there is one group."""
    return aten.viewed(at.x, at.x.shape) if at.op.groups == 1 else layers.resized(at.x, at.shape)
