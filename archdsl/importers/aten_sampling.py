"""What padding, resizing and shuffling of PyTorch is in the language."""

from __future__ import annotations

from typing import Any

from archdsl.importers.aten import Refused, Step, per_axis, rule
from archdsl.importers.model import Apply, Value


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
    sides = [(0, 0)] * (len(source.shape) + 1 - len(sides)) + sides
    if all(max(side) <= 0 for side in sides) and sides[0] == (0, 0) and any(map(any, sides)):
        return _cut(s, source, sides[1:])
    if any(min(side) < 0 for side in sides) or sides[0] != (0, 0):
        raise Refused("a padding of the batch, or a negative one")
    if not any(map(any, sides)):
        return s.same(s.first)
    if len(source.shape) == 3 and sides[-1] == (0, 0) != sides[2] and sides[1] != (0, 0) and mode == "constant" and value == 0.0:
        return _to_multiple(s, source, sides[1:3])
    if sides[1] != (0, 0):
        if sides[1][0] == 0 and not any(map(any, sides[2:])) and mode == "constant" and value == 0.0:
            return s.make("pad_channels", {"to": source.shape[0] + sides[1][1]}, source)
        raise Refused("a padding of channels that is not of zeros behind the last")
    axes = len(sides) - 2
    before, after = (per_axis([side[n] for side in sides[2:]], axes) for n in (0, 1))
    args = {"amount": before} if before == after else {"before": before, "after": after}
    name = {"constant": "zeros"}.get(mode, mode)
    return s.make("pad", {**args, "mode": name, "value": value}, source)


def _cut(s: Step, source: Value, sides: list[tuple[int, int]]) -> list[Apply]:
    """Return a `slice` for each axis whose ends a negative padding takes off."""
    value = source
    for axis, (before, after) in enumerate(sides):
        if before or after:
            size = value.shape[axis]
            shape = (*value.shape[:axis], size + before + after, *value.shape[axis + 1 :])
            value = s.then("slice", {"part": range(-before, size + after), "axis": axis}, value, shape)
    return s.let(value)


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


def _to_multiple(s: Step, source: Value, sides: list[tuple[int, int]]) -> list[Apply]:
    """Return `pad_to` for zeros behind the rows and columns of `[h, w, c]`: the smallest multiple that gives so many."""
    if any(before for before, _ in sides):
        raise Refused("a padding of rows before the first, with the channels last")
    for multiple in range(2, max(source.shape[:2]) * 2 + 2):
        if all(-size % multiple == after for size, (_, after) in zip(source.shape, sides, strict=False)):
            return s.make("pad_to", {"multiple": multiple, "axis": (0, 1)}, source)
    raise Refused("a padding with the channels last that is not up to a multiple")
