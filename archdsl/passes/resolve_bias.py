"""Resolve `bias = auto`: leave the bias out if the only consumer subtracts each channel's mean, which cancels it."""

from __future__ import annotations

from archdsl.ir import Graph, Node
from archdsl.ops import Op


def resolve_bias(graph: Graph) -> Graph:
    """Replace every `bias = auto` by true or false."""
    resolved: dict[tuple[int, bool], Op] = {}
    results = {graph.result, *(head.value for head in graph.heads), *(output.value for output in graph.outputs)}
    known: dict[int, bool] = {}
    for node in graph.nodes:
        undecided = known.get(id(node.op))
        if undecided is None:
            undecided = known[id(node.op)] = getattr(node.op, "bias", None) == "auto"
        if undecided:
            bias = node.index in results or not _is_cancelled(graph, node)
            key = (id(node.op), bias)
            if key not in resolved:
                resolved[key] = node.op.model_copy(update={"bias": bias})
            node.op = resolved[key]
    return graph


def _is_cancelled(graph: Graph, node: Node) -> bool:
    """Return whether a shift of each channel of a value changes nothing after its consumers."""
    users = graph.consumers[node.index]
    if len(users) != 1:
        return False
    user = graph.nodes[users[0]]
    return user.op.removes_channel_mean(*graph.input_shapes(user))
