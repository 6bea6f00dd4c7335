"""Elementwise functions in PyTorch."""

from __future__ import annotations

from archdsl.backends.torch.expressions import Argument, Call, Input, Method, Own, X, keyword, positional, torch
from archdsl.backends.torch.lowerings.base import Lowering, lowers
from archdsl.ops import Op
from archdsl.ops.elementwise import Abs, Clamp, Cos, Exp, Log, Pow, Real, Sin, Sqrt
from archdsl.shapes import Shape


@lowers(Abs, Cos, Exp, Log, Sin, Sqrt)
def elementwise(op: Op, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return the function of that name."""
    return Lowering(function=Call(torch(op.name), (X,)))


@lowers(Pow)
def power(op: Pow, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.pow`."""
    return Lowering(function=Call(torch("pow"), (X, positional(op.exponent, "exponent", "exponent"))))


@lowers(Clamp)
def clamp(op: Clamp, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.clamp`."""
    bounds = (keyword("min", op.low, "low", default=None), keyword("max", op.high, "high", default=None))
    return Lowering(function=Call(torch("clamp"), (X, *bounds)))


@lowers(Real)
def real(op: Real, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `Tensor.to` the type of an empty buffer, which is that of the module's parameters."""
    return Lowering(function=Method(Input(0), "to", (Argument(Own.PARAMETER),)), buffer=Call(torch("empty"), (positional(0),)))
