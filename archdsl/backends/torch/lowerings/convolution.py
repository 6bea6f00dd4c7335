"""Convolutions in PyTorch."""

from __future__ import annotations

from archdsl.backends.torch.expressions import Argument, Call, keyword, nn, positional, runtime
from archdsl.backends.torch.lowerings.base import Lowering, lowers, weight_normed
from archdsl.ops.base import Op, compact
from archdsl.ops.convolution import Bottleneck, Conv, Depthwise, UpConv
from archdsl.shapes import Shape


@lowers(Conv, Bottleneck, Depthwise)
def convolution(op: Conv | Bottleneck | Depthwise, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.Conv1d`, `Conv2d` or `Conv3d`; the runtime's `SameConv1d` and so on where the size decides the padding."""
    given, kind = op.attributes(*inputs), f"Conv{len(inputs[0]) - 1}d"
    mode = keyword("padding_mode", given["pad_mode"], "pad_mode", default="zeros")
    module = Call(runtime(f"Same{kind}") if given["tf_same"] else nn(kind), (*_arguments(op, inputs[0]), mode))
    return Lowering(weight_normed(module, op.has_weight_norm))


@lowers(UpConv)
def transposed(op: UpConv, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.ConvTranspose1d`, `2d` or `3d`."""
    extra = keyword("output_padding", compact(op.attributes(*inputs)["output_pad"]), "output_pad", default=0)
    module = Call(nn(f"ConvTranspose{len(inputs[0]) - 1}d"), (*_arguments(op, inputs[0]), extra))
    return Lowering(weight_normed(module, op.weight_norm))


def _arguments(op: Op, shape: Shape) -> tuple[Argument, ...]:
    given = op.attributes(shape)
    return (
        positional(given["in_channels"], "in_channels", "in_channels"),
        positional(given["out"], "out_channels", "out"),
        keyword("kernel_size", compact(given["k"]), "k"),
        keyword("stride", compact(given["stride"]), "stride", default=1),
        keyword("padding", compact(given["pad"]), "pad", default=0),
        keyword("dilation", compact(given["dilation"]), "dilation", default=1),
        keyword("groups", given["groups"], "groups", default=1),
        keyword("bias", given["bias"], "bias", default=True),
    )
