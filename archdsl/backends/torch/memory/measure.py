"""The memory of inference and of a training step, from the steps of the emitted module.

The module is run without contents. Python's names matter: a variable of a `forward` keeps its tensor until it gets another
one or the function returns, so that more is alive than what later steps need. The variables are those that the emitter writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Final, NamedTuple

from archdsl.backends.torch.forward import Variables
from archdsl.backends.torch.memory import aten
from archdsl.backends.torch.memory.autograd import Leaf, run_backward
from archdsl.backends.torch.memory.rules import Applied, Unmodelled, applied, own_buffer
from archdsl.backends.torch.memory.tensors import BOOL, FLOAT, LONG, Meter, Tensor, empty, empty_like
from archdsl.backends.torch.memory.trace import Step, Trace
from archdsl.backends.torch.module_nodes import CallStep, ModuleNode, OpStep
from archdsl.backends.torch.module_tree import ModuleTree
from archdsl.backends.torch.outline_classes import Classes
from archdsl.backends.torch.results import Results
from archdsl.ir import Graph, Paths, Value, flatten, state, tensor_key

MANY = 1_000_003
"""The number that stands for a batch of two or more examples: a prime, larger than the sizes of any axis."""


_BYTES: Final = {"float": FLOAT, "int": LONG, "bool": BOOL}
"""Bytes of a number of an input."""


class Memory(NamedTuple):
    """What is recorded of a network: of inference, and of a training step, or the op because of which that is unknown."""

    inference: Trace | str
    training: Trace | str
    parameters: int
    """The bytes of all parameters and buffers."""


def measured(graph: Graph, *, batch: int = MANY, training: bool = True) -> Memory:
    """Return the memory of a network. `batch` is 1, or stands for any number of examples from two on.

    Without `training`, that is unknown because of nothing.
    """
    tree = ModuleTree(graph, aux=True, inplace=True)
    network = _Network(graph, tree, Classes(tree))
    found: list[Trace | str] = []
    for mode in (False, True)[: 1 + training]:
        try:
            found.append(network.trace(batch, mode))
        except Unmodelled as error:
            found.append(str(error))
    return Memory(found[0], found[1] if training else "", network.parameters)


class _Stored(NamedTuple):
    """A parameter or buffer: its shape, whether it is learned, and the bytes of a number."""

    shape: tuple[int, ...]
    learned: bool
    item: int


class _Step(NamedTuple):
    """A step of a `forward`: which variables it takes, and which it sets."""

    number: int
    taken: tuple[str, ...]
    targets: tuple[str, ...]


class _Plan(NamedTuple):
    """The steps of a `forward`, the variables of its inputs, and those of its outputs, with which are stretched to the batch."""

    inputs: tuple[str, ...]
    steps: tuple[_Step, ...]
    outputs: tuple[str, ...]


class _Network:
    def __init__(self, graph: Graph, tree: ModuleTree, classes: Classes) -> None:
        self._graph = graph
        self._tree = tree
        self._classes = classes
        self._results = Results.of(graph, aux=True)
        self._plans: dict[ModuleNode, _Plan] = {}
        self._tensors = _tensors(graph)

    @property
    def parameters(self) -> int:
        """The bytes of all parameters and buffers."""
        return sum([prod(shape, start=item) for shape, _, item in self._tensors.values()])

    def trace(self, batch: int, training: bool) -> Trace:
        """Return what one run records. Parameters and inputs are there from the beginning."""
        run = _Run(self, Meter(batch, gradients=training), training, self._tensors)
        return run.traced(self._tree.root)

    @property
    def graph(self) -> Graph:
        """The graph."""
        return self._graph

    def results(self, training: bool) -> list[Value]:
        """Return the values that the network returns."""
        fields = self._results.training if training else self._results.evaluation
        return [value for _, value in fields]

    def plan(self, module: ModuleNode) -> _Plan:
        """Return the steps of a module's `forward`."""
        found = self._plans.get(module)
        if found is None:
            found = self._plans[module] = self._chain(module) if self._is_chain(module) else self._named(module)
        return found

    def _is_chain(self, module: ModuleNode) -> bool:
        return module.sequential or module not in self._classes.of

    def _chain(self, module: ModuleNode) -> _Plan:
        """Return the plan of an `nn.Sequential`, which has one variable for what flows."""
        steps = [_Step(i, ("x",), ("x",)) for i, step in enumerate(module.steps) if step.outputs]
        return _Plan(("x",), tuple(steps), ("x",))

    def _named(self, module: ModuleNode) -> _Plan:
        template = self._classes.of[module]
        names = Variables(template, self._results if module is self._tree.root else None)
        first = template.first
        inputs = tuple([names.of[value] for value in first.inputs])
        steps = []
        for index, text in enumerate(template.body):
            step = text.step
            if not step.outputs or names.is_removed(text):
                continue
            taken = tuple([names.at(value) for value in step.inputs])
            steps.append(_Step(index, taken, tuple(names.assign(index, step))))
        outputs = tuple([names.at(value) for value in first.outputs])
        if first.single:
            raise Unmodelled("a result without the batch")
        return _Plan(inputs, tuple(steps), outputs)


