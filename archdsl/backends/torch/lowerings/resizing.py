"""Padding, cropping, resizing and enlarging in PyTorch."""

from __future__ import annotations

from archdsl.backends.torch.expressions import (
    Argument,
    AxesFrom,
    Call,
    Input,
    X,
    functional,
    inputs,
    keyword,
    nn,
    positional,
    runtime,
)
from archdsl.backends.torch.lowerings.base import Lowering, both, lowers
from archdsl.ops.base import Op, compact
from archdsl.ops.crop import CropLike
from archdsl.ops.resizing import (
    Pad,
    PadChannels,
    Resize,
    ResizeLike,
    Upsample,
)
from archdsl.shapes import Shape

_KINDS = {"zeros": "Zero", "reflect": "Reflection", "replicate": "Replication", "circular": "Circular"}


@lowers(Pad)
def pad(op: Pad, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.ZeroPad2d` and its kin; PyTorch lists the last axis first."""
    given, axes = op.attributes(*shapes), len(shapes[0]) - 1
    sides = list(zip(given["before"], given["after"], strict=True))
    rows = tuple(amount for side in reversed(sides) for amount in side)
    value = [positional(op.value, "value", "value")] if op.value else []
    kind = "Constant" if value else _KINDS[op.mode]
    module = Call(nn(f"{kind}Pad{axes}d"), (positional(compact(rows), "padding", "amount"), *value))
    how = [keyword("mode", op.mode)] if op.mode != "zeros" else [keyword("value", op.value, "value", default=0.0)]
    return Lowering(module, Call(functional("pad"), (X, positional(rows, "pad", "amount"), *how)))


@lowers(PadChannels)
def pad_channels(op: PadChannels, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.functional.pad`, which lists the last axis first."""
    rows = (0, 0) * (len(shapes[0]) - 1) + (0, op.attributes(*shapes)["channels"])
    return Lowering(function=Call(functional("pad"), (X, positional(rows, "pad", "to"))))


@lowers(CropLike)
def crop_like(op: CropLike, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return the runtime's `center_crop`, or `start_crop`."""
    given = op.attributes(*shapes)
    dims = tuple([axis + 1 for axis in given["axis"]])
    spatial = tuple(range(2, len(shapes[0]) + 1))
    axes = () if op.keep == "middle" and dims == spatial else (positional(dims, "dims", "axis"),)
    return Lowering(function=Call(runtime("center_crop" if op.keep == "middle" else "start_crop"), (*inputs(2), *axes)))


@lowers(ResizeLike)
def resize_like(op: ResizeLike, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.functional.interpolate`."""
    size = Argument(AxesFrom(Input(1), 2), "size")
    return Lowering(function=Call(functional("interpolate"), (X, size, *_interpolation(op, *shapes))))


@lowers(Resize)
def resize(op: Resize, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.functional.interpolate`, and `torch.nn.Upsample` where that has the arguments."""
    size = keyword("size", compact(op.attributes(*shapes)["size"]), "size")
    arguments = (size, *_interpolation(op, *shapes))
    if op.antialias:
        return Lowering(function=Call(functional("interpolate"), (X, *arguments, keyword("antialias", True, "antialias"))))
    return both(nn("Upsample"), functional("interpolate"), *arguments)


@lowers(Upsample)
def upsample(op: Upsample, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.Upsample`, which is `interpolate`."""
    scale = keyword("scale_factor", compact(op.attributes(*shapes)["scale"]), "scale")
    return both(nn("Upsample"), functional("interpolate"), scale, *_interpolation(op, *shapes))


def _interpolation(op: Op, *shapes: Shape) -> tuple[Argument, ...]:
    given = op.attributes(*shapes)
    mode = keyword("mode", given["mode"], "mode", default="nearest")
    # PyTorch takes `align_corners=False` in the modes that read it alone.
    corners = [keyword("align_corners", True, "align_corners")] if given["align_corners"] else []
    return (mode, *corners)
