"""Remove what evaluation does not need: auxiliary heads, what no result needs, and ops that are the identity in evaluation."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.ir import (
    Call,
    Function,
    Graph,
    Node,
    Usage,
    Value,
    keep_parts,
    remove_empty_calls,
    remove_idle_declarations,
    settle_declarations,
    standing_functions,
)
from archdsl.ops import Op


def drop_training(graph: Graph) -> Graph:
    """Leave what evaluation runs.

    Functions that one module runs for inputs of different sizes stay alike: what one of them needs is kept in all.
    """
    parts = _LiveParts(graph)
    keep_parts(graph, parts.nodes, parts.inputs, parts.outputs)
    graph.results = [result for result in graph.results if result.kind != "head"]
    _drop_identities(graph)
    remove_empty_calls(graph)
    remove_idle_declarations(graph)
    return settle_declarations(graph)


class _LiveParts:
    """The nodes that evaluation needs, and for each function the positions of the needed inputs and outputs."""

    def __init__(self, graph: Graph) -> None:
        functions = graph.functions()
        standing = standing_functions(functions)
        groups: dict[Function, list[Function]] = {}
        for function in functions:
            groups.setdefault(standing.get(function, function), []).append(function)
        self.nodes: set[Node] = set()
        self.inputs: dict[Function, set[int]] = {}
        self.outputs: dict[Function, set[int]] = {}
        for group in groups.values():
            for counterparts in zip(*[function.nodes for function in group], strict=True):
                if any([node.usage is Usage.ALWAYS for node in counterparts]):
                    self.nodes.update(counterparts)
            inputs, outputs = set[int](), set[int]()
            for function in group:  # one set for all of them
                self.inputs[function], self.outputs[function] = inputs, outputs
        self.outputs[graph.main].update(i for i, result in enumerate(graph.results) if result.kind != "head")
        while any([self._require(function) for function in functions]):  # what is needed only grows, so this ends
            pass

    def _require(self, function: Function) -> bool:
        """Note which inputs a function needs, and which outputs of others; return whether some are new."""
        grown = self._add(self.inputs[function], function.inputs)
        for call in function.calls:
            if call in self.nodes:
                grown = self._add(self.outputs[call.callee], call.outputs) or grown
        return grown

    def _add(self, known: set[int], values: Sequence[Value]) -> bool:
        found = {i for i, value in enumerate(values) if any([self._is_live(*use) for use in value.uses])}
        grown = not found <= known
        known |= found
        return grown

    def _is_live(self, user: Node | Function, position: int) -> bool:
        if isinstance(user, Function):
            return position in self.outputs[user]
        return user in self.nodes and (not isinstance(user, Call) or position in self.inputs[user.callee])


def _drop_identities(graph: Graph) -> None:
    evaluated: dict[int, tuple[Op, Op | None]] = {}
    for function in graph.functions():
        for node in function.ops:
            _, op = evaluated.setdefault(id(node.op), (node.op, node.op.in_evaluation()))  # keeps the op, and so its id
            if op is not None:
                node.op = op
            else:
                node.output.replace_all_uses(node.inputs[0])
                node.remove()
