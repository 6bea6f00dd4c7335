"""What operations of PyTorch that only arrange elements are in the language: reshapes, permutations, parts, and resizing."""

from __future__ import annotations

from typing import Any

from archdsl.importers.aten import Refused, Step, per_axis, rule
from archdsl.importers.model import Apply, Value


@rule(
    "contiguous", "clone", "detach", "alias", "lift_fresh_copy", "to", "_to_copy", "type_as", "expand_as", "dropout_eval",
    "_assert_tensor_metadata",
)  # fmt: skip
def _nothing(s: Step) -> list[Apply]:
    if s.target.startswith("_assert"):
        return []
    if s.target.startswith(("to", "_to_copy")) and s.node.meta["val"].dtype != s.first.meta["val"].dtype:
        raise Refused(f"a conversion to {s.node.meta['val'].dtype}")
    return s.same(s.first)


@rule("flatten")
def _flatten(s: Step) -> list[Apply]:
    return _arranged(s)


@rule("view", "reshape", "_unsafe_view", "unsqueeze", "squeeze", "unflatten", "view_as", "reshape_as")
def _arranged(s: Step) -> list[Apply]:
    """Rearrange the elements in order: `flatten`, `reshape`, or nothing."""
    source = s.value(s.first)
    before, after = s.shape(s.first), s.shape()
    if not source.batched:
        if len(after) == len(before) + 1 and after == (1, *before):
            return s.same(s.first)
        return s.make("reshape", {"sizes": after}, source)
    if not after or after[0] != before[0]:
        raise Refused(f"{s.node.target}: it merges the batch with other axes")
    inner = after[1:]
    if inner == source.shape:
        return s.same(s.first)
    if len(inner) == 1:
        return s.make("flatten", {}, source)
    return s.make("reshape", {"sizes": inner}, source)


@rule("permute", "transpose", "t", "movedim", "swapaxes", "numpy_T", "mT")
def _permute(s: Step) -> list[Apply]:
    source = s.value(s.first)
    rank = len(s.shape(s.first))
    order = list(range(rank))
    name = s.target.partition(".")[0]
    if name == "permute":
        order = [dim % rank for dim in s.arg("dims")]
    elif name in ("transpose", "swapaxes"):
        a, b = (dim % rank for dim in s.node.args[1:3])
        order[a], order[b] = order[b], order[a]
    else:
        raise Refused(f"PyTorch's `{s.node.target}`")
    if source.batched and order[0] != 0:
        raise Refused(f"{s.node.target}: it moves the batch axis")
    inner = [dim - 1 for dim in order[1:]] if source.batched else order
    moved = [at for at, dim in enumerate(inner) if at != dim]
    if not moved:
        return s.same(s.first)
    if len(moved) == 2:
        return s.make("transpose", {"a": moved[0], "b": moved[1]}, source)
    return s.make("permute", {"order": tuple(inner)}, source)


@rule("expand")
def _expand(s: Step) -> list[Apply]:
    source = s.value(s.first)
    if not source.batched:
        shape = s.shape()
        producer = source.producer
        if isinstance(producer, Apply) and producer.op == "param" and s.shape(s.first) == (1, *shape[1:]):
            source.shape = shape[1:]
            producer.args |= {"shape": source.shape, "batch_axis": True}
            return s.same(s.first)
    elif s.shape() == s.shape(s.first):
        return s.same(s.first)
    raise Refused(f"{s.node.target}: it repeats a tensor along an axis")


@rule("cat")
def _cat(s: Step) -> list[Apply]:
    nodes = s.first
    values = [s.value(node) for node in nodes]
    dim = s.arg("dim")
    batched = next((node for node, value in zip(nodes, values, strict=True) if value.batched), nodes[0])
    axis = s.axis(dim, batched)
    if len(values) == 1:
        return s.same(nodes[0])
    rank = len(values[0].shape)
    return s.make("concat", {"axis": axis if axis == 0 else axis - rank if axis == rank - 1 else axis}, *values)


@rule("chunk", "split", "split_with_sizes", "unbind", "tensor_split")
def _split(s: Step) -> list[Apply]:
    source = s.value(s.first)
    name = s.target.partition(".")[0]
    if name in ("unbind", "tensor_split"):
        raise Refused(f"PyTorch's `{s.node.target}`")
    axis = s.axis(s.arg("dim") or 0, s.first)
    parts = [tuple(int(n) for n in item.shape[1:]) for item in s.node.meta["val"]]
    sizes = tuple(part[axis] for part in parts)
    shown: Any = len(sizes) if len(set(sizes)) == 1 else sizes
    node = Apply(
        "split", {"parts": shown, "axis": axis}, [source], [Value(part) for part in parts], None, s.place.module, s.place
    )
    for value in node.outputs:
        value.producer = node
    s.t.values[s.node.name] = node.outputs
    return [*s.extra, node]


@rule("<built-in function getitem>")
def _getitem(s: Step) -> list[Apply]:
    source = s.t.values.get(s.first.name)
    if not isinstance(source, list):
        raise Refused("a part of a result with several tensors")
    s.t.values[s.node.name] = source[s.node.args[1]]
    return []


