"""The target `diagram`: a picture."""

from __future__ import annotations

from archdsl.backends.diagram.render import FORMATS, render
from archdsl.ir import Graph
from archdsl.targets import Options, Target


def _write(graph: Graph, suffix: str, options: Options) -> bytes:
    return render(graph, next(form for form in FORMATS if form == suffix))


TARGET = Target("a picture by Graphviz; `archdsl render` has more options", FORMATS, _write)
