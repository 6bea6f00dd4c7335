"""What operations of PyTorch that only arrange elements are in the language: reshapes, permutations and parts."""

from __future__ import annotations

from typing import Any

import torch

from archdsl.importers.aten import Refused, Step, rule
from archdsl.importers.layouts import BATCH_AXIS, in_order, plain, regrouped
from archdsl.importers.model import Apply, Value


@rule(
    "contiguous", "clone", "detach", "alias", "lift_fresh_copy", "to", "_to_copy", "type_as", "expand_as", "dropout_eval",
    "_assert_tensor_metadata",
)  # fmt: skip
def _nothing(s: Step) -> list[Apply]:
    if s.target.startswith("_assert"):
        return []
    if s.target.startswith(("to", "_to_copy", "type_as")) and s.node.meta["val"].dtype != s.first.meta["val"].dtype:
        if s.first.meta["val"].is_floating_point() or s.node.meta["val"].dtype != torch.get_default_dtype():
            raise Refused(f"a conversion to {s.node.meta['val'].dtype}")
        return s.each("real", {}, s.first)
    if s.name == "expand_as" and s.shape() != s.shape(s.first):
        return _expand(s)
    return s.same(s.first)


@rule("flatten", "view", "reshape", "_unsafe_view", "unsqueeze", "squeeze", "unflatten", "view_as", "reshape_as")
def _arranged(s: Step) -> list[Apply]:
    """Rearrange the elements in order: `flatten`, `reshape`, or nothing."""
    source, dims = s.loose(s.first)
    before, after = s.shape(s.first), s.shape()
    if not source.batched:
        return _without_batch(s)
    single_window = source.shape[:2] == (1, 1) and len(source.shape) > 3 and after[1:] == source.shape[2:]
    if dims == plain(len(source.shape), True) and after and after[0] == before[0] and not single_window:
        return _whole(s, source, after[1:])
    source, dims = s.sorted(source, dims)
    found = regrouped(source.shape, dims, after, s.t.batch)
    if found is None:
        if after and after[0] == before[0] and dims[0] == (BATCH_AXIS,):
            return _whole(s, s.value(s.first), after[1:])
        raise Refused(f"{s.node.target}: it merges a part of an axis with the batch")
    shape, new = found
    if shape == source.shape:
        return s.let(source, new)
    return s.make("reshape", {"sizes": shape}, source, shape=shape, dims=new)


def _whole(s: Step, source: Value, shape: tuple[int, ...]) -> list[Apply]:
    """Rearrange a value whose batch stays in front."""
    if shape == source.shape:
        return s.let(source)
    if len(shape) == 1:
        return s.make("flatten", {}, source, shape=shape)
    return s.make("reshape", {"sizes": shape}, source, shape=shape)


def _without_batch(s: Step) -> list[Apply]:
    source, dims = s.loose(s.first)
    if dims != plain(len(source.shape), False):
        found = regrouped(source.shape, dims, s.shape(), s.t.batch)
        if found is not None and found[0] == source.shape:
            return s.let(source, found[1])
        if found is not None and in_order(dims) == sorted(in_order(dims)):
            return s.make("reshape", {"sizes": found[0]}, source, shape=found[0], dims=found[1])
    source = s.value(s.first)
    after = s.shape()
    if len(after) == len(source.shape) + 1 and after == (1, *source.shape):
        source.batched = source.batched or s.t.unfolding  # an axis for the examples, which all have the same numbers
        return s.let(source, None if source.batched else ((), *plain(len(source.shape), False)))
    return s.let(source) if after == source.shape else s.make("reshape", {"sizes": after}, source, shape=after)


@rule("permute", "transpose", "t", "movedim", "swapaxes", "numpy_T", "mT")
def _permute(s: Step) -> list[Apply]:
    source, dims = s.loose(s.first)
    rank = len(dims)
    order = list(range(rank))
    if s.name == "permute":
        order = [dim % rank for dim in s.arg("dims")]
    elif s.name in ("transpose", "swapaxes"):
        a, b = (dim % rank for dim in s.node.args[1:3])
        order[a], order[b] = order[b], order[a]
    elif s.name == "movedim" and isinstance(s.node.args[1], int):
        moved_to = s.node.args[2] % rank
        order.insert(moved_to, order.pop(s.node.args[1] % rank))
    elif s.name in ("t", "numpy_T", "mT") and rank == 2:
        order = [1, 0]
    else:
        raise Refused(f"PyTorch's `{s.node.target}`")
    value, moved = s.sorted(source, tuple(dims[at] for at in order))
    if value is source:
        return s.let(source, moved)
    last = s.extra.pop()
    return s.make(last.op, last.args, source, shape=value.shape, dims=moved)


@rule("expand")
def _expand(s: Step) -> list[Apply]:
    source = s.value(s.first)
    if not source.batched:
        shape = s.shape()
        producer = source.producer
        if isinstance(producer, Apply) and producer.op == "param":
            if source.shape == s.shape(s.first) == (1, *shape[1:]):
                source.shape = shape[1:]
                producer.args |= {"shape": source.shape, "batch_axis": True}
                return s.same(s.first)
            if source.shape == shape[1:]:
                return s.let(source, ((), *plain(len(source.shape), False)))
    elif s.shape() == s.shape(s.first) or (len(s.shape()) == len(s.shape(s.first)) and _only_joined(s.node)):
        return s.same(s.first)
    elif s.shape(s.first) == (1, *s.shape()[1:]):
        return s.same(s.first)
    raise Refused(f"{s.node.target}: it repeats a tensor along an axis")


