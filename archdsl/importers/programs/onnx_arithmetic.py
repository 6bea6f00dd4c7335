"""Arithmetic of ONNX in PyTorch: sums, products, powers and reductions."""

from __future__ import annotations

import operator
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from archdsl.importers.aten import Refused
from archdsl.importers.programs.onnx_step import Step, operation, shown_number

_BINARY = {"Add": operator.add, "Sub": operator.sub, "Mul": operator.mul, "Div": operator.truediv}


def operand(s: Step, at: int) -> Any:
    """Return an input as PyTorch computes with it: a tensor, or one number."""
    found = s.inputs[at]
    if isinstance(found, Tensor):
        return found
    if found is None or found.size != 1:
        raise Refused("it computes with a constant of the file that is no parameter")
    return shown_number(found)


@operation(*_BINARY)
def _binary(s: Step) -> Tensor:
    left, right = operand(s, 0), operand(s, 1)
    if s.attribute("axis") is not None and isinstance(left, Tensor) and isinstance(right, Tensor):  # before opset 7
        first = s.attribute("axis") % left.dim()
        right = right.reshape(*right.shape, *[1] * (left.dim() - first - right.dim()))
    if isinstance(left, float) and s.node.op in ("Add", "Mul"):
        left, right = right, left
    return _BINARY[s.node.op](left, right)  # type: ignore[no-any-return]


@operation("Sum")
def _sum(s: Step) -> Tensor:
    total: Tensor = reduce(operator.add, [operand(s, at) for at in range(len(s.inputs))])
    return total


@operation("Max", "Min")
def _extreme(s: Step) -> Tensor:
    run = torch.maximum if s.node.op == "Max" else torch.minimum
    values = [operand(s, at) for at in range(len(s.inputs))]
    numbers = [value for value in values if isinstance(value, float)]
    if numbers and len(values) == 2:
        tensor = next(value for value in values if isinstance(value, Tensor))
        return torch.clamp(tensor, min=numbers[0]) if s.node.op == "Max" else torch.clamp(tensor, max=numbers[0])
    if numbers:
        raise Refused("an extreme of tensors and a number")
    extreme: Tensor = reduce(run, values)
    return extreme


@operation("Pow")
def _pow(s: Step) -> Tensor:
    exponent = s.number(1)
    return torch.pow(s.x, exponent if exponent is not None else 1.0)


@operation("Reciprocal")
def _reciprocal(s: Step) -> Tensor:
    return torch.pow(s.x, -1.0)


@operation("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2")
def _reduce(s: Step) -> Tensor:
    axes, keep = s.numbers(1, "axes"), bool(s.attribute("keepdims", 1))
    if not axes:
        raise Refused("a reduction over the batch")
    if s.node.op == "ReduceMean":
        return s.x.mean(axes, keepdim=keep)
    if s.node.op == "ReduceSum":
        return s.x.sum(axes, keepdim=keep)
    if s.node.op == "ReduceL2":
        norm: Tensor = torch.linalg.vector_norm(s.x, 2, axes, keep)
        return norm
    return s.x.amax(axes, keepdim=keep) if s.node.op == "ReduceMax" else s.x.amin(axes, keepdim=keep)


@operation("MatMul")
def _matmul(s: Step) -> Tensor:
    return torch.matmul(s.value(0), s.value(1))
