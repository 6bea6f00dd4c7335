"""A module as a `torch.fx` graph whose nodes are known as ops of the spec, with the depth of each."""

from __future__ import annotations

import operator
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Final

import torch
from torch import fx, nn

from archdsl.ir import FlatNode, Graph, flatten
from archdsl.ops import Category

_JOINS: Final[dict[Any, str]] = {
    operator.add: "add", torch.add: "add", operator.mul: "mul", torch.mul: "mul", torch.cat: "concat",
}  # fmt: skip
_ADDITIONS: Final = (operator.add, torch.add)


class _Tracer(fx.Tracer):
    """Traces a module of a network. Modules of ops, and definitions of the runtime, are single steps."""

    proxy_buffer_attributes = True

    def __init__(self, root: nn.Module, paths: frozenset[str]) -> None:
        source = sys.modules[type(root).__module__]
        own = [
            found for found in vars(source).values() if isinstance(found, FunctionType) and found.__module__ == source.__name__
        ]
        super().__init__(autowrap_functions=tuple(own))
        self._paths = paths

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Return whether a module is one step."""
        return module_qualified_name in self._paths or super().is_leaf_module(m, module_qualified_name)


@dataclass(frozen=True)
class Step:
    """A node whose value is measured. `name` is the key of its layer, of a join that of the module around it.

    `time` counts the steps of the same name and op, such as the applications of a shared layer. `depth` is the number of
    convolutions and dense layers on the longest path to the value. A `trunk` value is on every path from the inputs to
    the output.
    """

    node: fx.Node
    name: str
    op: str
    time: int
    depth: int
    trunk: bool

    @property
    def key(self) -> tuple[str, str, int]:
        """What is equal for the same value in training and in evaluation."""
        return self.name, self.op, self.time


@dataclass(frozen=True)
class Traced:
    """A module in one mode as a graph, with the steps that are measured in the order in which they run."""

    graph: fx.GraphModule
    steps: Sequence[Step]
    depths: dict[fx.Node, int]
    """The depth of every value that depends on an input."""


def trace(module: nn.Module, graph: Graph, *, training: bool) -> Traced:
    """Return a module of a network as a graph, in training or in evaluation mode. It shares the layers of the module."""
    ops = {flat.path: flat for flat in flatten(graph).nodes if flat.node.module is not None}
    module.train(training)
    whole = fx.GraphModule(module, _Tracer(module, frozenset(ops)).trace(module))
    traced = whole.graph
    traced.eliminate_dead_code()
    depths = _depths(traced, ops)
    trunk = _trunk(traced, depths)
    steps: list[Step] = []
    times: Counter[tuple[str, str]] = Counter()
    for node in depths:
        named = _named(node, ops, depths)
        if named is not None:
            steps.append(Step(node, *named, times[named], depths[node], node in trunk))
            times[named] += 1
    return Traced(whole, steps, depths)


def _named(node: fx.Node, ops: dict[str, FlatNode], depths: dict[fx.Node, int]) -> tuple[str, str] | None:
    """Return the layer and the op of a node that is measured; None for another one."""
    if node.op == "call_module":
        flat = ops.get(str(node.target))
        return (str(node.target), flat.op.name) if flat is not None and _is_measured(flat) else None
    name = "shake" if getattr(node.target, "__name__", "") == "shake" else _JOINS.get(node.target, "")
    if not name or node.op != "call_function" or len(branches(node, depths)) < 2 or _continues(node):
        return None
    around = node.meta.get("nn_module_stack", {})
    return str(next(reversed(around), "")), name


def _is_measured(flat: FlatNode) -> bool:
    """Return whether the value of a layer is measured: of one with weights, a normalization, or an activation."""
    kinds = (Category.NORMALIZATION, Category.ACTIVATION)
    return flat.op.category in kinds or bool(flat.op.parameters(*flat.node.input_shapes))


def is_addition(node: fx.Node) -> bool:
    """Return whether a node adds values."""
    return node.op == "call_function" and node.target in _ADDITIONS


def branches(node: fx.Node, depths: dict[fx.Node, int]) -> list[fx.Node]:
    """Return the values that a join combines, each once: those that depend on an input. `a + b + c` is one join."""
    found: dict[fx.Node, None] = {}
    for given in node.all_input_nodes:
        if given in depths:
            inner = branches(given, depths) if is_addition(node) and is_addition(given) and _continues(given) else [given]
            found.update(dict.fromkeys(inner))
    return list(found)


def _continues(node: fx.Node) -> bool:
    """Return whether a node is the first part of a longer sum."""
    if not is_addition(node) or len(node.users) != 1:
        return False
    user = next(iter(node.users))
    same = user.meta.get("nn_module_stack", {}).keys() == node.meta.get("nn_module_stack", {}).keys()
    return is_addition(user) and same and user.args[0] is node


def _depths(graph: fx.Graph, ops: dict[str, FlatNode]) -> dict[fx.Node, int]:
    """Return for every value that depends on the numbers of an input the weight layers on its longest path."""
    found: dict[fx.Node, int] = {}
    for node in graph.nodes:
        if node.op == "placeholder":
            found[node] = 0
        elif node.op != "output" and not (node.target is getattr and node.args[1] == "shape"):
            before = [found[given] for given in node.all_input_nodes if given in found]
            flat = ops.get(str(node.target)) if node.op == "call_module" else None
            layers = 0 if flat is None else int(flat.op.weight_layer) + flat.op.inner_layers
            if before:
                found[node] = max(before) + layers
    return found


def dominators(depths: dict[fx.Node, int]) -> dict[fx.Node, fx.Node | None]:
    """Return the immediate dominator of each value: the last value that is on every path to it, if there is one."""
    import networkx  # here: takes a moment to import

    flow = networkx.DiGraph()
    for node in depths:
        if node.op == "placeholder":
            flow.add_edge("inputs", node)
        flow.add_edges_from((given, node) for given in node.all_input_nodes if given in depths)
    found = networkx.immediate_dominators(flow, "inputs")
    return {node: above if isinstance(above, fx.Node) else None for node, above in found.items() if isinstance(node, fx.Node)}


def _trunk(graph: fx.Graph, depths: dict[fx.Node, int]) -> set[fx.Node]:
    """Return the values on every path from the inputs to the result."""
    result = next(node for node in reversed(graph.nodes) if node.op == "output")
    above = dominators(depths)
    node = _first(result.args[0])
    found = set()
    while node is not None:
        found.add(node)
        node = above.get(node)
    return found


def _first(returned: Any) -> Any:
    """Return the main output: the only one, or the first of a tuple or of a result's class."""
    while not isinstance(returned, fx.Node) or (isinstance(returned.target, type) and returned.op == "call_function"):
        returned = returned.args[0] if isinstance(returned, fx.Node) else returned[0]
    return returned
