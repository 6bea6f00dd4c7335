"""Which values have a batch axis of one: those that follow from parameters and constants alone.

Most ops take them beside others as they are, since PyTorch broadcasts the batch. For the others, such as `torch.cat`, `forward`
expands them. A value has the batch of the network's inputs if it follows from one of them. Within a function, it follows from
some of the function's inputs; whether these have the batch depends on the call, so that it may be unknown.
"""

from __future__ import annotations

from typing import NamedTuple

from archdsl.ir import Call, Function, Graph, Node, OpNode, Value

_Sources = frozenset[int]
"""The positions of those inputs of a function from which a value follows."""
_Calls = tuple[frozenset[bool], ...]
"""For each input of a function, what its calls pass: values with the batch, without it, or both."""


class Expansion(NamedTuple):
    """Inputs of a node that take the largest batch among others, by their positions."""

    expanded: tuple[int, ...]
    like: tuple[int, ...]


class BatchAxes:
    """The batch axes of a graph's values. Nothing is computed if every op takes the contents of an input."""

    def __init__(self, graph: Graph) -> None:
        functions = graph.functions()
        self.used = any(not node.op.data_of(node.inputs) for function in functions for node in function.ops)
        self._sources: dict[Value, _Sources] = {}
        self._calls: dict[Function, _Calls] = {}
        if not self.used:
            return
        for function in functions:  # callees first
            self._trace(function)
        self._calls[graph.main] = (frozenset({True}),) * len(graph.main.inputs)
        for function in reversed(functions):  # callers first
            for call in function.calls:
                passed = [self._batches(function, value) for value in call.inputs]
                before = self._calls.get(call.callee, (frozenset[bool](),) * len(passed))
                self._calls[call.callee] = tuple([one | other for one, other in zip(before, passed, strict=True)])

    def _trace(self, function: Function) -> None:
        """Note from which inputs of the function each of its values follows."""
        sources = self._sources
        sources.update((value, frozenset({value.position})) for value in function.inputs)
        for node in function.nodes:
            if isinstance(node, Call):
                for value, inner in zip(node.outputs, node.callee.outputs, strict=True):
                    sources[value] = frozenset().union(*(sources[node.inputs[i]] for i in sources[inner]))
            elif isinstance(node, OpNode):
                taken = node.op.data_of(node.inputs)
                sources.update(dict.fromkeys(node.outputs, frozenset().union(*(sources[value] for value in taken))))

    def _batches(self, function: Function, value: Value) -> frozenset[bool]:
        """Return whether a value has the batch; both if its function is called with and without it."""
        passed = [self._calls[function][position] for position in self._sources[value]]
        if frozenset({True}) in passed:
            return frozenset({True})
        return frozenset({False}).union(*passed) if any(True in calls for calls in passed) else frozenset({False})

    def is_single(self, function: Function, value: Value) -> bool:
        """Return whether a value may have a batch axis of one."""
        return self.used and False in self._batches(function, value)

    def expansion(self, node: Node) -> Expansion | None:
        """Return which inputs of a node have to be expanded; None if it takes them as they are."""
        if not self.used or not isinstance(node, OpNode) or len(node.inputs) < 2 or node.op.broadcasts_batch:
            return None
        taken = node.op.data_of(node.inputs)
        if len({self._sources[value] for value in taken}) == 1:
            return None
        batches = [self._batches(node.function, value) for value in taken]
        if all(False not in found for found in batches) or all(True not in found for found in batches):
            return None
        full = [i for i, found in enumerate(batches) if False not in found]
        like = full[:1] or [i for i, found in enumerate(batches) if True in found]
        return Expansion(tuple([i for i in range(len(taken)) if i not in full]), tuple(like))


def expanded(names: list[str], ranks: list[int], expansion: Expansion) -> list[str]:
    """Return the variables of a node's inputs with `.expand(...)` behind those that take the batch of others."""
    batches = [f"{names[i]}.shape[0]" for i in expansion.like]
    batch = batches[0] if len(batches) == 1 else f"max({', '.join(batches)})"
    found = list(names)
    for i in expansion.expanded:
        found[i] = with_batch(names[i], batch, ranks[i])
    return found


def with_batch(name: str, batch: str, rank: int) -> str:
    """Return a variable expanded to a batch."""
    return f"{name}.expand({', '.join([batch, *['-1'] * rank])})"
