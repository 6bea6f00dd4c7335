"""Say of each node when it runs: always, in training alone (for auxiliary heads), or never."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from archdsl.ir import Call, Function, Graph, Module, Usage, Value, copy_function, shared_modules

_Needs: TypeAlias = "tuple[Usage, ...]"
"""For each output (or input) of a function, when its value is needed."""

_ORDER = (Usage.NEVER, Usage.TRAINING, Usage.ALWAYS)


def mark_usage(graph: Graph) -> Graph:
    """Set `usage` of every node. A function whose calls need different parts of it is copied, so that each node has one usage.

    Calls of one module are calls of one function, which runs what any of them needs.
    """
    needs = tuple(Usage.TRAINING if result.kind == "head" else Usage.ALWAYS for result in graph.results)
    _Marker().mark(graph.main, needs)
    return graph


class _Marker:
    def __init__(self) -> None:
        self._marked: dict[tuple[Function, _Needs], tuple[Function, _Needs]] = {}
        self._original: dict[Function, Function] = {}

    def mark(self, function: Function, needs: _Needs) -> tuple[Function, _Needs]:
        """Return a function like this one, marked for these needs, and the needs of its inputs."""
        original = self._original.get(function, function)
        known = self._marked.get((original, needs))
        if known is not None:
            return known
        made = copy_function(original) if original in self._original else original
        self._original[made] = original
        joint = {module: (Usage.NEVER,) * len(nodes[0].outputs) for module, nodes in shared_modules(made).items()}
        needed, settled = self._sweep(made, needs, joint)
        while not settled:  # needs only grow, so this ends
            needed, settled = self._sweep(made, needs, joint)
        result = made, tuple([needed.get(value, Usage.NEVER) for value in made.inputs])
        self._marked[original, needs] = result
        return result

    def _sweep(self, function: Function, needs: _Needs, joint: dict[Module, _Needs]) -> tuple[dict[Value, Usage], bool]:
        """Mark the nodes of a function from its outputs backwards, and return when each value is needed.

        `joint` has for each module that is applied several times what its calls need together. If a call needs more than that,
        it is added, and the calls behind it are not settled: they were marked for less.
        """
        settled = True
        needed: dict[Value, Usage] = {}
        for value, usage in zip(function.outputs, needs, strict=True):
            _require(needed, [value], usage)
        for node in function.nodes_reversed:
            wanted = tuple([needed.get(value, Usage.NEVER) for value in node.outputs])
            node.usage = max(wanted, key=_ORDER.index, default=Usage.NEVER)
            if not isinstance(node, Call):
                _require(needed, node.inputs, node.usage)
                continue
            if node.module in joint:
                before = joint[node.module]
                wanted = tuple([max(pair, key=_ORDER.index) for pair in zip(wanted, before, strict=True)])
                settled = settled and wanted == before
                joint[node.module] = wanted
            node.callee, inner = self.mark(node.callee, wanted)
            for value, usage in zip(node.inputs, inner, strict=True):
                _require(needed, [value], min(usage, node.usage, key=_ORDER.index))
        return needed, settled


def _require(needed: dict[Value, Usage], values: Iterable[Value], usage: Usage) -> None:
    """Note that these values are needed at least then."""
    if usage is not Usage.NEVER:
        for value in values:
            if needed.get(value) is not Usage.ALWAYS:
                needed[value] = usage
