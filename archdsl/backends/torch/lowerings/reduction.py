"""Reductions in PyTorch."""

from __future__ import annotations

from typing import Any

from archdsl.backends.torch.expressions import Argument, Call, X, keyword, torch
from archdsl.backends.torch.lowerings.base import Lowering, lowers
from archdsl.ops.arithmetic import Max, Min
from archdsl.ops.reduction import Mean, Norm, Sum, Var
from archdsl.shapes import Shape


def along(function: str, given: Any, *further: Argument) -> Lowering:
    """Return a function along axes; the batch axis comes before axis 0."""
    axes = tuple([axis + 1 for axis in given["axis"]])
    dim = keyword("dim", axes[0] if len(axes) == 1 else axes, "axis")
    return Lowering(function=Call(torch(function), (X, *further, dim, keyword("keepdim", given["keep"], "keep", default=False))))


@lowers(Mean, Sum)
def mean_or_sum(op: Mean | Sum, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.mean` or `torch.sum`."""
    return along(op.name, op.attributes(*inputs))


@lowers(Var)
def var(op: Var, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.var`."""
    return along("var", op.attributes(*inputs), keyword("correction", int(op.unbiased), "unbiased", default=1))


@lowers(Norm)
def norm(op: Norm, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.linalg.vector_norm`."""
    return along("linalg.vector_norm", op.attributes(*inputs), keyword("ord", op.p, "p", default=2.0))


def extreme(op: Min | Max, *inputs: Shape) -> Lowering:
    """Return `torch.amin` or `torch.amax`."""
    return along(f"a{op.name}", op.attributes(*inputs))
