"""The target `viewer`: an interactive page."""

from __future__ import annotations

from archdsl.ir import Graph
from archdsl.targets import Options, Target


def _write(graph: Graph, suffix: str, options: Options) -> bytes:
    from archdsl.backends.viewer.page import viewer_page  # here: naming the targets needs no Graphviz

    return viewer_page(graph)


TARGET = Target("an interactive page: one file, for a browser without a network", ("html",), _write)
