"""Factors in PyTorch."""

from __future__ import annotations

from archdsl.backends.torch.expressions import Argument, Call, Method, Operation, Own, X, nn, positional, torch
from archdsl.backends.torch.lowerings.base import Lowering, lowers
from archdsl.ops.scale import LayerScale, Scale
from archdsl.shapes import Shape


@lowers(Scale)
def scale(op: Scale, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return a product with a number."""
    return Lowering(function=Operation("*", (X, positional(op.factor, "factor", "factor"))))


@lowers(LayerScale)
def layer_scale(op: LayerScale, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return a product with an `nn.Parameter`."""
    given = op.attributes(*inputs)
    start = Call(torch("full"), (positional(given["shape"], "size", "shape"), positional(given["init"], "fill_value", "init")))
    parameter = Call(nn("Parameter"), (Argument(start, "data"),))
    behind, factors = given["behind"], Argument(Own.PARAMETER)
    if op.flat and behind:
        factors = Argument(Method(Own.PARAMETER, "view", (Argument(-1), *(Argument(1) for _ in range(behind)))))
    return Lowering(function=Operation("*", (X, factors)), parameter=parameter)
