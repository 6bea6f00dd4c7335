"""For each kind of op, what its output sees of the network's input, given what its inputs see.

Windows are as in `reach.py`. Ops that combine all positions see everything: global pooling, attention, a dense layer on a
flattened map, and normalizations over positions. Batch normalization does so in training alone, through its statistics, and
counts as pointwise. Positions are those in the middle of an input: a cyclic shift is one without its wrap, and padding has
no content.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import gcd, prod
from typing import Any, Final, TypeAlias

from archdsl.analysis.seen import Seen, Sight, joined, mixed, stretched
from archdsl.ops.base import Category, Op
from archdsl.shapes import Dim, Shape, SizeError

Rule: TypeAlias = Callable[[Any, Sequence[Shape], Sequence[Sight], Sequence[Shape]], Sight]
"""Of an op, the shapes and sights of its inputs, and the shapes of its outputs."""


def sights(op: Op, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> list[Sight]:
    """Return what each output of an op sees."""
    if op.name == "split":
        return _split(op, shapes, seen, outputs)
    rule = _RULES.get(op.name)
    if rule is None:
        pointwise = op.category in _POINTWISE and len(shapes) == 1 and shapes[0] == outputs[0]
        rule = _same if pointwise or op.name in _SAME else _unknown
    return [rule(op, shapes, seen, outputs)] * len(outputs)


_POINTWISE: Final = frozenset({Category.ACTIVATION, Category.REGULARIZATION, Category.ARITHMETIC, Category.SCALE})
_SAME: Final = frozenset(
    {"bn", "frozen_bn", "scale", "layer_scale", "pos_embed", "pad_channels", "channel_shuffle", "embedding", "lookup", "pad_to",
     "pow", "sqrt", "exp", "log", "abs", "clamp", "sin", "cos", "real", "param", "const", "coords", "rel_coords", "rel_bias",
     "window_mask"}
)  # fmt: skip
"""Ops that keep positions apart, and those that see nothing of the input."""


def _each(sight: Sight, change: Callable[[Seen], Seen]) -> Sight:
    return {key: change(seen) if seen.reach is not None else seen for key, seen in sight.items()}


def _unknown(op: Op, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    return {key: one.unknown() for key, one in joined(seen).items()}


def _same(op: Op, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    return joined(op.data_of(seen)[:1]) if op.arity != 0 else {}


def _window(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    given = op.attributes(shapes[0])
    if op.weight_layer and given.get("groups") != given.get("in_channels"):
        seen = [mixed(seen[0], [0])]

    def change(one: Seen) -> Seen:
        if one.axis == 0:
            return one
        at = one.axis - 1
        k, stride, dilation = given["k"][at], given["stride"][at], given.get("dilation", (1,) * (at + 1))[at]
        before = given.get("pad", (0,) * (at + 1))[at]
        if given.get("tf_same"):
            before = _padding_before(shapes[0][one.axis], k, stride, dilation)
        return one.window(k, stride, before, dilation)

    return _each(seen[0], change)


def _padding_before(size: Dim, k: int, stride: int, dilation: int) -> int:
    """Return the rows before the first of TensorFlow's `SAME`; for a symbolic size those for multiples of the stride."""
    last = (size - 1) % stride if isinstance(size, int) else stride - 1
    return max(dilation * (k - 1) - last, 0) // 2


