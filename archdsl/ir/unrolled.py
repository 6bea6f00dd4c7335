"""The graph: what a spec means, with the place that every part of it came from.

Nodes are a plain list in an order that runs; each makes one value and refers to its inputs by index.
Scopes are the tree of names that becomes the `state_dict`'s keys. `Graph.networkx` offers the same to
graph algorithms.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from archdsl.initializers import Initializer
from archdsl.ops.base import Op, WeightedOp
from archdsl.shapes import Dim, Shape, format_shape
from archdsl.sizes import SizeSet
from archdsl.source import Span

if TYPE_CHECKING:
    import networkx


@dataclass(eq=False, slots=True)
class Scope:
    """A named part of the network: a block call, a labelled group, or an indexed family (`enc`, of `enc[0]`).

    `arguments` are the block's parameters as bound, `variables` the loop variables where it was called,
    and `definition` identifies the text it came from: instances of one block share it.
    """

    name: str
    parent: Scope | None
    kind: Literal["network", "block", "group", "family"]
    span: Span
    block: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    definition: Span | None = None
    doc: str = ""
    _path: str | None = None

    @property
    def path(self) -> str:
        """The dotted name from the network down; empty for the network itself."""
        if self._path is None:
            above = self.parent.path if self.parent is not None else ""
            self._path = f"{above}.{self.name}" if above else self.name if self.parent is not None else ""
        return self._path

    def enclosing(self) -> Iterator[Scope]:
        """This scope and those around it, innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


@dataclass(eq=False, slots=True)
class Node:
    """One op at one place, and the value it makes.

    `name` is its key in its scope, a label or a position among the scope's stages; joins have none.
    `inputs` are indices of earlier nodes.
    """

    index: int
    op: Op
    inputs: tuple[int, ...]
    shape: Shape
    scope: Scope
    name: str | None
    labelled: bool
    span: Span
    integer: bool = False
    label: str | None = None
    type_name: ClassVar[str] = "a tensor"

    def __str__(self) -> str:
        return self.label or f"a value of shape {format_shape(self.shape)}"

    @property
    def path(self) -> str:
        """The dotted key, as in the `state_dict`; a join's is its scope's."""
        above = self.scope.path
        if self.name is None:
            return above
        return f"{above}.{self.name}" if above else self.name


class Head(NamedTuple):
    """An auxiliary head: computed, and with a loss of this weight, in training alone."""

    name: str
    value: int
    weight: float
    span: Span


class Output(NamedTuple):
    """A further output, in training and evaluation."""

    name: str
    value: int
    span: Span


class Condition(NamedTuple):
    """Two sizes that must be equal for a join to work, where at least one is open.

    `sides` are the nodes whose axes these are. Where the left one may `stretch`, it may also be one.
    """

    left: Dim
    right: Dim
    span: Span
    what: str
    sides: tuple[int, int]
    stretch: bool = False


@dataclass(eq=False)
class Graph:
    """A network, elaborated: every parameter bound, every loop unrolled, every shape known or a formula."""

    name: str
    root: Scope
    nodes: list[Node]
    inputs: list[int]
    result: int
    heads: list[Head]
    outputs: list[Output]
    initializers: dict[str, Initializer]
    conditions: list[Condition]
    stated: dict[str, SizeSet] = field(default_factory=dict)
    """For each open size that the inputs state a condition on, the sizes that meet it."""
    stated_at: dict[str, Span] = field(default_factory=dict)
    doc: str = ""
    works: Mapping[str, SizeSet] = field(default_factory=dict)
    """For each open size the values where the network works, once that is decided."""
    tied: Sequence[Mapping[str, SizeSet]] = ()
    """What ties open sizes: of each, one of the sizes must be in its set."""

    @property
    def definition(self) -> Span:
        """Where the network is defined."""
        return self.root.span

    def input_shapes(self, node: Node) -> tuple[Shape, ...]:
        """The shapes of a node's inputs."""
        nodes = self.nodes
        return tuple([nodes[i].shape for i in node.inputs])

    @cached_property
    def consumers(self) -> list[list[int]]:
        """For each node, the nodes that take its value."""
        users: list[list[int]] = [[] for _ in self.nodes]
        for node in self.nodes:
            for i in node.inputs:
                users[i].append(node.index)
        return users

    @cached_property
    def in_evaluation(self) -> list[bool]:
        """For each node, whether the result or an output needs it: false for what only heads need, and for dead ends."""
        return self._needed([self.result, *(output.value for output in self.outputs)])

    @cached_property
    def in_training(self) -> list[bool]:
        """For each node, whether the result, an output or a head needs it."""
        return self._needed([self.result, *(o.value for o in self.outputs), *(h.value for h in self.heads)])

    @cached_property
    def in_heads(self) -> list[bool]:
        """For each node, whether heads alone need it, so that it is not there where they are left out."""
        return [training and not evaluation for training, evaluation in zip(self.in_training, self.in_evaluation, strict=True)]

    def _needed(self, ends: list[int]) -> list[bool]:
        needed = [False] * len(self.nodes)
        for end in ends:
            needed[end] = True
        for node in reversed(self.nodes):
            if needed[node.index]:
                for i in node.inputs:
                    needed[i] = True
        return needed

    def initializer(self, node: Node) -> Initializer | None:
        """The rule that fills a node's weight: its own, else the network's for its op, else for what its op is a kind of."""
        if not isinstance(node.op, WeightedOp):
            return None
        kind = node.op.kind_of
        return node.op.init or self.initializers.get(node.op.name) or (self.initializers.get(kind) if kind else None)

    def state(self) -> dict[str, tuple[int, ...]]:
        """Key and shape of every tensor of the `state_dict`, parameters and buffers, in the order of the nodes."""
        entries: dict[str, tuple[int, ...]] = {}
        for node in self.nodes:
            if node.name is None:
                continue
            shapes = self.input_shapes(node)
            for tensors in (node.op.parameters(*shapes), node.op.buffers(*shapes)):
                for key, shape in tensors.items():
                    entries[f"{node.path}.{key}" if key else node.path] = shape
        return {key: entries[key] for key in _in_modules(entries)}

    def networkx(self) -> networkx.DiGraph:
        """The nodes and their inputs as a `networkx.DiGraph`; node attribute `node` holds the `Node`."""
        import networkx  # here, since it costs a third of a quick command's time

        graph = networkx.DiGraph(name=self.name)
        graph.add_nodes_from((node.index, {"node": node}) for node in self.nodes)
        graph.add_edges_from((i, node.index) for node in self.nodes for i in node.inputs)
        return graph


