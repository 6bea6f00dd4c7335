"""The applications of the stages of a text: which shapes they gave, how often, and at what cost.

A stage inside of a block or a loop is applied several times, and may give another shape each time. Applications are read
from the graphs of the networks, so that a stage which no network reaches has none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

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

    stages: Mapping[Span, list[Application]]
    inputs: Mapping[Span, list[Application]]
    calls: Mapping[int, int]
    arguments: Mapping[int, list[Mapping[str, object]]]


def applications_of(source: SourceFile, graphs: Iterable[Graph]) -> Applications:
    """Return the applications of each stage in the first graph that has any."""
    stages: dict[Span, list[Application]] = {}
    inputs: dict[Span, list[Application]] = {}
    calls: dict[int, int] = {}
    arguments: dict[int, list[Mapping[str, object]]] = {}
    for graph in graphs:
        found = _Collector(source)
        found.collect(graph)
        for span, applied in found.stages.items():
            stages.setdefault(span, applied)
        for span, applied in found.inputs.items():
            inputs.setdefault(span, applied)
        for start, times in found.calls.items():
            calls.setdefault(start, times)
        for start, given in found.arguments.items():
            arguments.setdefault(start, given)
    return Applications(stages, inputs, calls, arguments)


class _Collector:
    """The applications in one graph."""

    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._costs = Costs()
        self.stages: dict[Span, list[Application]] = {}
        self.inputs: dict[Span, list[Application]] = {}
        self.calls: dict[int, int] = {}
        self.arguments: dict[int, list[Mapping[str, object]]] = {}

    def collect(self, graph: Graph) -> None:
        """Go through the functions of a graph, callers first, so that it is known how often each is called."""
        times: Counter[Function] = Counter({graph.main: 1})
        for function in reversed(graph.functions()):
            for call in function.calls:
                times[call.callee] += times[function]
        for function in graph.functions():  # in this order, so that the applications of a stage are in order, too
            self._function(function, times[function])

    def _function(self, function: Function, times: int) -> None:
        definition = function.definition
        if definition is not None and definition.file is self._source and function.kind != "group":
            self.calls[definition.start] = self.calls.get(definition.start, 0) + times
            known = self.arguments.setdefault(definition.start, [])
            if function.arguments and function.arguments not in known:
                known.append(function.arguments)
        for value in function.inputs if function.kind == "network" else ():
            if value.span is not None and value.span.file is self._source:
                _add(self.inputs, value.span, Application((), (value.shape,), times, 0, 0))
        for node in function.nodes:
            if node.span is not None and node.span.file is self._source:
                _add(self.stages, node.span, self._application(node, times))

    def _application(self, node: Node, times: int) -> Application:
        params, macs = self._cost(node)
        return Application(node.input_shapes, tuple([value.shape for value in node.outputs]), times, params, macs)

    def _cost(self, node: Node) -> tuple[int, Dim | None]:
        try:
            if isinstance(node, OpNode):
                return self._costs.of(node)
            assert isinstance(node, Call)
            return self._costs.params(node.callee)[0], self._costs.macs(node.callee)
        except SizeError:  # a product of symbolic sizes that is too long to be written
            return 0, None


def _add(places: dict[Span, list[Application]], span: Span, made: Application) -> None:
    known = places.setdefault(span, [])
    for position, other in enumerate(known):
        if other._replace(times=made.times) == made:
            known[position] = other._replace(times=other.times + made.times)
            return
    known.append(made)


def macs_text(macs: Dim | None) -> str:
    """Return a number of MACs, or its formula in symbolic sizes."""
    return "symbolic" if macs is None else f"{macs:,}" if isinstance(macs, int) else str(macs)