@rule("slice", "narrow")
def _slice(s: Step) -> list[Apply]:
    source = s.value(s.first)
    dim = s.arg("dim") or 0
    if s.shape() == s.shape(s.first):
        return s.same(s.first)
    axis = s.axis(dim, s.first)
    size = source.shape[axis]
    start = s.arg("start") or 0
    start = start + size if start < 0 else min(start, size)
    step = s.arg("step") or 1
    count = s.shape()[dim]
    return s.make("slice", {"part": range(start, start + (count - 1) * step + 1, step), "axis": axis}, source)


@rule("select")
def _select(s: Step) -> list[Apply]:
    source = s.value(s.first)
    axis = s.axis(s.arg("dim"), s.first)
    at = s.arg("index") % source.shape[axis]
    cut = (*source.shape[:axis], 1, *source.shape[axis + 1 :])
    made = s.make("slice", {"part": range(at, at + 1), "axis": axis}, source, shape=cut)
    middle = made[-1].outputs[0]
    s.extra = made
    flat = (*source.shape[:axis], *source.shape[axis + 1 :])
    return s.make("flatten" if len(flat) == 1 else "reshape", {} if len(flat) == 1 else {"sizes": flat}, middle)


@rule("pixel_shuffle", "pixel_unshuffle", "channel_shuffle")
def _shuffle(s: Step) -> list[Apply]:
    name = s.target.partition(".")[0]
    return s.make(name, {"groups" if name == "channel_shuffle" else "r": s.node.args[1]}, s.value(s.first))


@rule("pad", "constant_pad_nd")
def _pad(s: Step) -> list[Apply]:
    source = s.value(s.first)
    amounts, mode = list(s.arg("pad")), s.arg("mode") or "constant"
    value = float(s.arg("value") or 0.0)
    sides = [(amounts[at], amounts[at + 1]) for at in range(0, len(amounts), 2)][::-1]
    sides = [(0, 0)] * (len(s.shape()) - len(sides)) + sides
    if any(min(side) < 0 for side in sides) or sides[0] != (0, 0):
        raise Refused("a padding of the batch, or a negative one")
    if sides[1] != (0, 0):
        if sides[1][0] == 0 and not any(map(any, sides[2:])) and mode == "constant" and value == 0.0:
            return s.make("pad_channels", {"to": source.shape[0] + sides[1][1]}, source)
        raise Refused("a padding of channels that is not of zeros behind the last")
    axes = len(sides) - 2
    before, after = (per_axis([side[n] for side in sides[2:]], axes) for n in (0, 1))
    args = {"amount": before} if before == after else {"before": before, "after": after}
    name = {"constant": "zeros"}.get(mode, mode)
    return s.make("pad", {**args, "mode": name, "value": value}, source)


@rule("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "upsample_bilinear2d", "upsample_linear1d",
      "upsample_trilinear3d", "upsample_bicubic2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa")  # fmt: skip
def _interpolate(s: Step) -> list[Apply]:
    source, result = s.value(s.first), s.shape()[2:]
    name = s.target.partition(".")[0].removeprefix("_")
    mode = next(word for word in ("nearest", "bilinear", "trilinear", "bicubic", "linear") if word in name)
    args: dict[str, Any] = {"mode": mode, "align_corners": bool(s.arg("align_corners"))}
    factors = s.arg("scale_factors") or [s.arg(name) for name in ("scales_d", "scales_h", "scales_w", "scales") if s.arg(name)]
    if factors and all(float(f).is_integer() for f in factors):
        scale = per_axis([int(f) for f in factors], len(result))
        return s.make("upsample", {"scale": scale, **args}, source)
    if factors:
        raise Refused("an interpolation by a factor that is no integer")
    args["antialias"] = s.target.partition(".")[0].endswith("_aa")
    return s.make("resize", {"size": per_axis(result, len(result)), **args}, source)


@rule("roll")
def _roll(s: Step) -> list[Apply]:
    axes = [s.axis(dim, s.first) for dim in s.arg("dims")]
    shifts = s.arg("shifts")
    return s.make(
        "roll", {"shift": per_axis(shifts, len(axes)), "axis": axes[0] if len(axes) == 1 else tuple(axes)}, s.value(s.first)
    )


@rule("matmul", "bmm")
def _matmul(s: Step) -> list[Apply]:
    left, right = s.value(s.node.args[0]), s.value(s.node.args[1])
    return s.make("matmul", {}, left, right)


@rule("scaled_dot_product_attention")
def _attention(s: Step) -> list[Apply]:
    values = [s.value(s.arg(name)) for name in ("query", "key", "value")]
    if s.arg("attn_mask") is not None:
        raise Refused("attention with a mask")
    args: dict[str, Any] = {"causal": bool(s.arg("is_causal")), "drop": float(s.arg("dropout_p") or 0.0)}
    if s.arg("scale") is not None:
        args["scale"] = float(s.arg("scale"))
    return s.make("attend", args, *values)
