"""Regularization in PyTorch."""

from __future__ import annotations

from archdsl.backends.torch.expressions import Argument, Call, Own, Target, X, functional, nn, positional, runtime
from archdsl.backends.torch.lowerings.base import Lowering, lowers
from archdsl.ops.regularization import Dropout, Dropout2d, DropPath
from archdsl.shapes import Shape


@lowers(Dropout)
def dropout(op: Dropout, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.Dropout`."""
    return _dropping(nn("Dropout"), functional("dropout"), positional(op.p, "p", "p"))


@lowers(Dropout2d)
def dropout2d(op: Dropout2d, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.Dropout1d`, `2d` or `3d`."""
    axes = len(inputs[0]) - 1
    return _dropping(nn(f"Dropout{axes}d"), functional(f"dropout{axes}d"), positional(op.p, "p", "p"))


@lowers(DropPath)
def droppath(op: DropPath, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return the runtime's `StochasticDepth`."""
    arguments = positional(op.p, "p", "p"), positional(op.mode, "mode", "mode")
    return _dropping(runtime("StochasticDepth"), runtime("stochastic_depth"), *arguments)


def _dropping(module: Target, function: Target, *arguments: Argument) -> Lowering:
    """Return a module, and the function of the same arguments with the mode after them."""
    return Lowering(Call(module, arguments), Call(function, (X, *arguments, Argument(Own.TRAINING, "training"))))
