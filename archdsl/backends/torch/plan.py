"""From a graph to parts: each scope as a unit with what goes in, what comes out, and its steps in order.

A part becomes an `nn.Sequential` where it is a plain chain, and a class otherwise. Indexed families are
containers, not parts: their members are steps of the scope around them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Literal, TypeAlias

from archdsl.backends.torch.expressions import Argument, Call, literals
from archdsl.backends.torch.lowerings import Lowering, lower
from archdsl.ir.unrolled import Graph, Node, Scope

Container: TypeAlias = Literal["ModuleList", "ModuleDict", "ParameterList", "ParameterDict", "mixed"]
"""The class of `torch.nn` that holds a family; a mixed one is a `ModuleDict`, which has its bare parameters itself."""


@dataclass(eq=False)
class Part:
    """A scope to be emitted. `inputs` and `outputs` are values (node indices); the first output is the main one.

    `name` is its place in the part around it: the key, and before it the family's name where it is a member.
    `training_only` parts run for heads alone. A `chain` takes and gives one value, each step from the one before;
    it is `sequential` where it is emitted as an `nn.Sequential`: a group, or a block whose steps are called 0, 1, 2, ...
    """

    scope: Scope
    name: tuple[str, ...]
    steps: list[Step] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    training_only: bool = False
    chain: bool = False

    @cached_property
    def counted(self) -> bool:
        """Whether the steps are called 0, 1, 2, ..., as an `nn.Sequential` calls them."""
        return all(step.name == (str(i),) for i, step in enumerate(self.steps))

    @cached_property
    def containers(self) -> dict[str, Container]:
        """What holds each indexed family: bare parameters are in a container of their own unless modules are beside them."""
        families: dict[str, list[Step]] = {}
        for step in self.steps:
            if len(step.name) == 2:
                families.setdefault(step.name[0], []).append(step)
        return {name: _container(steps) for name, steps in families.items()}

    @property
    def sequential(self) -> bool:
        """Whether it is emitted as an `nn.Sequential`."""
        return self.chain and (self.scope.kind == "group" or self.counted)


@dataclass(eq=False, slots=True)
class Leaf:
    """An op as a step. `as_module` says that it is constructed and called, rather than written as a function.

    An op whose value nobody uses has no inputs and outputs: it is constructed and never called.
    """

    node: Node
    name: tuple[str, ...]
    lowering: Lowering
    inputs: list[int]
    outputs: list[int]
    training_only: bool
    as_module: bool

    def constructor(self, part: Part) -> Call | None:
        """Return what constructs the op's module or parameter; None if it is written as a function."""
        if self.lowering.parameter is not None:
            return self.lowering.parameter
        return self.lowering.module if self.as_module or part.sequential else None

    def is_called(self, part: Part) -> bool:
        """Return whether the op stands in `forward` as a function."""
        return bool(self.outputs) and not self.as_module and not part.sequential

    def numbers(self, part: Part) -> list[Argument]:
        """Return the fractions in the op's function, so that blocks that differ in them are one class."""
        return [given for given in literals(self.lowering.function) if is_open(given)] if self.is_called(part) else []


Step: TypeAlias = Part | Leaf


def is_open(argument: Argument) -> bool:
    """Return whether a class parameter may take the place of an argument of a function."""
    return argument.attribute is not None and type(argument.value) is float and not argument.is_default


def plan(graph: Graph, *, aux: bool = True) -> Part:
    """The network as a part. Without `aux`, what only heads need is left out."""
    alive = graph.in_training if aux else graph.in_evaluation
    root = Part(graph.root, ())
    parts: dict[int, Part] = {id(graph.root): root}
    results = _results(graph, aux)
    for node in graph.nodes:
        if node.op.name != "input" and (alive[node.index] or _dead_weight(graph, node)):
            part = _part_of(node.scope, parts)
            part.steps.append(_leaf(graph, node, results, alive))
    for part in inside_out(root):
        if part.steps:  # a network may be its input alone
            _connect(graph, part, results, alive)
    root.inputs, root.outputs = list(graph.inputs), results
    root.chain = root.chain and len(graph.inputs) == 1 and not graph.outputs and not (aux and graph.heads)
    root.training_only = False  # it runs in evaluation too, where its result is an input and all its steps are for heads
    return root


def _dead_weight(graph: Graph, node: Node) -> bool:
    """Whether nothing needs an op and it has tensors, which the `state_dict` holds all the same."""
    return not graph.in_training[node.index] and _has_state(graph, node)


def _results(graph: Graph, aux: bool) -> list[int]:
    heads = [head.value for head in graph.heads] if aux else []
    return list(dict.fromkeys([graph.result, *heads, *(output.value for output in graph.outputs)]))


