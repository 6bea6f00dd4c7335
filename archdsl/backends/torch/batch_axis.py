"""Which values have a batch axis of one: those that follow from parameters and constants alone.

Most ops take them beside others as they are, since PyTorch broadcasts the batch. For the others, such as `torch.cat`, `forward`
expands them. A value has the batch of the network's inputs if it follows from one of them. Within a function, it follows from
some of the function's inputs; whether these have the batch depends on the call, so that it may be unknown.

An op that draws random numbers in training draws others for each example. If its input follows from parameters and constants
alone, it is therefore expanded, where it is made or where it is passed to the function that has the op, to the batch of the first
input of the function there.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from archdsl.ir import Call, Function, Graph, Node, OpNode, Value

_Sources = frozenset[int]
"""The positions of those inputs of a function from which a value follows."""
_Calls = tuple[frozenset[bool], ...]
"""For each input of a function, what its calls pass: values with the batch, without it, or both."""


_FIRST: Final[_Sources] = frozenset({0})


class Expansion(NamedTuple):
    """Inputs of a node that take the largest batch among others, by their positions; without others, that of its function."""

    expanded: tuple[int, ...]
    like: tuple[int, ...] = ()


class BatchAxes:
    """The batch axes of a graph's values. Nothing is computed if every op takes the contents of an input."""

    def __init__(self, graph: Graph) -> None:
        functions = graph.functions()
        self.used = any(not node.op.data_of(node.inputs) for function in functions for node in function.ops)
        self._sources: dict[Value, _Sources] = {}
        self._calls: dict[Function, _Calls] = {}
        self._drawing: dict[Function, dict[_Sources, None]] = {}
        """The sources of what random ops of a function take: one of each needs the batch."""
        self._forced: dict[Node, tuple[int, ...]] = {}
        if not self.used:
            return
        for function in functions:  # callees first
            self._trace(function)
        self._calls[graph.main] = (frozenset({True}),) * len(graph.main.inputs)
        for function in reversed(functions):  # callers first
            for call in function.calls:
                passed = [self._batches(function, sources) for sources in self._passed(call)]
                before = self._calls.get(call.callee, (frozenset[bool](),) * len(passed))
                self._calls[call.callee] = tuple([one | other for one, other in zip(before, passed, strict=True)])

    def _trace(self, function: Function) -> None:
        """Note from which inputs of the function each of its values follows, and expand what random ops take."""
        sources = self._sources
        sources.update((value, frozenset({value.position})) for value in function.inputs)
        drawing = self._drawing[function] = {}
        for node in function.nodes:
            if isinstance(node, Call):
                for needed in self._drawing[node.callee]:
                    self._draw(node, tuple(sorted(needed)), drawing)
                passed = self._passed(node)
                for value, inner in zip(node.outputs, node.callee.outputs, strict=True):
                    sources[value] = frozenset().union(*(passed[i] for i in sources[inner]))
            elif isinstance(node, OpNode):
                taken = node.op.data_of(node.inputs)
                if taken and node.op.random_in_training:
                    self._draw(node, tuple([i for i, value in enumerate(node.inputs) if value in taken]), drawing)
                passed = self._passed(node)
                found = frozenset[int]().union(*(one for one, value in zip(passed, node.inputs, strict=True) if value in taken))
                sources.update(dict.fromkeys(node.outputs, found))

    def _draw(self, node: Node, positions: tuple[int, ...], drawing: dict[_Sources, None]) -> None:
        """Note that one of a node's inputs at these positions needs the batch; expand them if none can have it."""
        passed = self._passed(node)
        found = frozenset[int]().union(*(passed[i] for i in positions))
        if not found and node.function.inputs:
            self._forced[node] = tuple(sorted({*self._forced.get(node, ()), *positions}))
            found = _FIRST
        if found:
            drawing[found] = None

    def _passed(self, node: Node) -> list[_Sources]:
        """Return from which inputs of the function the inputs of a node follow, as it takes them."""
        forced = self._forced.get(node, ())
        return [_FIRST if i in forced else self._sources[value] for i, value in enumerate(node.inputs)]

    def _batches(self, function: Function, sources: _Sources) -> frozenset[bool]:
        """Return whether what follows from some inputs has the batch; both if its function is called with and without it."""
        passed = [self._calls[function][position] for position in sources]
        if frozenset({True}) in passed:
            return frozenset({True})
        return frozenset({False}).union(*passed) if any(True in calls for calls in passed) else frozenset({False})

    def is_expanded(self, node: Node, position: int) -> bool:
        """Return whether a node takes an input expanded to the batch of its function."""
        return position in self._forced.get(node, ())

    def is_single(self, function: Function, value: Value) -> bool:
        """Return whether a value may have a batch axis of one."""
        return self.used and False in self._batches(function, self._sources[value])

    def expansion(self, node: Node) -> Expansion | None:
        """Return which inputs of a node have to be expanded; None if it takes them as they are."""
        if node in self._forced:
            return Expansion(self._forced[node])
        if not self.used or not isinstance(node, OpNode) or len(node.inputs) < 2 or node.op.broadcasts_batch:
            return None
        taken = node.op.data_of(node.inputs)
        if len({self._sources[value] for value in taken}) == 1:
            return None
        batches = [self._batches(node.function, self._sources[value]) for value in taken]
        if all(False not in found for found in batches) or all(True not in found for found in batches):
            return None
        full = [i for i, found in enumerate(batches) if False not in found]
        like = full[:1] or [i for i, found in enumerate(batches) if True in found]
        return Expansion(tuple([i for i in range(len(taken)) if i not in full]), tuple(like))


def expanded(names: list[str], ranks: list[int], expansion: Expansion, first: str) -> list[str]:
    """Return the variables of a node's inputs with `.expand(...)` behind those that take the batch of others, or of the first."""
    batches = [f"{name}.shape[0]" for name in ([names[i] for i in expansion.like] or [first])]
    batch = batches[0] if len(batches) == 1 else f"max({', '.join(batches)})"
    found = list(names)
    for i in expansion.expanded:
        found[i] = with_batch(names[i], batch, ranks[i])
    return found


def with_batch(name: str, batch: str, rank: int) -> str:
    """Return a variable expanded to a batch."""
    return f"{name}.expand({', '.join([batch, *['-1'] * rank])})"
