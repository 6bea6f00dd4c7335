"""Taking parts and reordering in PyTorch."""

from __future__ import annotations

from archdsl.backends.torch.expressions import (
    Call,
    Input,
    Method,
    X,
    functional,
    keyword,
    nn,
    positional,
    runtime,
    torch,
)
from archdsl.backends.torch.lowerings.base import Lowering, both, lowers
from archdsl.ops.base import compact
from archdsl.ops.rearrange import (
    ChannelShuffle,
    Permute,
    PixelShuffle,
    PixelUnshuffle,
    Roll,
    Slice,
    Transpose,
    Unfold,
)
from archdsl.shapes import Shape, SymbolicSize


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
