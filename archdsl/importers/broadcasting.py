"""Two operands of a join with the same axes, as the language needs them, where PyTorch broadcasts."""

from __future__ import annotations

from math import prod
from typing import Any

from archdsl.importers.aten import Refused, Step, TooManyNumbers
from archdsl.importers.aten_positions import mask_of_windows
from archdsl.importers.layouts import BATCH_AXIS, Dims, in_order, plain
from archdsl.importers.model import Apply, Value

Operand = Any
"""A node of a trace, or a value with its layout."""


def aligned(s: Step, left: Operand, right: Operand) -> tuple[list[Value], Dims | None]:
    """Return the values of two operands, of one rank, and their layout. Raise `Refused` if axes would have to be added."""
    constant = _constant_of(s, right)
    if constant is None and _constant_of(s, left) is not None:
        values, dims = aligned(s, right, left)
        return values[::-1], dims
    first, dims = _loose(s, left)
    if constant is not None:
        try:
            right = mask_of_windows(s, constant) or (s.const(right, _under(s, first, dims, tuple(constant.shape))), dims)
        except TooManyNumbers as many:
            right = s.unfolded(right, many)
    second, others = _loose(s, right)
    if constant is not None and others is dims:
        return [first, second], dims
    return _both(s, (left, first, dims), (right, second, others))


def _both(s: Step, one: tuple[Operand, Value, Dims], other: tuple[Operand, Value, Dims]) -> tuple[list[Value], Dims | None]:
    """Return the same for two operands that are values."""
    (left, first, dims), (right, second, others) = one, other
    if first.batched != second.batched:
        if not first.batched:
            return [fitted(s, second, others, first, dims), second], others
        return [first, fitted(s, first, dims, second, others)], dims
    if dims == others and len(first.shape) == len(second.shape):
        return [first, second], dims
    if not first.batched and (joint := _joint(s, (first, dims), (second, others))) is not None:
        return joint
    if isinstance(left, tuple) or isinstance(right, tuple):
        raise Refused(f"{s.node.target}: tensors of different ranks, which PyTorch broadcasts")
    values = [s.value(left), s.value(right)]
    ranks = [len(value.shape) for value in values]
    if first.batched and ranks[0] != ranks[1]:
        raise Refused(f"{s.node.target}: tensors of different ranks, which PyTorch broadcasts")
    if ranks[0] != ranks[1]:
        rank = max(ranks)
        values = [v if len(v.shape) == rank else _reshaped(s, v, (1,) * (rank - len(v.shape)) + v.shape) for v in values]
    return values, None


def _loose(s: Step, operand: Operand) -> tuple[Value, Dims]:
    if isinstance(operand, tuple):
        value, dims = operand
        return value, dims or plain(len(value.shape), value.batched)
    return s.loose(operand)


def _constant_of(s: Step, operand: Operand) -> Any:
    if isinstance(operand, tuple) or s.t.unfolding or isinstance(s.t.values.get(getattr(operand, "name", "")), Value):
        return None
    return s.constant(operand)


def _joint(s: Step, *operands: tuple[Value, Dims]) -> tuple[list[Value], Dims] | None:
    """Return values without batch, whose tensors have as many axes, with all axes that one of them has; None if that fails."""
    layouts = [dims for _, dims in operands]
    if len({len(dims) for dims in layouts}) > 1 or all(dims == plain(len(dims), False) for dims in layouts):
        return None
    if any(len(entry) > 1 for dims in layouts for entry in dims):
        return None
    places = [at for at, entries in enumerate(zip(*layouts, strict=True)) if any(entries)]
    values = []
    for operand in operands:
        value, dims = operand if in_order(operand[1]) == sorted(in_order(operand[1])) else s.sorted(*operand)
        sizes = tuple(value.shape[dims[at][0]] if dims[at] else 1 for at in places)
        values.append(value if sizes == value.shape else _reshaped(s, value, sizes))
    return values, tuple((places.index(at),) if at in places else () for at in range(len(layouts[0])))


def _under(s: Step, value: Value, dims: Dims, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape in the axes of a batched value that a tensor of `shape` has. Raise `Refused` if it does not fit."""
    if not value.batched and dims == plain(len(value.shape), False):
        return (1,) * (len(value.shape) - len(shape)) + shape
    sizes = [1] * len(value.shape)
    padded = (1,) * (len(dims) - len(shape)) + shape
    if len(padded) > len(dims):
        raise Refused(f"{s.node.target}: tensors of different ranks, which PyTorch broadcasts")
    for entry, size in zip(dims, padded, strict=True):
        if size == 1:
            continue
        if BATCH_AXIS in entry or prod(value.shape[axis] for axis in entry) not in (size, 1) or not entry:
            raise Refused(f"{s.node.target}: it broadcasts a tensor along an axis that the other one lacks")
        if len(entry) == 1:
            sizes[entry[0]] = size
        else:
            for axis in entry:
                sizes[axis] = value.shape[axis]
    return tuple(sizes)


def fitted(s: Step, value: Value, dims: Dims, other: Value, own: Dims) -> Value:
    """Return a value without batch in the axes of one with a batch."""
    if own != plain(len(other.shape), False):
        sizes = [1] * len(value.shape)
        for entry, mine in zip(dims[len(dims) - len(own) :], own, strict=True):
            if mine and len(entry) != len(mine):
                raise Refused(f"{s.node.target}: it joins axes that are merged in one of the tensors")
            for axis, source in zip(entry, mine, strict=False):
                sizes[axis] = other.shape[source]
        return other if tuple(sizes) == other.shape else _reshaped(s, other, tuple(sizes))
    producer = other.producer
    param = producer if isinstance(producer, Apply) and producer.op == "param" else None
    if param is not None and len(other.shape) == len(dims) and other.shape[0] == 1 and not param.args.get("batch_axis"):
        other.shape = other.shape[1:]
        param.args |= {"shape": other.shape, "batch_axis": True}
    shape = _under(s, value, dims, other.shape)
    return other if shape == other.shape else _reshaped(s, other, shape)


def _reshaped(s: Step, value: Value, shape: tuple[int, ...]) -> Value:
    return s.then("reshape", {"sizes": shape}, value, shape)