class _Run:
    """One forward pass, and for training the backward pass behind it."""

    def __init__(self, network: _Network, meter: Meter, training: bool, stored: dict[str, _Stored]) -> None:
        self._network = network
        self._meter = meter
        self._training = training
        self._steps: list[Step] = []
        self._stored: dict[str, Tensor] = {}
        for key, (shape, learned, item) in stored.items():
            tensor = self._stored[key] = empty(meter, shape, item)
            if learned and training:
                tensor.edge = (Leaf(), 0)

    def traced(self, root: ModuleNode) -> Trace:
        """Run the network, and return what was recorded."""
        meter = self._meter
        given = [empty(meter, (meter.batch, *value.shape), _BYTES[value.dtype]) for value in self._network.graph.inputs]
        start = len(meter.events)
        made = self.run(root, given, ("",))
        results = [made[root.outputs.index(value)] for value in self._network.results(self._training)]
        del made
        forward = len(meter.events)
        if self._training:
            gradients = [(result.edge, empty_like(result)) for result in results]
            meter.gradients = False
            run_backward([(edge, gradient) for edge, gradient in gradients if edge is not None])
        end = len(meter.events)
        return Trace(tuple(meter.events[:end]), tuple(meter.sizes), start, forward, tuple(self._steps))

    def run(self, module: ModuleNode, given: Sequence[Tensor], paths: Paths) -> list[Tensor]:
        """Run a module, whose inputs its caller keeps."""
        plan = self._network.plan(module)
        variables = dict(zip(plan.inputs, given, strict=True))
        for step in plan.steps:
            made = self._step(module.steps[step.number], [variables[name] for name in step.taken], paths, bool(module.alike))
            for name, tensor in zip(step.targets, made, strict=True):
                variables[name] = tensor
                del tensor
            del made
        return [variables[name] for name in plan.outputs]

    def _step(self, step: OpStep | CallStep, inputs: list[Tensor], paths: Paths, any_size: bool) -> list[Tensor]:
        """Return what a step makes. `any_size` says that its module is called for inputs of other sizes as well."""
        if step.training_only and not self._training:
            return [empty(self._meter, (0,)) for _ in step.outputs]  # in evaluation the variable is None
        below = step.node.paths_below(paths)
        batch = self._meter.batch if any(tensor.shape[0] != 1 for tensor in inputs) else 1
        if step.expansion is not None:
            batch = self._meter.batch
            for i in step.expansion.expanded:
                inputs[i] = aten.expanded(inputs[i], (batch, *inputs[i].shape[1:]))
        if isinstance(step, CallStep):
            return self.run(step.callee, inputs, below)
        node, path = step.node, below[-1]
        shapes = tuple([tensor.shape[1:] for tensor in inputs]) if any_size else node.input_shapes
        tensors = {}
        for key in (*node.op.parameters(*shapes), *own_buffer(node.op, shapes)):
            name = tensor_key(path, key)
            if name not in self._stored:
                raise Unmodelled(node.op.name)
            tensors[key] = self._stored[name]
        made_shapes = node.op.output_shapes(*shapes) if any_size else [value.shape for value in step.outputs]
        outputs = [(batch, *shape) for shape in made_shapes]
        before = len(self._meter.events)
        made = applied(Applied(node.op, self._meter, inputs, tensors, outputs, shapes, self._training, step.overwrites))
        self._steps.append(Step(path, node.op.name, before, len(self._meter.events)))
        return made


def _tensors(graph: Graph) -> dict[str, _Stored]:
    """Return shape, whether it is learned, and the bytes of a number, of each parameter and buffer."""
    learned: set[str] = set()
    found = {key: (shape, FLOAT if shape else LONG) for key, shape in state(graph).items()}
    for flat in flatten(graph).nodes:
        shapes = flat.node.input_shapes
        learned.update([tensor_key(flat.path, key) for key in flat.op.parameters(*shapes)])
        for key, (shape, item) in own_buffer(flat.op, shapes).items():
            found[tensor_key(flat.path, key)] = (shape, item)
    return {key: _Stored(shape, key in learned, FLOAT if key in learned else item) for key, (shape, item) in found.items()}
