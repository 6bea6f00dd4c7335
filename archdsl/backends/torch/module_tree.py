"""The modules of a network as PyTorch nests them: one for each function of the graph, with what it runs in order.

A function becomes an `nn.Sequential` if it is a plain chain, and a class otherwise. Indexed families are containers, not
modules of their own: their members are steps of the function around them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Literal, TypeAlias

from archdsl.backends.torch.batch_axis import BatchAxes, Expansion
from archdsl.backends.torch.lowerings import Lowering, lower
from archdsl.ir import Call, Function, Graph, Module, Node, OpNode, Usage, Value, join_path
from archdsl.ops import Category, Op
from archdsl.ops.positions import PosEmbed, RelativeBias
from archdsl.ops.value import Param
from archdsl.shapes import Shape

_ALWAYS, _TRAINING, _NEVER = Usage.ALWAYS, Usage.TRAINING, Usage.NEVER
"""As names of this module: Python 3.11 takes ten times as long to read `Usage.ALWAYS`, and there are many nodes."""

Registry: TypeAlias = Literal["_modules", "_parameters", "_buffers"]
"""The dictionary of an `nn.Module` that holds a child."""

Container: TypeAlias = Literal["ModuleList", "ModuleDict", "ParameterList", "ParameterDict", "mixed"]
"""The class of `torch.nn` that holds a family; a mixed one is a `ModuleDict` that has its bare parameters and buffers itself."""


class Lowered:
    """An op for inputs of certain shapes: how it is written, and what follows from it. Keeps the op, and so its id."""

    __slots__ = ("_has_state", "_inplace", "is_identity", "op", "plain", "shapes")

    def __init__(self, op: Op, shapes: tuple[Shape, ...]) -> None:
        self.op = op
        self.shapes = shapes
        self.plain = lower(op, *shapes)
        self.is_identity = op.is_identity(*shapes)
        self._has_state: bool | None = None
        self._inplace: Lowering | None = None

    @property
    def has_state(self) -> bool:
        """Whether the op has parameters or buffers."""
        if self._has_state is None:
            self._has_state = bool(self.op.parameters(*self.shapes) or self.op.buffers(*self.shapes))
        return self._has_state

    def overwriting(self) -> Lowering:
        """Return how the op is written if it may overwrite its input."""
        if self._inplace is None:
            self._inplace = lower(self.op, *self.shapes, inplace=True)
        return self._inplace


@dataclass(eq=False, slots=True)
class OpStep:
    """An op in a module. `as_module` says that it is constructed and called, rather than written as a function.

    `constructed` is false if another step has constructed the same module. An op whose value nobody uses has no inputs and
    outputs: it is constructed and never called. `overwrites` says that its input may be written over, `removable` that
    its output is its input and nobody could see it missing.
    """

    node: OpNode
    key: tuple[str, ...]
    lowered: Lowered
    as_module: bool
    constructed: bool
    inputs: list[Value]
    outputs: list[Value]
    training_only: bool
    overwrites: bool
    removable: bool
    expansion: Expansion | None = None
    """Which inputs take the batch of others: see `batch_axis.py`."""

    @property
    def lowering(self) -> Lowering:
        """How the op is written."""
        return self.lowered.plain

    @property
    def registry(self) -> Registry:
        """What of the module around it holds it: a bare parameter, as of `layer_scale`, a buffer, or a module."""
        return "_parameters" if self.lowering.parameter else "_buffers" if self.lowering.buffer else "_modules"


@dataclass(eq=False, slots=True)
class CallStep:
    """A module in a module. `inputs` and `outputs` are those that the called module takes and gives."""

    node: Call
    key: tuple[str, ...]
    callee: ModuleNode
    constructed: bool
    inputs: list[Value]
    outputs: list[Value]
    training_only: bool

    @property
    def registry(self) -> Registry:
        """What of the module around it holds it."""
        return "_modules"


Step: TypeAlias = OpStep | CallStep


@dataclass(eq=False)
class ModuleNode:
    """A function to be emitted. `inputs` are those of its inputs that it needs, `outputs` what it gives that is needed.

    `path` is the key of the first module that is made of it, `calls` are all calls of it, `caller` has one of them. A
    `training_only` one runs for heads alone. A `chain` takes and gives one value, and each step takes the one before.
    """

    function: Function
    path: str = ""
    calls: list[Call] = field(default_factory=list)
    caller: ModuleNode | None = None
    steps: list[Step] = field(default_factory=list)
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    training_only: bool = False
    chain: bool = False
    single: frozenset[Value] = frozenset()
    """Those of the outputs of a network that have a batch axis of one, and are returned with that of the first input."""

    @cached_property
    def counted(self) -> bool:
        """Whether the steps have the keys 0, 1, 2, ..., as those of an `nn.Sequential` without names."""
        return all(step.key == (str(i),) for i, step in enumerate(self.steps))

    @property
    def sequential(self) -> bool:
        """Whether it is emitted as an `nn.Sequential`: a group, or a block whose steps are counted."""
        return self.chain and (self.function.kind == "group" or self.counted)

    @cached_property
    def containers(self) -> dict[str, Container]:
        """What holds each indexed family. Bare parameters have a container of their own unless modules are beside them."""
        families: dict[str, list[Step]] = {}
        for step in self.steps:
            if len(step.key) == 2 and step.constructed:
                families.setdefault(step.key[0], []).append(step)
        return {name: _container(steps) for name, steps in families.items()}


class ModuleTree:
    """The modules of a graph whose usage is marked, a callee before its callers; the network is the last.

    Without `aux`, what only heads need is left out. Without `inplace`, nothing is overwritten and activations are modules.
    """

    def __init__(self, graph: Graph, *, aux: bool = True, inplace: bool = True) -> None:
        self.graph = graph
        self._alive = {_ALWAYS, _TRAINING} if aux else {_ALWAYS}
        self._inplace = inplace
        self._modules: dict[Function, ModuleNode] = {}
        self._known: dict[tuple[int, tuple[Shape, ...]], Lowered] = {}
        self._filled: dict[int, Op] = {}
        functions = graph.functions()
        self._needed = _needed_values(graph, functions)
        self._batch = BatchAxes(graph)
        self._given_away: dict[Value, bool] = {}
        for function in reversed(functions):  # callers first
            made = self._modules.setdefault(function, ModuleNode(function))
            for call in function.calls:
                callee = self._modules.setdefault(call.callee, ModuleNode(call.callee))
                callee.calls.append(call)
                callee.caller = callee.caller or made
        self.in_order = [made for function in functions if self._fill(made := self._modules[function])]
        self.root = self._modules[graph.main]
        self._finish_root(aux)
        self._set_paths()

    # -- which steps there are --

    def _fill(self, made: ModuleNode) -> bool:
        """Fill in the steps of a module; return whether it has any."""
        function = made.function
        constructed: set[Module | None] = set()
        shared: set[Module | None] = set()
        for node in function.nodes:
            step = self._step(node, node.module not in constructed)
            if step is None:
                continue
            made.steps.append(step)
            if node.module in constructed:
                shared.add(node.module)
            if node.module is not None:
                constructed.add(node.module)
        for step in made.steps:
            if isinstance(step, OpStep) and step.node.module in shared:
                step.overwrites = False  # a module is constructed once, for all its inputs
        made.outputs = [value for value in function.outputs if self._is_needed(value)]
        used = {value for step in made.steps for value in step.inputs} | set(made.outputs)
        made.inputs = [value for value in function.inputs if value in used]
        made.training_only = all([step.training_only for step in made.steps])
        made.chain = _is_chain(made)
        return bool(made.steps) or function is self.graph.main

    def _is_needed(self, value: Value) -> bool:
        return self._needed.get(value, _NEVER) in self._alive

    def _step(self, node: Node, constructed: bool) -> Step | None:
        """Return a node as a step; None if nothing is left of it.

        What never runs and has tensors is constructed all the same: the `state_dict` has them.
        """
        key = node.module.key if node.module is not None else ()
        runs = node.usage in self._alive
        training_only = node.usage is not _ALWAYS
        if isinstance(node, Call):
            callee = self._modules[node.callee]
            if not callee.steps:
                return None
            inputs = [node.inputs[value.position] for value in callee.inputs] if runs else []
            given = set(callee.outputs)
            pairs = zip(node.outputs, node.callee.outputs, strict=True)
            outputs = [value for value, inner in pairs if inner in given] if runs else []
            return CallStep(node, key, callee, constructed, inputs, outputs, training_only)
        assert isinstance(node, OpNode)
        lowered = self._lowered(node)
        if not runs and not (node.usage is _NEVER and node.module is not None and lowered.has_state):
            return None
        lowering = lowered.plain
        labelled = node.module is not None and node.module.labelled
        hooked = not self._inplace and node.module is not None and node.op.category is Category.ACTIVATION
        as_module = lowering.function is None or (
            lowering.module is not None and (labelled or hooked or (node.module is not None and lowered.has_state))
        )
        return OpStep(
            node,
            key,
            lowered,
            as_module=as_module and lowering.bare is None,
            constructed=constructed,
            inputs=list(node.inputs) if runs else [],
            outputs=list(node.outputs) if runs else [],
            training_only=training_only,
            overwrites=runs and self._inplace and self._may_overwrite(node),
            removable=runs and not labelled and lowered.is_identity,
            expansion=self._batch.expansion(node) if runs else None,
        )

    def _lowered(self, node: OpNode) -> Lowered:
        """Return what is known of an op for the shapes of its inputs; equal ops are asked once."""
        shapes = node.input_shapes
        key = (id(node.op), shapes)
        found = self._known.get(key)
        if found is None:
            op = node.op
            if (
                isinstance(op, Param | PosEmbed | RelativeBias)
                and op.init is None
                and (rule := self.graph.initializer(op)) is not None
            ):
                op = self._filled.setdefault(id(op), op.replace(init=rule))
            found = self._known[key] = Lowered(op, shapes)
        return found

    # -- what may be overwritten --

    def _may_overwrite(self, node: OpNode) -> bool:
        """Return whether an op may write over its input: nobody else reads it, and autograd does not keep it."""
        return node.op.gradient_from_output and len(node.inputs) == 1 and self._is_exclusive(node.inputs[0])

    def _is_exclusive(self, value: Value) -> bool:
        """Return whether a value has a single user, and a memory of its own that autograd does not keep."""
        alive = (user for user, _ in value.uses if isinstance(user, Function) or user.usage in self._alive)
        users = list(islice(alive, 2))  # a value may have thousands
        if len(users) != 1 or isinstance(users[0], Function):
            return False
        return self._is_given_away(value) if value.producer is None else self._has_own_memory(value)

    def _has_own_memory(self, value: Value) -> bool:
        producer = value.producer
        if isinstance(producer, Call):
            inner = producer.callee.outputs[value.position]
            return inner.producer is not None and len(inner.uses) == 1 and self._has_own_memory(inner)
        assert isinstance(producer, OpNode)
        return not producer.op.saves_output and not self._lowered(producer).is_identity

    def _is_given_away(self, value: Value) -> bool:
        """Return whether every call of a function gives this input of it away. Those of the network are the user's."""
        known = self._given_away.get(value)
        if known is None:
            calls = [call for call in self._modules[value.function].calls if call.usage in self._alive]
            known = bool(calls) and all([self._is_exclusive(call.inputs[value.position]) for call in calls])
            self._given_away[value] = known
        return known

    # -- the network --

    def _finish_root(self, aux: bool) -> None:
        root, graph = self.root, self.graph
        heads = [value for _, value in graph.heads] if aux else []
        root.inputs = list(graph.inputs)
        root.outputs = list(dict.fromkeys([graph.result, *heads, *(value for _, value in graph.outputs)]))
        root.single = frozenset([value for value in root.outputs if self._batch.is_single(root.function, value)])
        root.chain = root.chain and len(graph.inputs) == 1 and not graph.outputs and not (aux and graph.heads)
        root.training_only = False  # it runs in evaluation too, even if its result is an input and all its steps are for heads

    def _set_paths(self) -> None:
        """Set the key of the first module that is made of each function."""
        seen = {self.root}
        for module in reversed(self.in_order):  # callers first
            for step in module.steps:
                if isinstance(step, CallStep) and step.callee not in seen:
                    seen.add(step.callee)
                    step.callee.path = join_path(module.path, *step.key)


