"""Differences, quotients, minima and maxima in PyTorch."""

from __future__ import annotations

from archdsl.backends.torch.expressions import Argument, Call, Expr, Input, Method, X, inputs, keyword, torch
from archdsl.backends.torch.lowerings.base import Lowering, lowers
from archdsl.backends.torch.lowerings.join import chain, with_number
from archdsl.backends.torch.lowerings.reduction import extreme
from archdsl.ops.arithmetic import Div, Max, Min, Sub
from archdsl.shapes import Shape


@lowers(Sub)
def sub(op: Sub, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `a - b`."""
    return Lowering(function=with_number("-", op.number) if op.number is not None else chain("-", len(shapes)))


@lowers(Div)
def div(op: Div, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `a / b`."""
    return Lowering(function=with_number("/", op.number) if op.number is not None else chain("/", len(shapes)))


@lowers(Min, Max)
def min_or_max(op: Min | Max, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.minimum` or `torch.maximum`, `torch.clamp` for a number, and `torch.amin` or `torch.amax` along axes."""
    if op.axis is not None:
        return extreme(op, *shapes)
    if op.number is not None:
        bound = "max" if op.name == "min" else "min"
        return Lowering(function=Call(torch("clamp"), (X, keyword(bound, op.number, "number"))))
    if len(shapes) == 1:
        return Lowering(function=Method(Input(0), "clone"))
    return Lowering(function=_balanced(f"{op.name}imum", inputs(len(shapes))))


def _balanced(function: str, terms: tuple[Argument, ...]) -> Expr:
    """Return a function of two arguments, applied to many: nested as little as possible."""
    if len(terms) == 1:
        found: Expr = terms[0].value
        return found
    half = (len(terms) + 1) // 2
    sides = _balanced(function, terms[:half]), _balanced(function, terms[half:])
    return Call(torch(function), tuple(map(Argument, sides)))
