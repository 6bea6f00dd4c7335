"""What is probed: a module on a batch of inputs, and the objective whose gradients are measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn

from archdsl.diagnostics import SpecError, codes
from archdsl.ir import Graph, flatten
from archdsl.train.checks import main_output
from archdsl.train.data import Data
from archdsl.train.experiment import Experiment
from archdsl.train.rng import seed_of
from archdsl.train.task import Task


@dataclass(frozen=True)
class Subject:
    """A module of a network with a batch. `objective` is the mean over the examples, given what the module returns."""

    module: nn.Module
    graph: Graph
    inputs: Sequence[Tensor]
    objective: Callable[[Any], Tensor]
    about: str
    """What the inputs are."""
    seed: int
    steps: int = 0
    """The optimizer steps that the module has been trained."""

    @property
    def batch(self) -> int:
        """The number of examples."""
        return len(self.inputs[0])

    def generator(self, *purpose: int) -> torch.Generator:
        """Return a generator of random numbers for a purpose."""
        return torch.Generator().manual_seed(seed_of(self.seed, 9, *purpose))


def generated(module: nn.Module, graph: Graph, batch: int, seed: int) -> Subject:
    """Return a subject with random inputs: standard normal numbers, random tokens, and true for bools.

    Without labels, the objective is the sum of the outputs, each times a random number of mean 0 and variance 1 / outputs.
    """
    generator = torch.Generator().manual_seed(seed_of(seed, 9, 0))
    rows = _embedding_rows(graph)
    inputs = []
    for position, value in enumerate(graph.inputs):
        shape = [batch, *[int(str(size)) for size in value.shape]]
        if value.dtype == "float":
            inputs.append(torch.randn(shape, generator=generator))
        elif value.dtype == "int":
            inputs.append(torch.randint(rows.get(position, 1), shape, generator=generator))
        else:
            inputs.append(torch.ones(shape, dtype=torch.bool))
    about = "generated inputs" if any(value.dtype != "float" for value in graph.inputs) else "standard normal inputs"
    return Subject(module, graph, inputs, lambda outputs: projected(main_output(outputs), seed), about, seed)


def of_data(module: nn.Module, graph: Graph, experiment: Experiment, data: Data, outputs: int, batch: int) -> Subject:
    """Return a subject with the first training examples of an epoch, whose objective is the loss of the recipe with its heads."""
    recipe = experiment.recipe
    batches = data.training_batches(batch, recipe.seed, lambda: 0)
    task = Task(module, experiment.head_weights, recipe, data, outputs, len(batches))
    inputs, labels = task.preparation(next(iter(batches)), training=True)

    def objective(outputs: Any) -> Tensor:
        loss: Tensor = task.criterion(main_output(outputs), labels)[0]
        for head, weight in experiment.head_weights.items():
            if hasattr(outputs, head):  # in training mode
                loss = loss + weight * task.criterion(getattr(outputs, head), labels)[0]
        return loss

    return Subject(module, graph, inputs, objective, "training examples", recipe.seed)


def projected(output: Tensor, seed: int) -> Tensor:
    """Return the mean over the examples of each output times a random number, which is the same for all examples."""
    generator = torch.Generator().manual_seed(seed_of(seed, 9, 1))
    flat = output.flatten(1)
    direction = torch.randn(flat.shape[1], generator=generator) / sqrt(flat.shape[1])
    return (flat @ direction.to(flat.dtype)).mean()


def require_sizes(names: Sequence[str]) -> None:
    """Raise `SpecError` E0312 if sizes are symbolic, for which no input can be generated."""
    if names:
        raise SpecError(codes.given_sizes.SizesMissing(list(names)))


def _embedding_rows(graph: Graph) -> dict[int, int]:
    """Return for each integer input how many rows the smallest table has that it indexes."""
    found: dict[int, int] = {}
    for node in flatten(graph).nodes:
        rows = node.op.parameters(*node.node.input_shapes).get("weight", (0,))[0] if node.op.integers == "required" else 0
        for given in node.inputs:
            if rows and given < len(graph.inputs):
                found[given] = min(rows, found.get(given, rows))
    return found