def _needed_values(graph: Graph, functions: list[Function]) -> dict[Value, Usage]:
    """Return when each value is needed, for those that are: when an op takes it that runs, or the network returns it.

    A call needs those of its inputs that the called function needs, and an output of a function is needed when its calls need it.
    """
    needed: dict[Value, Usage] = {}

    def need(value: Value, usage: Usage) -> None:
        if usage is not _NEVER and needed.get(value) is not _ALWAYS:
            needed[value] = usage

    for function in functions:  # callees first
        for node in function.nodes:
            for position, value in enumerate(node.inputs):
                need(value, needed.get(node.callee.inputs[position], _NEVER) if isinstance(node, Call) else node.usage)
    for result, value in zip(graph.results, graph.main.outputs, strict=True):
        need(value, _TRAINING if result.kind == "head" else _ALWAYS)
    for function in reversed(functions):  # callers first
        for call in function.calls:
            for value, inner in zip(call.outputs, call.callee.outputs, strict=True):
                need(inner, needed.get(value, _NEVER))
    return needed


def _is_chain(module: ModuleNode) -> bool:
    """Return whether each step takes the one before and nothing else, so that an `nn.Sequential` says it."""
    steps = module.steps
    if len(module.inputs) != 1 or len(module.outputs) != 1 or not steps or steps[-1].outputs != module.outputs:
        return False
    flowing = module.inputs
    for step in steps:
        single = step.inputs == flowing and len(step.outputs) == 1 and len(step.key) == 1 and step.constructed
        as_module = isinstance(step, CallStep) or (step.lowering.module is not None and step.lowering.applied is None)
        if not single or not as_module or step.training_only != module.training_only:
            return False
        flowing = step.outputs
    return True


def _container(steps: list[Step]) -> Container:
    """Return what holds a family: a list if its keys are 0, 1, 2, ... in order."""
    held = {step.registry for step in steps}
    if len(held) > 1 or held == {"_buffers"}:
        return "mixed"
    listed = [step.key[1] for step in steps] == [str(i) for i in range(len(steps))]
    if held == {"_parameters"}:
        return "ParameterList" if listed else "ParameterDict"
    return "ModuleList" if listed else "ModuleDict"
