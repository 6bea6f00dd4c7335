"""Parameters and constants in PyTorch."""

from __future__ import annotations

from archdsl.backends.torch.expressions import Argument, Call, Expr, Method, Own, keyword, nn, positional, torch
from archdsl.backends.torch.lowerings.base import Lowering, lowers
from archdsl.ops.value import Const, Param
from archdsl.shapes import Shape

_UNBATCHED = Method(Own.PARAMETER, "unsqueeze", (Argument(0, "dim"),))
"""The tensor of the module with a batch axis of one before its own."""

_COUNTED = 8
"""How many numbers 0, 1, 2, ... are written as a range."""


@lowers(Param)
def param(op: Param, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return an `nn.Parameter` of zeros, or filled by its initializer, and what gives it a batch axis."""
    shape = positional(op.attributes()["shape"], "size", "shape")
    start = Call(torch("zeros"), (shape,))
    if op.init is not None:
        arguments = [keyword(name, value) for name, value in op.init.arguments().items()]
        start = Call(nn(f"init.{op.init.function}"), (Argument(Call(torch("empty"), (shape,))), *arguments))
    function: Expr = Own.PARAMETER if op.batch_axis else _UNBATCHED
    if op.flat:
        function = Method(Own.PARAMETER, "reshape", (positional((1, *op.shape), "shape"),))
    return Lowering(function=function, parameter=Call(nn("Parameter"), (Argument(start, "data"),)))


@lowers(Const)
def const(op: Const, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return a tensor for a buffer, which the `state_dict` has if it is stored, and what gives it a batch axis."""
    given = op.attributes()
    shape = positional(given["shape"], "size", "shape")
    if isinstance(op.value, tuple):
        count = len(given["value"])
        if count >= _COUNTED and given["value"] == tuple(map(float, range(count))):
            buffer = Call(torch("arange"), (positional(float(count), "end"),))
        else:
            buffer = Call(torch("tensor"), (positional(given["value"], "data", "value"),))
        buffer = Call(torch("reshape"), (Argument(buffer), shape)) if op.shape is not None else buffer
    else:
        buffer = Call(torch("full"), (shape, positional(given["value"], "fill_value", "value")))
    return Lowering(function=_UNBATCHED, buffer=buffer, persistent=op.stored)
