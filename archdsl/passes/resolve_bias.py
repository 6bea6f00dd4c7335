"""`bias = auto`: no bias exactly where a normalization with its own shift is the only consumer."""

from __future__ import annotations

from archdsl.ir import Graph
from archdsl.ops import Op


def resolve_bias(graph: Graph) -> Graph:
    """Replace every `bias = auto` by true or false."""
    resolved: dict[tuple[int, bool], Op] = {}
    results = {graph.result, *(head.value for head in graph.heads), *(output.value for output in graph.outputs)}
    known: dict[int, bool] = {}
    for node in graph.nodes:
        undecided = known.get(id(node.op))
        if undecided is None:
            undecided = known[id(node.op)] = "bias" in type(node.op).model_fields and node.op.bias == "auto"  # type: ignore[attr-defined]
        if not undecided:
            continue
        users = graph.consumers[node.index]
        shifted = len(users) == 1 and node.index not in results and graph.nodes[users[0]].op.own_shift
        key = (id(node.op), shifted)
        if key not in resolved:
            resolved[key] = node.op.model_copy(update={"bias": not shifted})
        node.op = resolved[key]
    return graph
