"""The flat view of a graph: every call inlined, each op once for every time that it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

from archdsl.ir.attributes import Module, Paths, Usage, join_path, less, tensor_key
from archdsl.ir.core import Call, Declaration, Function, OpNode, Value
from archdsl.ir.graph import Graph
from archdsl.ops.base import Op
from archdsl.shapes import Shape

if TYPE_CHECKING:
    import networkx


class FlatNode(NamedTuple):
    """One run of an op. `path` is its dotted key in the `state_dict`, of a join that of the module around it.

    `inputs` and `outputs` number the values of the whole network, its inputs first. `calls` lead from the network down.
    """

    node: OpNode
    path: str
    inputs: tuple[int, ...]
    outputs: range
    calls: tuple[Call, ...]

    @property
    def op(self) -> Op:
        """The op."""
        return self.node.op

    @property
    def shape(self) -> Shape:
        """The shape of what it makes."""
        return self.node.output.shape

    @property
    def usage(self) -> Usage:
        """When it runs. A module may run in more phases in another of its applications."""
        return reduce(less, [call.usage for call in self.calls], self.node.usage)


class FlatGraph(NamedTuple):
    """The nodes in an order that runs, the values by their numbers, and the numbers of what the network returns."""

    nodes: list[FlatNode]
    values: list[Value]
    outputs: list[int]

    def networkx(self) -> networkx.DiGraph:
        """Return the nodes as a `networkx.DiGraph`: an edge leads from each node to those that take its values.

        Nodes are their positions in `nodes`, with the `FlatNode` as attribute `node`; inputs of the network are `"input0"`, ...
        """
        import networkx  # here, since it costs a third of a quick command's time

        graph = networkx.DiGraph()
        first = self.nodes[0].outputs.start if self.nodes else len(self.values)
        makers: dict[int, Any] = {number: f"input{number}" for number in range(first)}
        graph.add_nodes_from(makers.values())
        for position, flat in enumerate(self.nodes):
            graph.add_node(position, node=flat)
            makers |= dict.fromkeys(flat.outputs, position)
            graph.add_edges_from((makers[number], position) for number in flat.inputs)
        return graph


def flatten(graph: Graph) -> FlatGraph:
    """Return the flat view of a graph."""
    nodes: list[FlatNode] = []
    values: list[Value] = list(graph.inputs)

    def inline(function: Function, known: dict[Value, int], paths: Paths, calls: tuple[Call, ...]) -> None:
        for node in function.nodes:
            inputs = tuple([known[value] for value in node.inputs])
            inner = node.paths_below(paths)
            if isinstance(node, Call):
                within = dict(zip(node.callee.inputs, inputs, strict=True))
                inline(node.callee, within, inner, (*calls, node))
                known.update({out: within[value] for out, value in zip(node.outputs, node.callee.outputs, strict=True)})
            else:
                assert isinstance(node, OpNode)
                outputs = range(len(values), len(values) + len(node.outputs))
                values.extend(node.outputs)
                known.update(zip(node.outputs, outputs, strict=True))
                nodes.append(FlatNode(node, inner[-1], inputs, outputs, calls))

    known = {value: number for number, value in enumerate(graph.inputs)}
    inline(graph.main, known, ("",), ())
    return FlatGraph(nodes, values, [known[value] for value in graph.main.outputs])


def state(graph: Graph) -> dict[str, tuple[int, ...]]:
    """Return key and shape of every tensor of the `state_dict`, parameters and buffers, in PyTorch's order."""
    entries: dict[str, tuple[int, ...]] = {}

    def visit(function: Function, path: str) -> None:
        applied: set[Module] = set()
        for item in function.items:
            module = item.module
            if module is None or module.levels or module in applied:
                continue
            applied.add(module)
            node = item.application if isinstance(item, Declaration) else item
            below = join_path(path, *module.key)
            if isinstance(node, Call):
                visit(node.callee, below)
            elif isinstance(node, OpNode):
                shapes = node.input_shapes
                for tensors in (node.op.parameters(*shapes), node.op.buffers(*shapes)):
                    entries.update({tensor_key(below, key): shape for key, shape in tensors.items()})

    visit(graph.main, "")
    return {key: entries[key] for key in _in_module_order(entries)}


def _in_module_order(keys: Iterable[str]) -> Iterator[str]:
    """Yield keys as nested modules list them: each module's own tensors, then those of its children, as they first came up."""
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