def _in_modules(keys: Iterable[str]) -> Iterator[str]:
    """Keys in the order of nested modules: each module's own tensors, then those of its parts, as they first came up."""
    tree: dict[str, Any] = {}
    for key in keys:
        *scopes, name = key.split(".")
        inner = tree
        for scope in scopes:
            inner = inner.setdefault(scope, {})
        inner[name] = key
    waiting: list[dict[str, Any] | str] = [tree]
    while waiting:
        current = waiting.pop()
        if isinstance(current, str):
            yield current
        else:
            own = [key for key in current.values() if isinstance(key, str)]
            waiting += reversed(own + [part for part in current.values() if not isinstance(part, str)])


class InvariantError(AssertionError):
    """A graph that no part of the compiler may produce."""


def verify(graph: Graph) -> Graph:
    """Return the graph if it holds every invariant, else raise `InvariantError`.

    Nodes stand in an order that runs and at their index; shapes are what the ops infer; keys are
    unique; every scope leads to the root; results exist.
    """
    _verify_nodes(graph)
    _verify_keys(graph)
    count = len(graph.nodes)
    for what, index in [("result", graph.result), *((f"head {h.name}", h.value) for h in graph.heads),
                        *((f"output {o.name}", o.value) for o in graph.outputs)]:  # fmt: skip
        _require(0 <= index < count, f"the {what} is node {index} of {count}")
    names = [h.name for h in graph.heads] + [o.name for o in graph.outputs]
    _require(len(set(names)) == len(names), f"results share a name: {names}")
    return graph


def _verify_nodes(graph: Graph) -> None:
    for index, node in enumerate(graph.nodes):
        _require(node.index == index, f"node {node.index} stands at {index}")
        _require(all(0 <= i < index for i in node.inputs), f"node {index} takes a value before it is made")
        _require(node.span.start < node.span.end <= len(node.span.file.text), f"node {index} has an empty span")
        if node.op.name == "input":
            _require(index in graph.inputs, f"node {index} is an input that the graph does not list")
            continue
        inferred = node.op.infer(*graph.input_shapes(node))
        _require(inferred == node.shape, f"node {index} is {node.shape} and its op infers {inferred}")


def _verify_keys(graph: Graph) -> None:
    seen: set[tuple[int, str]] = set()
    rooted: set[int] = {id(graph.root)}

    def check_rooted(scope: Scope) -> None:
        chain: list[int] = []
        for above in scope.enclosing():
            if id(above) in rooted:
                rooted.update(chain)
                return
            chain.append(id(above))
        raise InvariantError(f"the scope {scope.path} does not lead to the root")

    for node in graph.nodes:
        check_rooted(node.scope)
        if node.name is not None:
            key = (id(node.scope), node.name)
            _require(key not in seen, f"two nodes are called {node.path}")
            seen.add(key)


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise InvariantError(message)


def resolve_bias(graph: Graph) -> Graph:
    """Replace every `bias = auto` by true or false."""
    resolved: dict[tuple[int, bool], Op] = {}
    results = {graph.result, *(head.value for head in graph.heads), *(output.value for output in graph.outputs)}
    known: dict[int, bool] = {}
    for node in graph.nodes:
        undecided = known.get(id(node.op))
        if undecided is None:
            undecided = known[id(node.op)] = "bias" in type(node.op).model_fields and node.op.bias == "auto"  # type: ignore[attr-defined]
        if not undecided:
            continue
        users = graph.consumers[node.index]
        shifted = len(users) == 1 and node.index not in results and graph.nodes[users[0]].op.own_shift
        key = (id(node.op), shifted)
        if key not in resolved:
            resolved[key] = node.op.model_copy(update={"bias": not shifted})
        node.op = resolved[key]
    return graph
