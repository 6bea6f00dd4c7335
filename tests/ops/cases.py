"""The cases that ops declare, as ops and input shapes for parametrized tests."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import pytest
import torch

from archdsl.ops import Op
from archdsl.ops.join import Input
from archdsl.shapes import Shape

Shapes = tuple[Shape, ...]


def cases(wanted: Callable[[Op, Shapes], bool] = lambda op, shapes: True) -> list[Any]:
    """Return the wanted cases of every op of the registry, each an op and its input shapes."""
    found = []
    for cls in Op.registry:
        for arguments, inputs in cls.cases if cls is not Input else ():
            op = cls.create({name: _made(value) for name, value in arguments.items()})
            for given in inputs:
                shapes = given if cls.arity == 0 or isinstance(given[0], tuple) else (given,)
                if wanted(op, shapes):
                    shown = ", ".join(f"{name} = {getattr(value, 'name', value)}" for name, value in arguments.items())
                    found.append(pytest.param(op, shapes, id=f"{cls.name}({shown})-{shapes}"))
    return found


def each_case(wanted: Callable[[Op, Shapes], bool] = lambda op, shapes: True) -> Any:
    """Return the parametrization of a test by `op` and `shapes` over the wanted cases."""
    return pytest.mark.parametrize(("op", "shapes"), cases(wanted))


def tensors(op: Op, shapes: Shapes, *, batch: int = 2, device: str = "cpu", grad: bool = False) -> list[torch.Tensor]:
    """Return inputs of these shapes, the same at every call; positive for ops that give NaN for others."""
    torch.manual_seed(1)
    if op.name == "max_unpool":
        places = torch.arange(prod(shapes[1][1:]), device=device).reshape(shapes[1][1:]).expand(batch, *shapes[1])
        values = [torch.randn((batch, *shape), device=device).requires_grad_(grad) for shape in (shapes[0], *shapes[2:])]
        return [values[0], places, *values[1:]]
    if op.integers == "required":
        tokens = torch.zeros((batch, *shapes[0]), dtype=torch.long, device=device)
        return [tokens, *(torch.randn((batch, *shape), device=device).requires_grad_(grad) for shape in shapes[1:])]
    values = [torch.randn((batch, *shape), device=device) for shape in shapes]
    if op.nan_below_zero:
        values = [value.abs() + 0.1 for value in values]
    return [value.requires_grad_(grad) for value in values]


def outputs_of(result: torch.Tensor | tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """Return what an op makes as a tuple."""
    return (result,) if isinstance(result, torch.Tensor) else tuple(result)


def _made(value: Any) -> Any:
    return value.create({}) if isinstance(value, type) else value
