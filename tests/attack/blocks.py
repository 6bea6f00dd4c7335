"""Random blocks, with parameters that have types and defaults, or hold an op; and calls of them."""

from __future__ import annotations

import random
from typing import Protocol

from tests.attack.arguments import Leaves
from tests.attack.interpret import Machine
from tests.attack.program import (
    Apply,
    Argument,
    Binary,
    Block,
    Choice,
    Expression,
    Literal,
    Name,
    OpValue,
    Parameter,
    Pipeline,
    Stage,
    Statement,
)
from tests.attack.values import Value, evaluate

Body = tuple[Statement, ...]


class Grow(Protocol):
    """Grows a body of statements from a value."""

    def __call__(self, machine: Machine, x: Value, scope: str, statements: int, depth: int) -> tuple[Body, Machine, Value]:
        """Return the body, and the machine and the value after it."""


class Blocks:
    """The blocks of one program."""

    def __init__(self, leaves: Leaves, grow: Grow) -> None:
        self.leaves, self.grow = leaves, grow
        self.random: random.Random = leaves.random
        self.defined: list[Block] = []

    def call(self, machine: Machine, x: Value, depth: int) -> tuple[Stage, ...]:
        """Return a call of a block, perhaps of a new one."""
        if not self.defined or (self.leaves.maybe(0.5) and len(self.defined) < 3 and depth < 2):
            block = self.new_block(machine, x, depth)
            self.defined.append(block)
            machine.blocks[block.name] = block
        block = self.random.choice(self.defined)
        arguments: list[Argument] = []
        for at, parameter in enumerate(block.parameters):
            if parameter.default is not None and self.leaves.maybe(0.5):
                continue
            by_name = len(arguments) < at or self.leaves.maybe(0.4) or any(each.name for each in arguments)
            arguments.append(Argument(parameter.name if by_name else None, self.argument(parameter)))
        return (Apply(block.name, tuple(arguments)),)

    def argument(self, parameter: Parameter) -> Expression:
        """Return a value for a block's parameter, which its name tells the kind of."""
        if parameter.name == "f":
            stage = self.leaves.activation()
            return OpValue(stage.name, stage.arguments)
        if parameter.name == "step":
            return Literal(self.random.choice((1, 1, 2, 3)))
        if parameter.name == "wide":
            return Literal(self.leaves.maybe(0.5))
        return self.leaves.number(self.leaves.width())

    def new_block(self, machine: Machine, x: Value, depth: int) -> Block:
        """Return a new block, with a body grown from `x`."""
        parameters = [Parameter("out", None, self.random.choice(("int", None)))]
        if self.leaves.maybe(0.5):
            parameters.append(Parameter("step", Literal(1)))
        if self.leaves.maybe(0.5):
            parameters.append(Parameter("f", OpValue("relu"), "op"))
        if self.leaves.maybe(0.3):
            parameters.append(Parameter("wide", Literal(False), "bool"))
        names = {each.name for each in parameters}
        opening: list[Stage] = []
        if len(x.shape) > 1 and self.leaves.maybe(0.9):
            out: Expression = Name("out")
            if "wide" in names:
                out = Choice(Binary("*", out, Literal(2)), Name("wide"), out)
            step = Name("step") if "step" in names else None
            opening.append(self.leaves.call("conv", [out, Literal(self.random.choice((1, 3)))], stride=step))
        if "f" in names:
            opening.append(Apply("f") if self.leaves.maybe(0.5) else self.leaves.call("act", [Name("f")]))
        start: Body = (Pipeline(tuple(opening)),) if opening else ()
        trial = machine.copy()
        given = {each.name: 4 if each.default is None else evaluate(each.default, {}) for each in parameters}
        trial.frames = []  # a block sees nothing of the place that it is called from
        with trial.braces(given):
            value = trial.run(start, x, "block.")
            body = self.grow(trial, value, "block.", self.random.randint(0, 2), depth + 1)[0]
        return Block(f"block_{len(self.defined)}", tuple(parameters), start + body)
