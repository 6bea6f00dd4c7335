"""A whole program as a network: its parameters and inputs, its results at given sizes, its biases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from tests.attack.interpret import Machine
from tests.attack.places import BATCH, Modules
from tests.attack.program import Expression, Input, Name, Program, Size
from tests.attack.values import Planned, Refused, Value, evaluate

Sizes = Mapping[str, int]
LARGEST_TOKEN = 3  # an input of integers holds 0 to 3; generated embeddings are at least that large


@dataclass
class Run:
    """What a program gave at one assignment of sizes."""

    machine: Machine
    inputs: dict[str, Value]
    main: Value

    def results(self, training: bool) -> dict[str, Value]:
        """Return the results by name: the network's own, then heads (in training alone) and outputs."""
        named = {"main": self.main}
        for kind in ("aux", "output"):
            if kind == "output" or training:
                named.update({name: value for name, (this, value) in self.machine.heads.items() if this == kind})
        return named

    def live(self, training: bool) -> set[Value]:
        """Return all values that the results are made from."""
        return set().union(*(value.ancestors() for value in self.results(training).values()))

    def macs(self) -> int:
        """Return the multiply-accumulates of one example, in evaluation."""
        return sum(value.macs for value in self.live(training=False))

    def unbiased(self) -> frozenset[str]:
        """Return the convolutions that `bias = auto` leaves without a bias: their only use subtracts the mean of each channel."""
        results = self.results(training=True).values()
        runs: dict[str, list[Value]] = {}
        for value in self.machine.nodes:
            runs.setdefault(value.path or "", []).append(value)
        return frozenset(
            path
            for path, values in runs.items()
            if path
            if all(value.consumers == [True] and not any(value is result for result in results) for value in values)
            if not any(value.homes for value in values) or all(value.within == [True] for value in values)
        )

    def is_left_to_chance(self) -> bool:
        """Return whether training gives other numbers each time, even from one seed.

        A single random op draws the same numbers on both sides; of several the order is not stated, nor how `shake` weighs.
        """
        live = self.live(training=True)
        deciding = [value for value, probability in self.machine.chances if value in live and 0 < probability < 1]
        return bool(deciding) and (len(self.machine.chances) > 1 or deciding[0].made_by == "shake")


def parameters(program: Program) -> dict[str, Any]:
    """Return the parameters of the network that is loaded, by name."""
    names = [each.name for each in program.parameters]
    given = {each.name or names[at]: each.value for at, each in enumerate(program.alias or ())}
    values = {}
    for each in program.parameters:
        tree = given.get(each.name, each.default)
        assert tree is not None
        values[each.name] = evaluate(tree, {})
    return values


def planned_shapes(program: Program, sizes: Sizes) -> dict[str, tuple[int, ...]]:
    """Return the shapes that the inputs would have, without the batch; some may be impossible."""
    names = {**parameters(program), **sizes}
    return {item.name: tuple(evaluate(size, names) for size in item.sizes) for item in program.inputs}


def input_shapes(program: Program, sizes: Sizes) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the inputs, without the batch; refuse a size below 1."""
    shapes = planned_shapes(program, sizes)
    for shape in shapes.values():
        if min(shape) < 1:
            raise Refused(f"an input of {shape}", "E0304", "E0402")
    return shapes


def stated(program: Program, sizes: Sizes) -> bool:
    """Return whether sizes meet all conditions that the inputs state."""
    values = {name: Planned(shape) for name, shape in planned_shapes(program, sizes).items()}
    names = {**parameters(program), **sizes, "x": values[program.inputs[0].name], **values}
    try:
        return all(evaluate(item.where, names, symbolic=True) for item in program.inputs if item.where is not None)
    except Refused:
        return False  # a remainder by a size that is 0 here


def _value(tensor: torch.Tensor, opened: Sequence[frozenset[str]] | None = None) -> Value:
    return Value(tensor, tuple(opened or [frozenset()] * (tensor.ndim - 1)), "input")


def symbols_in(tree: Expression, symbols: Sequence[str]) -> frozenset[str]:
    """Return the symbolic sizes that an expression reads."""
    match tree:
        case Name(text):
            return frozenset({text} & set(symbols))
        case Size():
            return frozenset()
    parts = [part for part in vars(tree).values() if hasattr(part, "__dataclass_fields__")]
    return frozenset().union(*(symbols_in(part, symbols) for part in parts))


def make_inputs(program: Program, sizes: Sizes, seed: int | None = None, batch: int = BATCH) -> dict[str, torch.Tensor]:
    """Return tensors for the inputs: zeros, or random numbers with a seed."""
    generator = torch.Generator().manual_seed(seed or 0)
    tensors = {}
    shapes = input_shapes(program, sizes)
    for item in program.inputs:
        shape = (batch, *shapes[item.name])
        if item.mask:
            tensors[item.name] = torch.rand(shape, generator=generator) < 0.5
        elif item.integers:
            tensors[item.name] = torch.randint(0, LARGEST_TOKEN + 1, shape, generator=generator)
        elif seed is None:
            tensors[item.name] = torch.zeros(shape, dtype=torch.float64)
        else:
            tensors[item.name] = torch.randn(shape, dtype=torch.float64, generator=generator)
    return tensors


def start(program: Program, modules: Modules, tensors: Mapping[str, torch.Tensor]) -> tuple[Machine, dict[str, Value]]:
    """Return a machine that has read its inputs, and their values."""
    machine = Machine(program, modules)
    machine.frames[-1].names.update(parameters(program))
    machine.batch = next(iter(tensors.values())).shape[0]
    values = {}
    for item in program.inputs:
        values[item.name] = _value(tensors[item.name], _opened(program, item))
        machine.frames[-1].names[item.name] = values[item.name]
    return machine, values


def _opened(program: Program, item: Input) -> list[frozenset[str]]:
    return [symbols_in(size, program.symbols) for size in item.sizes]


def run(program: Program, modules: Modules, tensors: Mapping[str, torch.Tensor]) -> Run:
    """Run a program on tensors; raise `Refused` where it does not work."""
    machine, values = start(program, modules, tensors)
    main = machine.run(program.body, values[program.inputs[0].name], "")
    return Run(machine, values, main)


def shape_run(program: Program, modules: Modules, sizes: Sizes) -> Run:
    """Run a program on zeros, for its verdict and shapes alone: whether one example passes, in evaluation."""
    with torch.no_grad():
        return run(program, modules, make_inputs(program, sizes, batch=1))


def is_open(program: Program, name: str, axis: int) -> bool:
    """Return whether an axis of an input depends on a symbolic size."""
    item = next(each for each in program.inputs if each.name == name)
    return bool(symbols_in(item.sizes[axis], program.symbols))
