"""Mark when each node runs: always, only in training (for auxiliary heads), or never."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from archdsl.ir import Call, Function, Graph, Module, Usage, Value, copy_function, settle_declarations

_Needs: TypeAlias = "tuple[Usage, ...]"
"""For each output (or input) of a function, when its value is needed."""

_ORDER = _NEVER, _TRAINING, _ALWAYS = Usage.NEVER, Usage.TRAINING, Usage.ALWAYS
"""As names of this module: Python 3.11 takes ten times as long to read `Usage.NEVER`, and there are many nodes."""


def mark_usage(graph: Graph) -> Graph:
    """Set `usage` of every node. A function whose calls need different parts of it is copied, so that each node has one usage.

    Calls of one module are calls of one function, which runs what any of them needs.
    """
    needs = tuple(_TRAINING if result.kind == "head" else _ALWAYS for result in graph.results)
    _Marker().mark(graph.main, needs)
    return settle_declarations(graph)


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
        joint: dict[Module, _Needs] = {}
        needed, settled = self._sweep(made, needs, joint)
        while not settled:  # needs only grow, so this ends
            needed, settled = self._sweep(made, needs, joint)
        result = made, tuple([needed.get(value, _NEVER) for value in made.inputs])
        self._marked[original, needs] = result
        return result

    def _sweep(self, function: Function, needs: _Needs, joint: dict[Module, _Needs]) -> tuple[dict[Value, Usage], bool]:
        """Mark the nodes of a function from its outputs backwards. Return when each value is needed, and whether this is settled.

        `joint` has for each called module what its calls need together. It is not settled if a call needs more than was known
        when a later call of the same module was marked.
        """
        settled = True
        needed: dict[Value, Usage] = {}
        for value, usage in zip(function.outputs, needs, strict=True):
            _require(needed, [value], usage)
        for node in function.nodes_reversed:
            wanted = tuple([needed.get(value, _NEVER) for value in node.outputs])
            node.usage = wanted[0] if len(wanted) == 1 else max(wanted, key=_ORDER.index, default=_NEVER)
            if not isinstance(node, Call):
                _require(needed, node.inputs, node.usage)
                continue
            assert node.module is not None
            known = joint.setdefault(node.module, wanted)
            if known != wanted:
                wanted = tuple([max(pair, key=_ORDER.index) for pair in zip(known, wanted, strict=True)])
                settled = settled and known == wanted
                joint[node.module] = wanted
            node.callee, inner = self.mark(node.callee, wanted)
            for value, usage in zip(node.inputs, inner, strict=True):
                _require(needed, [value], min(usage, node.usage, key=_ORDER.index))
        return needed, settled


def _require(needed: dict[Value, Usage], values: Iterable[Value], usage: Usage) -> None:
    """Note that these values are needed at least then."""
    if usage is not _NEVER:
        for value in values:
            if needed.get(value) is not _ALWAYS:
                needed[value] = usage
