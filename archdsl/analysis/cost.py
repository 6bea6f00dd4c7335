"""Parameters, multiply-accumulates and depth, summed from the ops' own rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from archdsl.ir.unrolled import Graph, Node, Scope
from archdsl.ops.base import elements
from archdsl.shapes import Dim, Shape, SizeError


class Cost(NamedTuple):
    """What one node holds and does. `macs` is for one image, none where an open size makes it no formula."""

    params: int
    macs: Dim | None


class Costs:
    """The cost of each node of a graph; equal nodes are computed once."""

    def __init__(self, graph: Graph) -> None:
        known: dict[tuple[int, tuple[Shape, ...]], Cost] = {}
        self._costs: list[Cost] = []
        for node in graph.nodes:
            shapes = graph.input_shapes(node)
            key = (id(node.op), shapes)
            cost = known.get(key)
            if cost is None:
                cost = known[key] = Cost(
                    elements(node.op.parameters(*shapes)) if node.name is not None else 0, _macs(node, shapes)
                )
            self._costs.append(cost)

    def of(self, node: Node) -> Cost:
        """The cost of a node."""
        return self._costs[node.index]

    def params(self, nodes: Iterable[Node]) -> int:
        """Learned numbers."""
        costs = self._costs
        return sum([costs[node.index].params for node in nodes])

    def macs(self, nodes: Iterable[Node]) -> Dim | None:
        """Multiply-accumulates for one image: convolutions and matrix products only."""
        total: Dim = 0
        for node in nodes:
            macs = self._costs[node.index].macs
            if macs is None:
                return None
            if macs != 0:
                try:
                    total = total + macs
                except SizeError:
                    return None
        return total


def counts(graph: Graph, costs: Costs, scopes: Iterable[Scope]) -> dict[Scope, dict[str, Dim]]:
    """What an `expect` in each of these scopes can count.

    `params` are all learned numbers and `params_eval` those without the heads; `macs` is in evaluation; `depth`
    is the most convolutions and dense layers on one path, as in the names of the papers ("ResNet-50").
    """
    within: dict[Scope, list[Node]] = {scope: [] for scope in scopes}
    around: dict[Scope, list[list[Node]]] = {}
    for node in graph.nodes if within else ():
        if node.scope not in around:
            around[node.scope] = [within[scope] for scope in node.scope.enclosing() if scope in within]
        for nodes in around[node.scope]:
            nodes.append(node)
    return {scope: _counted(graph, costs, nodes) for scope, nodes in within.items()}


def _counted(graph: Graph, costs: Costs, nodes: list[Node]) -> dict[str, Dim]:
    """The counts of some nodes, in the order of the graph."""
    evaluated = [node for node in nodes if graph.in_evaluation[node.index]]
    params = params_eval = costs.params(nodes)
    if len(evaluated) < len(nodes):
        params_eval -= costs.params(node for node in nodes if graph.in_heads[node.index])
    found: dict[str, Dim] = {"params": params, "params_eval": params_eval, "depth": depth(graph, evaluated)}
    macs = costs.macs(evaluated)
    return found if macs is None else found | {"macs": macs}


def depth(graph: Graph, nodes: Iterable[Node]) -> int:
    """The most weight layers on one path through these nodes, which stand in an order that runs."""
    longest: dict[int, int] = {}
    for node in nodes:
        before = max((longest.get(i, 0) for i in node.inputs), default=0)
        longest[node.index] = before + node.op.weight_layer
    return max(longest.values(), default=0)


def _macs(node: Node, shapes: tuple[Shape, ...]) -> Dim | None:
    try:
        return node.op.macs(node.shape, *shapes)
    except SizeError:
        return None
