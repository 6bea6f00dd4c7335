"""Joins in PyTorch."""

from __future__ import annotations

from archdsl.backends.torch.expressions import (
    Argument,
    Call,
    Expr,
    Input,
    Listed,
    Method,
    Operation,
    Own,
    X,
    inputs,
    positional,
    runtime,
    torch,
)
from archdsl.backends.torch.lowerings.base import Lowering, lowers
from archdsl.ops.join import Add, Concat, Mul, Shake
from archdsl.shapes import Shape

_MOST_TERMS = 500
"""Python compiles no expression that nests deeper than some thousand, and `a + b + c` nests to the left."""


@lowers(Add)
def add(op: Add, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `a + b`."""
    return Lowering(function=with_number("+", op.number) if op.number is not None else chain("+", len(shapes)))


@lowers(Mul)
def mul(op: Mul, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `a * b`."""
    return Lowering(function=chain("*", len(shapes)))


@lowers(Concat)
def concat(op: Concat, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.cat`; the batch axis comes before axis 0."""
    branches, axis = Argument(Listed(inputs(len(shapes))), "tensors"), op.attributes(*shapes)["axis"] + 1
    return Lowering(function=Call(torch("cat"), (branches, positional(axis, "dim", "axis"))))


@lowers(Shake)
def shake(op: Shake, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return the runtime's `shake`."""
    branches = Argument(Listed(inputs(len(shapes))), "branches")
    return Lowering(function=Call(runtime("shake"), (branches, Argument(Own.TRAINING, "training"))))


def with_number(operator: str, number: float) -> Expr:
    """Return the first input joined to a number by an operator."""
    return Operation(operator, (X, positional(number, "number", "number")))


def chain(operator: str, count: int) -> Expr:
    """Return the inputs joined by an operator. A single one is copied: the output must not be the input itself."""
    if count == 1:
        return Method(Input(0), "clone")
    terms = inputs(count)
    while len(terms) > _MOST_TERMS:
        chunks = [terms[i : i + _MOST_TERMS] for i in range(0, len(terms), _MOST_TERMS)]
        terms = tuple(Argument(Operation(operator, chunk)) for chunk in chunks)
    return Operation(operator, terms)
