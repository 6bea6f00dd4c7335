"""From a graph to its diagram: cards, frames, folded repeats, edges, facts.

What is to be drawn is counted before anything is made of it that takes time: words, edges, forks.
"""

from __future__ import annotations

from typing import NamedTuple

from archdsl.analysis import Costs, counts
from archdsl.backends.diagram.cards import boxes_of, use_of, write_words
from archdsl.backends.diagram.edges import edges_of, longest_way
from archdsl.backends.diagram.fold import Links, fold
from archdsl.backends.diagram.frames import add_forks, dissolve, entitle, frame_tree
from archdsl.backends.diagram.model import Box, Detail, Diagram, Frame, Kind, Part
from archdsl.backends.diagram.size import Size
from archdsl.backends.diagram.words import inputs_text, shape_text
from archdsl.ir.unrolled import Graph
from archdsl.ops.base import Category
from archdsl.shapes import Dim


def build_diagram(graph: Graph, detail: Detail = "blocks") -> Diagram:
    """The diagram of a network. Raises `Fault` E0904 if there is more to draw than a picture can show."""
    if detail == "full":
        _size(graph).require(graph.name, lambda: _sketch(graph, "blocks").size)
    sketch = _sketch(graph, detail)
    sketch.size.require(graph.name)
    root, sources, members = sketch
    for box in root.boxes():
        write_words(graph, box, members[box.key], detail)
    edges = edges_of(graph, root, sources, members)
    dissolve(root, edges)
    entitle(root)
    add_forks(root, edges)
    return Diagram(graph.name, _facts(graph), graph.doc, root, edges, longest_way(edges))


class _Sketch(NamedTuple):
    """Boxes in frames, without words; whose values each takes, and for each that is drawn all that it stands for."""

    root: Frame
    sources: Links
    members: dict[str, list[Box]]

    @property
    def size(self) -> Size:
        """How much there is to draw."""
        return Size(len(self.members), sum(len(self.sources[key]) for key in self.members))


def _size(graph: Graph) -> Size:
    """How much there is to draw if each op is a box."""
    ends = len(graph.heads) + len(graph.outputs) + 1
    return Size(len(graph.nodes) + ends, sum(len(node.inputs) for node in graph.nodes) + ends)


def _sketch(graph: Graph, detail: Detail) -> _Sketch:
    boxes = boxes_of(graph, detail)
    owner = {node.index: box.key for box in boxes for node in box.nodes}
    sources: Links = {box.key: [owner[i] for i in box.nodes[0].inputs] for box in boxes}
    root = frame_tree(boxes)
    _mark_ends(graph, root, owner, sources)
    members = fold(graph, root, sources) if detail == "blocks" else {box.key: [box] for box in root.boxes()}
    return _Sketch(root, sources, members)


def _mark_ends(graph: Graph, root: Frame, owner: dict[int, str], sources: Links) -> None:
    """Boxes for the result, further outputs and heads; that of a head in the frame that ends with its value."""
    ending = {frame.last_box.key: frame for frame in root.items if isinstance(frame, Frame)}

    def add(key: str, kind: Kind, value: int, *words: str) -> None:
        parts = tuple(Part(word, main=not i) for i, word in enumerate(words))
        box = Box(key, kind, Category.INPUT, parts, use=use_of(graph, value))
        sources[key] = [owner[value]]
        home = ending.pop(owner[value], root) if kind is Kind.HEAD else root
        home.items.append(box)

    for i, head in enumerate(graph.heads):
        add(f"head{i}", Kind.HEAD, head.value, f"{head.name} loss × {head.weight:g}", "training only")
    for i, output in enumerate(graph.outputs):
        add(f"output{i}", Kind.OUTPUT, output.value, f"output {output.name}", shape_text(graph.nodes[output.value].shape))
    add("result", Kind.RESULT, graph.result, "output", shape_text(graph.nodes[graph.result].shape))


def _facts(graph: Graph) -> tuple[str, ...]:
    """Inputs, parameters, multiply-accumulates."""
    found = counts(graph, Costs(graph), [graph.root])[graph.root]
    params = f"{_number(found['params_eval'])} parameters"
    if found["params"] != found["params_eval"]:
        params += f" (in training {_number(found['params'])})"
    macs = found.get("macs")
    return (f"input {inputs_text(graph)}", params, *([f"{_number(macs)} MACs"] if isinstance(macs, int) else []))


def _number(value: Dim) -> str:
    if not isinstance(value, int):
        return str(value)
    rounded = float(f"{value:.3g}")
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if rounded >= size:
            return f"{rounded / size:.3g} {unit}"
    return str(value)
