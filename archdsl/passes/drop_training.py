"""Remove what evaluation does not need: auxiliary heads, what no result needs, and ops that are the identity in evaluation."""

from __future__ import annotations

from archdsl.ir import (
    Call,
    Function,
    Graph,
    Node,
    Usage,
    remove_empty_calls,
    remove_idle_declarations,
    remove_output,
    settle_declarations,
    standing_functions,
)
from archdsl.ops import Op


def drop_training(graph: Graph) -> Graph:
    """Leave what evaluation runs.

    Functions that one module runs for inputs of different sizes stay alike: what one of them needs is kept in all.
    """
    functions = graph.functions()[::-1]  # callers first
    parts = _LiveParts(graph, functions)
    for position, result in reversed(list(enumerate(graph.results))):
        if result.kind == "head":
            remove_output(graph.main, position, ())
            del graph.results[position]
    for function in functions:
        if function is not graph.main:
            for position in reversed(range(len(function.outputs))):
                if position not in parts.outputs[function]:
                    remove_output(function, position, parts.calls[function])
        for node in function.nodes_reversed:
            if node not in parts.nodes:
                node.remove()
        left = set(function.values) if function.conditions else set()
        function.conditions = [condition for condition in function.conditions if left.issuperset(condition.sides)]
    _drop_identities(graph)
    remove_empty_calls(graph)
    remove_idle_declarations(graph)
    return settle_declarations(graph)


class _LiveParts:
    """The nodes that evaluation needs, and for each function the positions of the needed outputs, and the needed calls of it."""

    def __init__(self, graph: Graph, functions: list[Function]) -> None:
        standing = standing_functions(functions)
        groups: dict[Function, list[Function]] = {}
        for function in functions:
            groups.setdefault(standing.get(function, function), []).append(function)
        self.nodes: set[Node] = set()
        for group in groups.values():
            for counterparts in zip(*[function.nodes for function in group], strict=True):
                if any([node.usage is Usage.ALWAYS for node in counterparts]):
                    self.nodes.update(counterparts)
        self.outputs: dict[Function, set[int]] = {}
        for group in groups.values():
            shared: set[int] = set()
            self.outputs.update((function, shared) for function in group)
        self.outputs[graph.main].update(i for i, result in enumerate(graph.results) if result.kind != "head")
        self.calls: dict[Function, list[Call]] = {function: [] for function in functions}
        for function in functions:
            for call in function.calls:
                if call in self.nodes:
                    self.calls[call.callee].append(call)
        while any([self._require_outputs(function) for function in functions]):  # they only grow, so this ends
            pass

    def _require_outputs(self, function: Function) -> bool:
        """Note which outputs the calls in a function need; return whether some are new."""
        grown = False
        for call in function.calls:
            known = self.outputs[call.callee]
            if call in self.nodes:
                found = {i for i, value in enumerate(call.outputs) if any(self._is_live(*use) for use in value.uses)}
                grown = grown or not found <= known
                known |= found
        return grown

    def _is_live(self, user: Node | Function, position: int) -> bool:
        return user in self.nodes if isinstance(user, Node) else position in self.outputs[user]


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
