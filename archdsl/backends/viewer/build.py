"""From a graph to the scenes of its page: one for each function, each card of several ops, and each indexed family."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from archdsl.analysis import Costs
from archdsl.analysis.receptive_field import field_text, receptive_fields
from archdsl.backends.diagram.contents import Card, contents_of, family_of, whole_families
from archdsl.backends.diagram.model import Detail
from archdsl.backends.diagram.op_text import inputs_text
from archdsl.backends.viewer.folding import Piece, equal_calls, gathered, nodes_of
from archdsl.backends.viewer.links import links_of
from archdsl.backends.viewer.model import Scene, View
from archdsl.backends.viewer.parts import call_part, card_part, failure_part, family_part, input_part, op_part_of, result_part
from archdsl.backends.viewer.rows import arrange
from archdsl.ir import Call, Function, Graph, Node, Value, flatten, shared_nodes


def build_view(graph: Graph, detail: Detail = "blocks") -> View:
    """Return what the page of a network shows; of a partial graph, what is known.

    Raises `SpecError`: E0901 if there is no usable Graphviz, E0904 if a frame has more parts than a page can show.
    """
    builder = _Builder(graph, detail)
    builder.network()
    scenes = _reached(builder.scenes)
    arrange(graph.name, scenes)
    return View(graph.name, tuple(_facts(graph)), graph.doc, scenes, _fields(graph), graph.valid_sizes)


class _Builder:
    """Makes scenes. A function has one, however often it is called."""

    def __init__(self, graph: Graph, detail: Detail) -> None:
        self._graph, self._detail = graph, detail
        self._costs = Costs()
        self._shared = shared_nodes(graph)
        self._functions: dict[Function, int] = {}
        self._counts: dict[Function, int] = {}
        self.scenes: list[Scene] = []

    def network(self) -> None:
        """Add the scene of the network, with its inputs and results as parts."""
        graph = self._graph
        results = zip(graph.results, graph.main.outputs, strict=True)
        ends = [Piece(result_part(result, value), (value,)) for result, value in results]
        inputs = [Piece(input_part(value), (), (value,)) for value in graph.inputs]
        self._add([*inputs, *self._pieces(graph.main), *ends], (), ())

    def _of_function(self, function: Function) -> int:
        """Return the number of a function's scene."""
        found = self._functions.get(function)
        if found is None:
            found = self._functions[function] = self._add(self._pieces(function), function.inputs, function.outputs)
        return found

    def _add(self, pieces: Sequence[Piece], inputs: Sequence[Value], outputs: Sequence[Value]) -> int:
        scene = Scene([piece.part for piece in pieces], links_of(pieces, inputs, outputs), len(inputs), len(outputs))
        self.scenes.append(scene)
        return len(self.scenes) - 1

    def _pieces(self, function: Function) -> list[Piece]:
        """Return what is in a function: equal calls in a row as one, and indexed families gathered."""
        items = contents_of(function, self._detail).items
        first = self._firsts(function)
        pieces = [self._call(item) if isinstance(item, Call) else self._card(item, first) for item in items]
        for piece in pieces:
            piece.part.first += first[piece.nodes[0]]
        families = whole_families(items)
        folded: list[Piece] = []
        for family, members in groupby(equal_calls(pieces, self._shared), lambda piece: piece.family):
            group = list(members)
            folded += [self._family(family, group)] if family in families and len(group) > 1 else group
        failed = [Piece(failure_part(failure), tuple(failure.inputs)) for failure in function.failures]
        return folded + failed

    def _firsts(self, function: Function) -> dict[Node, int]:
        """Return how many ops of a function run before each of its nodes, in the order of the flat view."""
        found, count = {}, 0
        for node in function.nodes:
            found[node] = count
            count += self._count(node.callee) if isinstance(node, Call) else 1
        self._counts[function] = count
        return found

    def _count(self, function: Function) -> int:
        if function not in self._counts:
            self._firsts(function)
        return self._counts[function]

    def _card(self, card: Card, first: Mapping[Node, int]) -> Piece:
        """Return ops that share a card; several unfold to themselves."""
        ops = [op_part_of(node, self._costs, self._detail, shared=node in self._shared) for node in card]
        takes, makes = tuple(card[0].inputs), tuple(card[-1].outputs)
        if len(card) == 1:
            return Piece(ops[0], takes, makes, card, family_of(card))
        for op, node in zip(ops, card, strict=True):
            op.first = first[node] - first[card[0]]
        pieces = [Piece(op, tuple(node.inputs), tuple(node.outputs), (node,)) for op, node in zip(ops, card, strict=True)]
        return Piece(card_part(ops, card, self._add(pieces, takes, makes)), takes, makes, card, family_of(card))

    def _call(self, call: Call) -> Piece:
        """Return a call; one of a function with a single part is drawn as this part."""
        number = self._of_function(call.callee)
        scene = self.scenes[number]
        part = call_part(call, number, scene, self._costs, shared=call in self._shared)
        return Piece(part, tuple(call.inputs), tuple(call.outputs), (call,), family_of(call))

    def _family(self, family: str, members: list[Piece]) -> Piece:
        """Return one piece for the members of an indexed family, which follow one another."""
        takes, makes = gathered(members)
        start = members[0].part.first
        for piece in members:
            piece.part.first -= start
        number = self._add(members, takes, makes)
        part = family_part(family, number, self.scenes[number], takes, makes)
        part.first = start
        return Piece(part, takes, makes, nodes_of(members))


def _reached(scenes: list[Scene]) -> list[Scene]:
    """Return the scenes that a reader can unfold, numbered anew: those of functions with one part are left out."""
    reached: set[int] = set()
    pending = [len(scenes) - 1]
    while pending:
        number = pending.pop()
        if number not in reached:
            reached.add(number)
            pending += [part.scene for part in scenes[number].parts if part.scene is not None]
    numbers = {number: i for i, number in enumerate(sorted(reached))}
    for number in reached:
        scenes[number].parts = [
            part if part.scene is None else replace(part, scene=numbers[part.scene]) for part in scenes[number].parts
        ]
    return [scenes[number] for number in sorted(reached)]


def _fields(graph: Graph) -> list[str]:
    """Return the receptive field of each op; of a network with errors, none."""
    return [field_text(layer.first) for layer in receptive_fields(flatten(graph))] if graph.complete else []


def _facts(graph: Graph) -> Iterator[str]:
    """Yield what is said of the whole network."""
    yield f"input {inputs_text(graph)}"
    if not graph.complete:
        yield "drawn as far as it is known"
        return
    counts = Costs().counts(graph.main)
    more = f" ({counts.params:,} in training)" if counts.params != counts.params_eval else ""
    yield f"{counts.params_eval:,} parameters{more}"
    if isinstance(counts.macs, int):
        yield f"{counts.macs:,} MACs"
    yield f"depth {counts.depth}"
