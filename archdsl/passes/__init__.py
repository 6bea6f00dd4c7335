"""Rewrites of a graph, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from archdsl.ir import Graph
from archdsl.passes.mark_usage import mark_usage
from archdsl.passes.resolve_bias import resolve_bias

PASSES: Final[tuple[Callable[[Graph], Graph], ...]] = (mark_usage, resolve_bias)


def run_passes(graph: Graph) -> Graph:
    """Return the graph after every pass."""
    for rewrite in PASSES:
        graph = rewrite(graph)
    return graph