def _only_joined(node: Any) -> bool:
    """Whether only arithmetic reads a repeated tensor, which repeats it by itself."""
    names = {str(user.target).removeprefix("aten.").partition(".")[0].removesuffix("_") for user in node.users}
    return names <= {"add", "sub", "mul", "div"}


@rule("cat")
def _cat(s: Step) -> list[Apply]:
    nodes = s.first
    values = [s.value(node) for node in nodes]
    dim = s.arg("dim") or 0
    batched = next((node for node, value in zip(nodes, values, strict=True) if value.batched), nodes[0])
    if len(values) == 1:
        return s.same(nodes[0])
    axis = s.axis(dim, batched)
    rank = len(values[0].shape)
    return s.make("concat", {"axis": axis if axis == 0 else axis - rank if axis == rank - 1 else axis}, *values)


@rule("stack")
def _stack(s: Step) -> list[Apply]:
    values = [s.value(node) for node in s.first]
    if not all(value.batched for value in values):
        raise Refused(f"{s.node.target}: it stacks parameters")
    axis = s.arg("dim") % (len(values[0].shape) + 2) - 1
    if axis < 0:
        raise Refused(f"{s.node.target}: it works on the batch axis")
    shape = (*values[0].shape[:axis], 1, *values[0].shape[axis:])
    return s.make("concat", {"axis": axis}, *(s.then("reshape", {"sizes": shape}, value, shape) for value in values))


@rule("chunk", "split", "split_with_sizes", "tensor_split", "unbind")
def _split(s: Step) -> list[Apply]:
    source, dims = s.loose(s.first)
    if not source.batched and not dims[0] and () in dims[1:]:
        s.value(s.first)
        source, dims = s.loose(s.first)
    dim = (s.arg("dim") or 0) % len(dims)
    axis = s.axis(dim, s.first)
    taken = s.name == "unbind"
    parts = [1 if taken else int(item.shape[dim]) for item in s.node.meta["val"]]
    shapes = [(*source.shape[:axis], part, *source.shape[axis + 1 :]) for part in parts]
    shown: Any = len(parts) if len(set(parts)) == 1 else tuple(parts)
    values = [Value(shape, source.batched) for shape in shapes]
    s.t.values[s.node.name] = values
    kept = tuple(entry for at, entry in enumerate(dims) if at != dim or not taken)
    if kept != plain(len(source.shape), source.batched):
        s.t.layouts[s.node.name] = kept
    if len(parts) == 1:
        s.t.values[s.node.name] = [source]
        return list(s.extra)
    node = Apply("split", {"parts": shown, "axis": axis}, [source], values, None, s.place.module, s.place)
    for value in values:
        value.producer = node
    return [*s.extra, node]


@rule("<built-in function getitem>")
def _getitem(s: Step) -> list[Apply]:
    source = s.t.values.get(s.first.name)
    if isinstance(source, list) and source[s.node.args[1]] is None and not s.node.users:
        return []  # positions of the largest numbers, which the model does not use
    if not isinstance(source, list) or source[s.node.args[1]] is None:
        raise Refused("a part of a result with several tensors")
    return s.let(source[s.node.args[1]], s.t.layouts.get(s.first.name))


@rule("slice", "narrow")
def _slice(s: Step) -> list[Apply]:
    source, dims = s.loose(s.first)
    dim = (s.arg("dim") or 0) % len(dims)
    if s.shape() == s.shape(s.first):
        return s.same(s.first)
    axis = s.axis(dim, s.first)
    size = source.shape[axis]
    start = s.arg("start") or 0
    start = start + size if start < 0 else min(start, size)
    step = s.arg("step") or 1
    count = s.shape()[dim]
    shape = (*source.shape[:axis], count, *source.shape[axis + 1 :])
    args = {"part": range(start, start + (count - 1) * step + 1, step), "axis": axis}
    return s.make("slice", args, source, shape=shape, dims=dims)


@rule("select")
def _select(s: Step) -> list[Apply]:
    source, dims = s.loose(s.first)
    dim = s.arg("dim") % len(dims)
    axis = s.axis(dim, s.first)
    at = s.arg("index") % source.shape[axis]
    cut = (*source.shape[:axis], 1, *source.shape[axis + 1 :])
    kept = tuple(entry for other, entry in enumerate(dims) if other != dim)
    part = s.then("slice", {"part": range(at, at + 1), "axis": axis}, source, cut) if source.shape[axis] > 1 else source
    flat = (*source.shape[:axis], *source.shape[axis + 1 :])
    if len(flat) == 1 and source.batched:
        return s.make("flatten", {}, part, shape=flat)
    return s.let(part, kept)


@rule("repeat")
def _repeat(s: Step) -> list[Apply]:
    if all(int(n) == 1 for n in s.arg("repeats")) and len(s.shape()) == len(s.shape(s.first)):
        return s.same(s.first)
    raise Refused(f"{s.node.target}: it repeats a tensor along an axis")


@rule("roll")
def _roll(s: Step) -> list[Apply]:
    axes = [s.axis(dim, s.first) for dim in s.arg("dims")]
    shifts = s.arg("shifts")
    if not any(shifts):
        return s.same(s.first)
    shift: Any = shifts[0] if len(set(shifts)) == 1 else tuple(shifts)
    made = s.make("roll", {"shift": shift, "axis": axes[0] if len(axes) == 1 else tuple(axes)}, s.value(s.first))
    s.t.rolled.append(made[-1])
    return made
