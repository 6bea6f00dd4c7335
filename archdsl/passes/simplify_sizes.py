"""Write symbolic sizes as they read for the sizes that work: `H/16` for `floor(H/16)` if `H` must be a multiple of 16."""

from __future__ import annotations

from archdsl.ir import Graph
from archdsl.shapes import Dim, LinearSize, SymbolicSize
from archdsl.sizes import simplified


def simplify_sizes(graph: Graph) -> Graph:
    """Simplify the text of every symbolic size in the graph, of which the valid ones are decided."""
    valid = graph.valid_sizes
    if not valid:
        return graph
    known: dict[int, tuple[SymbolicSize, Dim]] = {}

    def simpler(size: Dim) -> Dim:
        if not isinstance(size, SymbolicSize) or (isinstance(size, LinearSize) and len(size.offsets) == 1):
            return size
        found = known.get(id(size))
        if found is None:
            found = known[id(size)] = (size, size.with_text(simplified(size, valid)))  # keeps the size, and so its id
        return found[1]

    for function in graph.functions():
        for value in function.values:
            if any(isinstance(size, SymbolicSize) for size in value.shape):
                value.shape = tuple([simpler(size) for size in value.shape])
    return graph
