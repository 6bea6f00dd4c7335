"""From a graph to its diagram: cards, frames, folded repeats, edges, facts."""

from __future__ import annotations

from archdsl.analysis import Costs, counts
from archdsl.backends.diagram.cards import boxes_of, rewrite, use_of
from archdsl.backends.diagram.edges import edges_of, longest_way
from archdsl.backends.diagram.fold import Folder, Links
from archdsl.backends.diagram.frames import add_forks, dissolve, entitle, frame_tree
from archdsl.backends.diagram.model import Box, Detail, Diagram, Frame, Kind, Part
from archdsl.backends.diagram.words import shape_text
from archdsl.ir import Graph
from archdsl.ops.base import Category
from archdsl.shapes import Dim


def build_diagram(graph: Graph, detail: Detail = "blocks") -> Diagram:
    """The diagram of a network."""
    boxes = boxes_of(graph, detail)
    owner = {node.index: box.key for box in boxes for node in box.nodes}
    sources: Links = {box.key: [owner[i] for i in box.nodes[0].inputs] for box in boxes}
    root = frame_tree(boxes)
    _mark_ends(graph, root, owner, sources)
    folder = Folder(graph, sources, rewrite)
    if detail == "blocks":
        folder.fold(root)
    edges = edges_of(graph, root, sources, folder.resolve, owner)
    dissolve(root, edges)
    entitle(root)
    add_forks(root, edges)
    return Diagram(graph.name, _facts(graph), graph.doc, root, edges, longest_way(edges))


def _mark_ends(graph: Graph, root: Frame, owner: dict[int, str], sources: Links) -> None:
    """Boxes for the result, further outputs and heads, beside what they end."""

    def add(key: str, kind: Kind, value: int, *words: str) -> None:
        parts = tuple(Part(word, main=not i) for i, word in enumerate(words))
        box = Box(key, kind, Category.INPUT, parts, use=use_of(graph, value))
        sources[key] = [owner[value]]
        home = next((f for f in root.items if isinstance(f, Frame) and _ends_with(f, owner[value])), root)
        (home if kind is Kind.HEAD else root).items.append(box)

    for i, head in enumerate(graph.heads):
        add(f"head{i}", Kind.HEAD, head.value, f"{head.name} loss × {head.weight:g}", "training only")
    for i, output in enumerate(graph.outputs):
        add(f"output{i}", Kind.OUTPUT, output.value, f"output {output.name}", shape_text(graph.nodes[output.value].shape))
    add("result", Kind.RESULT, graph.result, "output", shape_text(graph.nodes[graph.result].shape))


def _ends_with(frame: Frame, key: str) -> bool:
    *_, last = frame.boxes()
    return last.key == key


def _facts(graph: Graph) -> tuple[str, ...]:
    """Input, learned numbers, multiply-accumulates."""
    found = counts(graph, Costs(graph), [graph.root])[graph.root]
    inputs = ", ".join(shape_text(graph.nodes[i].shape) for i in graph.inputs)
    params = f"{_number(found['params_eval'])} parameters"
    if found["params"] != found["params_eval"]:
        params += f" (in training {_number(found['params'])})"
    macs = found.get("macs")
    return (f"input {inputs}", params, *([f"{_number(macs)} MACs"] if isinstance(macs, int) else []))


def _number(value: Dim) -> str:
    if not isinstance(value, int):
        return str(value)
    rounded = float(f"{value:.3g}")
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if rounded >= size:
            return f"{rounded / size:.3g} {unit}"
    return str(value)
