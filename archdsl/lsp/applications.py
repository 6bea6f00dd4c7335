"""The applications of the stages of a text: which shapes they gave, how often, and at what cost.

A stage inside of a block or a loop is applied several times, and may give another shape each time. Applications are read
from the graphs of the networks, so that a stage which no network reaches has none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from archdsl.analysis import Costs
from archdsl.ir import Call, Function, Graph, Node, OpNode
from archdsl.shapes import Dim, Shape, SizeError
from archdsl.source import SourceFile, Span


class Application(NamedTuple):
    """Equal applications of a stage: the shapes that go in and come out, how many there are, and the cost of one."""

    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    times: int
    params: int
    macs: Dim | None


class Applications(NamedTuple):
    """The applications of all stages of a text.

    `stages` are those of each stage by its place; of a `skip` or a join, the place of its keyword. `inputs` are the shapes of
    inputs by their place. `calls` count, for each block and network by the start of its definition, how often it is
    called. `arguments` are what its parameters were, each combination once.
    """

    stages: dict[Span, list[Application]]
    inputs: dict[Span, list[Application]]
    calls: dict[int, int]
    arguments: dict[int, list[Mapping[str, object]]]


def applications_of(source: SourceFile, graphs: Iterable[Graph]) -> Applications:
    """Return the applications of each stage in the first graph that has any."""
    found = Applications({}, {}, {}, {})
    for graph in graphs:
        _Collector(source, found).collect(graph)
    return found


_Equal: TypeAlias = "dict[tuple[tuple[Shape, ...], tuple[Shape, ...], int, Dim | None], int]"
"""The applications of one stage without their number, which is the value."""


class _Collector:
    """The applications in one graph of the stages that no earlier graph has."""

    def __init__(self, source: SourceFile, known: Applications) -> None:
        self._source = source
        self._known = known
        self._costs = Costs()
        self._stages: dict[Span, _Equal] = {}
        self._inputs: dict[Span, _Equal] = {}
        self._calls: dict[int, int] = {}
        self._arguments: dict[int, list[Mapping[str, object]]] = {}

    def collect(self, graph: Graph) -> None:
        """Go through the functions of a graph, callers first, so that it is known how often each is called."""
        functions = graph.functions()
        times: Counter[Function] = Counter({graph.main: 1})
        for function in reversed(functions):
            for call in function.calls:
                times[call.callee] += times[function]
        for function in functions:  # in this order, so that the applications of a stage are in order, too
            self._function(function, times[function])
        for places, found in ((self._known.stages, self._stages), (self._known.inputs, self._inputs)):
            for span, equal in found.items():
                places[span] = [Application(*what[:2], times, *what[2:]) for what, times in equal.items()]
        for start, count in self._calls.items():
            self._known.calls.setdefault(start, count)
        for start, given in self._arguments.items():
            self._known.arguments.setdefault(start, given)

    def _function(self, function: Function, times: int) -> None:
        definition = function.definition
        if definition is not None and definition.file is self._source and function.kind != "group":
            self._calls[definition.start] = self._calls.get(definition.start, 0) + times
            known = self._arguments.setdefault(definition.start, [])
            if function.arguments and function.arguments not in known:
                known.append(function.arguments)
        for value in function.inputs if function.kind == "network" else ():
            if value.span is not None and value.span.file is self._source and value.span not in self._known.inputs:
                self._inputs[value.span] = {((), (value.shape,), 0, 0): times}
        stages, shown = self._stages, self._known.stages
        for node in function.nodes:
            span = node.span
            if span is None or span.file is not self._source or span in shown:
                continue
            what = (node.input_shapes, tuple([value.shape for value in node.outputs]), *self._cost(node))
            equal = stages.setdefault(span, {})
            equal[what] = equal.get(what, 0) + times

    def _cost(self, node: Node) -> tuple[int, Dim | None]:
        try:
            if isinstance(node, OpNode):
                return self._costs.of(node)
            assert isinstance(node, Call)
            return self._costs.params(node.callee)[0], self._costs.macs(node.callee)
        except SizeError:  # a product of symbolic sizes that is too long to be written
            return 0, None


def macs_text(macs: Dim | None) -> str:
    """Return a number of MACs, or its formula in symbolic sizes."""
    return "symbolic" if macs is None else f"{macs:,}" if isinstance(macs, int) else str(macs)
