"""How the axes of a traced tensor stand in the value that it is.

The language has no batch axis, and models move it and merge it with others. For each axis of the traced tensor, a layout has the
axes of the value that it consists of, with `BATCH_AXIS` among them. An empty entry is an axis of size one that the value lacks;
an axis of the value that is in no entry has size one.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

BATCH_AXIS = -1

Dims = tuple[tuple[int, ...], ...]


def plain(rank: int, batched: bool) -> Dims:
    """Return the layout of a value that has the axes of its tensor, but for the batch in front."""
    axes: Dims = tuple((axis,) for axis in range(rank))
    return ((BATCH_AXIS,), *axes) if batched else axes


def in_order(dims: Dims) -> list[int]:
    """Return the axes of the value in the order of the tensor, without the batch."""
    return [axis for entry in dims for axis in entry if axis != BATCH_AXIS]


def renumbered(dims: Dims, order: Sequence[int]) -> Dims:
    """Return the layout after the axes of the value are permuted to `order`."""
    place = {axis: at for at, axis in enumerate(order)} | {BATCH_AXIS: BATCH_AXIS}
    return tuple(tuple(place[axis] for axis in entry) for entry in dims)


def sorting(rank: int, dims: Dims) -> list[int]:
    """Return the permutation that brings the axes of a value into the order of the tensor; axes that it lacks come first."""
    order = in_order(dims)
    return [*(axis for axis in range(rank) if axis not in order), *order]


def regrouped(shape: Sequence[int], dims: Dims, target: Sequence[int], batch: int) -> tuple[tuple[int, ...], Dims] | None:
    """Return the shape and layout of a value after its tensor is reshaped to `target`; None if that tears the batch apart.

    An axis is split only where `target` splits it, and axes that are one axis of the tensor already, or together with the batch,
    stay apart until something needs them as one. Axes of size one are left out, but for those right behind the batch: the rows
    and columns of windows, of which there may be a single one.
    """
    atoms: list[tuple[int, int]] = []
    for axis in (axis for entry in dims for axis in entry):
        size = batch if axis == BATCH_AXIS else shape[axis]
        behind_batch = bool(atoms) and (atoms[-1][0] == BATCH_AXIS or atoms[-1][1] == 1)
        if size > 1 or axis == BATCH_AXIS or behind_batch:
            atoms.append((axis, size))
    pieces = _pieces(atoms, target)
    if pieces is None:
        return None
    apart = [set(entry) for entry in dims if BATCH_AXIS in entry or len(entry) > 1]
    sizes: list[int] = []
    origins: list[int] = []
    entries: list[tuple[int, ...]] = []
    for group in pieces:
        axes = {axis for axis, _ in group}
        if len(group) > 1 and BATCH_AXIS not in axes and not any(axes <= own for own in apart):
            group = [(group[0][0], prod(size for _, size in group))]
        entry = []
        for axis, size in group:
            if axis == BATCH_AXIS:
                entry.append(BATCH_AXIS)
            else:
                entry.append(len(sizes))
                sizes.append(size)
                origins.append(axis)
        entries.append(tuple(entry))
    kept = [axis for axis, size in atoms if axis != BATCH_AXIS]
    if origins == kept and [shape[axis] for axis in kept] == sizes:
        return tuple(shape), tuple(tuple(BATCH_AXIS if at == BATCH_AXIS else origins[at] for at in entry) for entry in entries)
    return tuple(sizes), tuple(entries)


def _pieces(atoms: list[tuple[int, int]], target: Sequence[int]) -> list[list[tuple[int, int]]] | None:
    """Return for each axis of `target` the parts of atoms that it consists of; None if an atom has no such parts."""
    left = list(reversed(atoms))
    found: list[list[tuple[int, int]]] = []
    for wanted in reversed(target):
        group: list[tuple[int, int]] = []
        if wanted == 1 and left and left[0][1] == 1:
            group.append(left.pop(0))
        while wanted > 1:
            if not left:
                return None
            axis, size = left.pop(0)
            if wanted % size == 0:
                wanted //= size
            elif size % wanted == 0 and axis != BATCH_AXIS:
                left.insert(0, (axis, size // wanted))
                size, wanted = wanted, 1
            else:
                return None
            group.insert(0, (axis, size))
        found.insert(0, group)
    return found if not left else None
