"""One of the two networks: all ops that run, what makes each value, and where an op stands."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.differences.forms import Forms
from archdsl.ir import Call, FlatNode, Graph, Node, flatten
from archdsl.source import Span


class Home(NamedTuple):
    """The block that an op stands in, or the labelled group if no block is around it, or the network.

    `name` is that of the block or the path of the group; empty for the network. `origin` is equal for instances of one block, and
    for groups that one place of the text makes. `path` is the key of the call.
    """

    name: str
    origin: object
    path: str


class Side:
    """A network with all calls inlined. Ops and values are numbers, as in `FlatGraph`."""

    def __init__(self, graph: Graph, forms: Forms) -> None:
        self.graph = graph
        self.forms = forms
        self.flat = flatten(graph)
        self.nodes: list[FlatNode] = self.flat.nodes
        self.makers = {value: i for i, node in enumerate(self.nodes) for value in node.outputs}

    def tensors(self, position: int) -> dict[str, tuple[int, ...]]:
        """Return the parameters and buffers of an op, by their names in it."""
        return self.forms.tensors(self.nodes[position].node)

    def home(self, calls: tuple[Call, ...]) -> Home:
        """Return what a body inside some calls stands in."""
        blocks = [i for i, call in enumerate(calls) if call.callee.kind == "block"]
        inside = calls[: blocks[-1] + 1] if blocks else calls
        if not inside:
            return Home("", None, "")
        path, callee = path_of(inside), inside[-1].callee
        if blocks:
            return Home(callee.name, ("block", callee.name), path)
        return Home(path, ("group", place_of(callee.definition) or path), path)

    def is_within(self, calls: tuple[Call, ...], start: int, end: int) -> bool:
        """Return whether all ops inside of some calls are among those from one position to another."""
        depth = len(calls)
        around = [self.nodes[i].calls[:depth] for i in (start - 1, end) if 0 <= i < len(self.nodes)]
        return depth > 0 and calls not in around

    def producer(self, value: int) -> str:
        """Return the name of what makes a value: the key of the op with its name, or the input."""
        if value not in self.makers:
            return f"input {self.graph.inputs[value].name or value}"
        node = self.nodes[self.makers[value]]
        name = f"{node.path}: {node.op.name}" if node.path else node.op.name
        return name if len(node.outputs) == 1 else f"{name}, output {value - node.outputs.start}"


def path_of(calls: tuple[Call, ...]) -> str:
    """Return the key of the innermost of some calls in the network."""
    paths: tuple[str, ...] = ("",)
    for call in calls:
        paths = call.paths_below(paths)
    return paths[-1]


def place_of(span: Span | None) -> tuple[str, int, int] | None:
    """Return a place of a text as something to compare, also between two readings of the text; None if there is none."""
    return (span.file.name, span.start, span.end) if span is not None else None


def label_of(node: Node) -> str:
    """Return the label of a node in the text; empty if it has none."""
    return ".".join(node.module.key) if node.module is not None and node.module.labelled else ""