def _part_of(scope: Scope, parts: dict[int, Part]) -> Part:
    """The part of a scope, made in its place in the part around it where this is its first node."""
    missing: list[tuple[Scope, tuple[str, ...]]] = []
    around: Scope | None = scope
    while around is not None and id(around) not in parts:
        if around.kind != "family":
            missing.append((around, _name(around, around.name)))
        around = around.parent
    assert around is not None
    part = parts[id(around)]
    for inner, name in reversed(missing):
        made = Part(inner, name)
        part.steps.append(made)
        parts[id(inner)] = part = made
    return part


def _name(scope: Scope, key: str) -> tuple[str, ...]:
    """A key, with the family before it where the scope above is one."""
    above = scope.parent
    return (above.name, key) if above is not None and above.kind == "family" else (key,)


def _leaf(graph: Graph, node: Node, results: list[int], alive: list[bool]) -> Leaf:
    inplace = _may_overwrite(graph, node, results, alive)
    lowering = lower(node.op, *graph.input_shapes(node), inplace=inplace)
    stateful = lowering.function is None or (lowering.module is not None and (node.labelled or _has_state(graph, node)))
    name = () if node.name is None else (node.scope.name, node.name) if node.scope.kind == "family" else (node.name,)
    as_module = stateful and lowering.parameter is None
    if not alive[node.index]:
        return Leaf(node, name, lowering, [], [], True, as_module)
    training_only = not graph.in_evaluation[node.index]
    return Leaf(node, name, lowering, list(node.inputs), [node.index], training_only, as_module)


def _has_state(graph: Graph, node: Node) -> bool:
    shapes = graph.input_shapes(node)
    return bool(node.op.parameters(*shapes) or node.op.buffers(*shapes))


def _may_overwrite(graph: Graph, node: Node, results: list[int], alive: list[bool]) -> bool:
    """Whether an op may write over its first input: nobody else reads it, and autograd does not keep it."""
    if len(node.inputs) != 1:
        return False
    source = graph.nodes[node.inputs[0]]
    users = islice((user for user in graph.consumers[source.index] if alive[user]), 2)
    return not source.op.saves_output and source.op.name != "input" and len(list(users)) == 1 and source.index not in results


def inside_out(root: Part) -> Iterator[Part]:
    """Every part but the root, the inner ones before the outer; without recursion, for any depth."""
    order: list[Part] = []
    pending = [root]
    while pending:
        part = pending.pop()
        order.append(part)
        pending += [step for step in part.steps if isinstance(step, Part)]
    return reversed(order)


def _connect(graph: Graph, part: Part, results: list[int], alive: list[bool]) -> None:
    """Fill in what a part takes and gives, from those of its steps, which are known."""
    made = [value for step in part.steps for value in step.outputs]
    inside = set(made)
    part.inputs = list(dict.fromkeys(value for step in part.steps for value in step.inputs if value not in inside))
    inner = _nodes(part)
    escaping = [v for v in made if v in results or any(alive[user] and user not in inner for user in graph.consumers[v])]
    part.outputs = sorted(escaping, key=lambda v: (not graph.in_evaluation[v], -v))
    part.training_only = all(step.training_only for step in part.steps)
    part.chain = _is_chain(graph, part)


def _nodes(part: Part) -> range:
    """The indices of the nodes in a part: a scope's nodes follow one another."""
    first: Step = part
    while isinstance(first, Part):
        first = first.steps[0]
    last: Step = part
    while isinstance(last, Part):
        last = last.steps[-1]
    return range(first.node.index, last.node.index + 1)


def _is_chain(graph: Graph, part: Part) -> bool:
    """Whether each step takes the one before and nothing else, so that an `nn.Sequential` says it."""
    if len(part.inputs) != 1 or len(part.outputs) != 1 or part.steps[-1].outputs != part.outputs:
        return False
    flowing = part.inputs
    for step in part.steps:
        single = step.inputs == flowing and len(step.outputs) == 1 and len(step.name) == 1
        constructed = isinstance(step, Part) or step.lowering.module is not None
        if not single or not constructed or step.training_only != part.training_only:
            return False
        flowing = step.outputs
    return True


def is_bare(step: Step) -> bool:
    """Whether a step is a bare parameter of the module around it, as `layer_scale` is."""
    return isinstance(step, Leaf) and step.lowering.parameter is not None


def _container(steps: list[Step]) -> Container:
    """Keys 0, 1, 2, ... in order are those of a list."""
    bare = {is_bare(step) for step in steps}
    if len(bare) == 2:
        return "mixed"
    listed = [step.name[1] for step in steps] == [str(i) for i in range(len(steps))]
    if bare == {True}:
        return "ParameterList" if listed else "ParameterDict"
    return "ModuleList" if listed else "ModuleDict"
