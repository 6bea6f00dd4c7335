"""Padding, cropping, enlarging and reordering in PyTorch."""

from __future__ import annotations

from archdsl.backends.torch.expressions import (
    Argument,
    AxesFrom,
    Call,
    Input,
    Method,
    X,
    functional,
    inputs,
    keyword,
    nn,
    positional,
    runtime,
    torch,
)
from archdsl.backends.torch.lowerings.base import Lowering, both, lowers
from archdsl.ops.base import Op, compact
from archdsl.ops.crop import CropLike
from archdsl.ops.rearrange import (
    ChannelShuffle,
    Pad,
    PadChannels,
    Permute,
    PixelShuffle,
    PixelUnshuffle,
    Resize,
    ResizeLike,
    Roll,
    Slice,
    Transpose,
    Unfold,
    Upsample,
)
from archdsl.shapes import Shape, SymbolicSize

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


@lowers(PixelShuffle)
def pixel_shuffle(op: PixelShuffle, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.PixelShuffle`."""
    return both(nn("PixelShuffle"), functional("pixel_shuffle"), positional(op.r, "upscale_factor", "r"))


@lowers(PixelUnshuffle)
def pixel_unshuffle(op: PixelUnshuffle, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.PixelUnshuffle`."""
    return both(nn("PixelUnshuffle"), functional("pixel_unshuffle"), positional(op.r, "downscale_factor", "r"))


@lowers(Roll)
def roll(op: Roll, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.roll`; the batch axis comes before axis 0."""
    given = op.attributes(*shapes)
    axes = tuple(axis + 1 for axis in given["axis"])
    arguments = (positional(given["shift"], "shifts", "shift"), positional(axes, "dims", "axis"))
    return Lowering(function=Call(torch("roll"), (X, *arguments)))


@lowers(Unfold)
def unfold(op: Unfold, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.Unfold`."""
    given = op.attributes(*shapes)
    arguments = (
        positional(compact(given["k"]), "kernel_size", "k"),
        keyword("dilation", compact(given["dilation"]), "dilation", default=1),
        keyword("padding", compact(given["pad"]), "pad", default=0),
        keyword("stride", compact(given["stride"]), "stride", default=1),
    )
    return both(nn("Unfold"), functional("unfold"), *arguments)


@lowers(ChannelShuffle)
def channel_shuffle(op: ChannelShuffle, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.ChannelShuffle`."""
    return both(nn("ChannelShuffle"), functional("channel_shuffle"), positional(op.groups, "groups", "groups"))


@lowers(Slice)
def slice_(op: Slice, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `Tensor.narrow`, which unlike a Python slice refuses a short axis; for symbolic ones and steps the runtime's."""
    given = op.attributes(*shapes)
    axis = given["axis"]
    arguments = (
        positional(axis + 1, "dim", "axis"),
        positional(given["start"], "start", "start"),
        positional(given["length"], "length", "length"),
    )
    if given["step"] != 1:
        return Lowering(function=Call(runtime("every"), (X, *arguments, positional(given["step"], "step", "step"))))
    if isinstance(shapes[0][axis], SymbolicSize):
        return Lowering(function=Call(runtime("narrow"), (X, *arguments)))
    return Lowering(function=Method(Input(0), "narrow", arguments))


@lowers(Permute)
def permute(op: Permute, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `Tensor.permute`; the batch axis stays first."""
    order = [positional(axis + 1, "dims", "order") for axis in op.attributes(*shapes)["order"]]
    return Lowering(function=Method(Input(0), "permute", (positional(0, "dims"), *order)))


@lowers(Transpose)
def transpose(op: Transpose, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `Tensor.transpose`; the batch axis comes before axis 0."""
    given = op.attributes(*shapes)
    axes = positional(given["a"] + 1, "dim0", "a"), positional(given["b"] + 1, "dim1", "b")
    return Lowering(function=Method(Input(0), "transpose", axes))