def _upconv(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    given = op.attributes(shapes[0])

    def change(one: Seen) -> Seen:
        if one.axis == 0:
            return one
        k, s, p, d = (given[name][one.axis - 1] for name in ("k", "stride", "pad", "dilation"))
        inputs = [[(o + p - d * t) // s for t in range(k) if (o + p - d * t) % s == 0] for o in range(s)]
        if not all(inputs):
            return one.unknown()  # some outputs see nothing
        return one.through(tuple([(min(of), max(of)) for of in inputs]), 1)

    return _each(mixed(seen[0], [0]), change)


def _resize(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    mode, centres = getattr(op, "mode", "nearest"), not getattr(op, "align_corners", False)

    def change(one: Seen) -> Seen:
        old, new = shapes[0][one.axis], outputs[0][one.axis]
        if one.axis == 0 or old == new:
            return one
        ratio = _ratio(old, new)
        if ratio is None or not centres or (getattr(op, "antialias", False) and ratio[0] > ratio[1]):
            return one.unknown()
        return one.through(tuple([_sources(mode, o, *ratio) for o in range(ratio[1])]), ratio[0])

    return _each(seen[0], change)


def _ratio(old: Dim, new: Dim) -> tuple[int, int] | None:
    """Return how many positions become how many; None if that depends on a symbolic size."""
    if isinstance(old, int) and isinstance(new, int):
        common = gcd(old, new)
        return old // common, new // common
    try:
        return next(((1, factor) for factor in range(2, 33) if new == old * factor), None)
    except SizeError:
        return None


def _sources(mode: str, position: int, old: int, new: int) -> tuple[int, int]:
    """Return the first and the last position from which one is interpolated, as `torch.nn.functional.interpolate` does."""
    if mode == "nearest":
        return (position * old // new,) * 2
    below, rest = divmod((2 * position + 1) * old - new, 2 * new)
    if rest == 0:
        return below, below
    return (below - 1, below + 2) if mode == "bicubic" else (below, below + 1)


def _shuffle(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    return _each(seen[0], lambda one: one if one.axis == 0 else one.through(((0, 0),) * op.r, 1))


def _unshuffle(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    return _each(seen[0], lambda one: one if one.axis == 0 else one.window(op.r, op.r))


def _unfold(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    windows = _window(op, shapes, seen, outputs)
    return _each(windows, lambda one: one.moved(one.axis and 1, aligned=one.axis == 0))


def _unpool(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    given = op.attributes(shapes[0])

    def change(one: Seen) -> Seen:
        k, stride, pad = (given[name][one.axis - 1] for name in ("k", "stride", "pad"))
        return one.through(((0, 0),) * k, 1) if k == stride and not pad else one.unknown()

    return _each(joined(seen[:2]), change)


def _pad(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    before = op.attributes(shapes[0])["before"]
    return _each(seen[0], lambda one: one if one.axis == 0 else one.window(1, 1, before[one.axis - 1]))


def _crop(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    axes = op.attributes(*shapes)["axis"]

    def change(one: Seen) -> Seen:
        if one.axis not in axes or op.keep == "start":
            return one
        try:
            cropped = shapes[0][one.axis] - outputs[0][one.axis]
        except SizeError:
            return one.unknown()
        return one.window(1, 1, -(cropped // 2)) if isinstance(cropped, int) else one.unknown()

    return _each(seen[0], change)


def _slice(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    given = op.attributes(shapes[0])
    return _each(seen[0], lambda one: one.window(1, given["step"], -given["start"]) if one.axis == given["axis"] else one)


def _split(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> list[Sight]:
    axis, found = op.attributes(shapes[0])["axis"], list[Sight]()
    start: Dim = 0
    for shape in outputs:
        found.append(_each(seen[0], partial(_from, axis, start)))
        start = start + shape[axis]
    return found


def _from(axis: int, start: Dim, one: Seen) -> Seen:
    """Return what a part of an axis sees that starts at a position."""
    if one.axis != axis:
        return one
    return one.window(1, 1, -start) if isinstance(start, int) else one.unknown()


def _roll(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    given = op.attributes(shapes[0])
    shifts = dict(zip(given["axis"], given["shift"], strict=True))
    return _each(seen[0], lambda one: one.window(1, 1, shifts[one.axis]) if shifts.get(one.axis) else one)


def _pool_to(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    def change(one: Seen) -> Seen:
        old, new = shapes[0][one.axis], outputs[0][one.axis]
        if one.axis == 0:
            return one
        if new == 1:
            return one.everything()
        ratio = _ratio(old, new) if isinstance(old, int) else None
        if ratio is None:
            return one.unknown()
        n, m = ratio
        return one.through(tuple([(o * n // m, -(-(o + 1) * n // m) - 1) for o in range(m)]), n)

    return _each(seen[0], change)


def _reduce(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    given = op.attributes(shapes[0])
    axes = given["axis"]
    left = [axis for axis in range(len(shapes[0])) if given["keep"] or axis not in axes]
    return _each(mixed(seen[0], axes), lambda one: one.moved(left.index(one.axis)))


def _over_positions(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    """Return the sight of a normalization by statistics of all positions."""
    return _each(seen[0], lambda one: one._replace(whole=True))


def _along(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    return mixed(seen[0], [op.attributes(shapes[0])["axis"]])


def _activation(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    """Return the sight of an `act`, which holds another activation."""
    return sights(op.f, shapes, seen, outputs)[0]


def _dense(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    return mixed(seen[0], [len(shapes[0]) - 1])


def _channels(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    return mixed(seen[0], [0])


def _attend(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    rank = len(shapes[0])
    parts = [mixed(seen[0], [rank - 1]), mixed(seen[1], [rank - 2, rank - 1]), mixed(seen[2], [rank - 2])]
    return joined(parts)


def _mha(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    given: dict[str, Sight] = dict(zip(("x", *op.present), seen, strict=True))
    key = given.get("key", given["x"])
    return joined([mixed(given["x"], [1]), mixed(key, [0, 1]), mixed(given.get("value", key), [0, 1])])


def _matmul(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    return joined([mixed(seen[0], [len(shapes[0]) - 1]), mixed(seen[1], [len(shapes[1]) - 2])])


def _flatten(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    return _each(seen[0], lambda one: one.moved(0, aligned=len(shapes[0]) == 1))


def _reshape(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    """Follow a reshape that merges the last axes."""
    old, new = shapes[0], outputs[0]
    kept = len(new) - 1
    if old[:kept] != new[:kept] or len(new) > len(old):
        return _each(seen[0], Seen.unknown) if old != new else seen[0]
    return _each(seen[0], lambda one: one.moved(min(one.axis, kept), aligned=one.axis < kept or len(old) == len(new)))


def _permute(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    order = op.attributes(shapes[0])["order"]
    return _each(seen[0], lambda one: one.moved(order.index(one.axis)))


def _transpose(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    given = op.attributes(shapes[0])
    other = {given["a"]: given["b"], given["b"]: given["a"]}
    return _each(seen[0], lambda one: one.moved(other.get(one.axis, one.axis)))


def _rearrange(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    """Follow the first name of an axis. What is split off behind it, as `p` of `(h p)`, is a window."""
    axes = op.axes(*shapes)

    def change(one: Seen) -> Seen:
        names = axes.left[one.axis].names
        if not names:
            return one.unknown()
        first, *fine = names
        window = prod([axes.sizes[name] for name in fine], start=1)
        if not isinstance(window, int):
            return one.unknown()
        to, group = next((i, group) for i, group in enumerate(axes.right) if first in group.names)
        moved = (one.window(window, window) if fine else one).moved(to)
        if group.names == (first,):
            return moved
        behind = prod([axes.sizes[name] for name in group.names[1:]], start=1)
        if group.names[0] != first or not isinstance(behind, int):
            return moved.moved(to, aligned=False)
        return moved.through(((0, 0),) * behind, 1)

    return _each(seen[0], change)


def _join(op: Any, shapes: Sequence[Shape], seen: Sequence[Sight], outputs: Sequence[Shape]) -> Sight:
    if not op.joins_branches:
        return _reduce(op, shapes, seen, outputs) if getattr(op, "axis", None) is not None else seen[0]
    output = outputs[0]
    found = joined([stretched(sight, shape, output) for sight, shape in zip(seen, shapes, strict=True)])
    grown = op.growing_axis(len(output))
    return _each(found, lambda one: one.moved(one.axis, aligned=one.axis != grown))


_RULES: Final[dict[str, Rule]] = {
    **dict.fromkeys(("conv", "bottleneck", "depthwise", "maxpool", "avgpool", "lppool", "blur_pool"), _window),
    **dict.fromkeys(("upsample", "resize", "resize_like"), _resize),
    **dict.fromkeys(("maxpool_to", "avgpool_to", "gap"), _pool_to),
    **dict.fromkeys(("mean", "sum", "var", "norm"), _reduce),
    **dict.fromkeys(("gn", "instance_norm", "grn"), _over_positions),
    **dict.fromkeys(("ln", "rms_norm", "softmax", "log_softmax"), _along),
    **dict.fromkeys(("linear", "unembed"), _dense),
    **dict.fromkeys(("add", "mul", "concat", "shake", "sub", "div", "min", "max"), _join),
    **dict.fromkeys(("roll", "window_shift"), _roll),
    "upconv": _upconv, "pixel_shuffle": _shuffle, "pixel_unshuffle": _unshuffle, "unfold": _unfold, "max_unpool": _unpool,
    "pad": _pad, "crop_like": _crop, "slice": _slice, "lrn": _channels, "act": _activation,
    "attend": _attend, "mha": _mha, "matmul": _matmul, "flatten": _flatten, "reshape": _reshape, "permute": _permute,
    "transpose": _transpose, "rearrange": _rearrange,
}  # fmt: skip
