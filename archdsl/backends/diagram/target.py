"""The target `diagram`: a picture."""

from __future__ import annotations

from archdsl.backends.diagram.render import SUFFIXES, render
from archdsl.ir import Graph
from archdsl.targets import Options, Target


def _write(graph: Graph, suffix: str, options: Options) -> bytes:
    return render(graph, SUFFIXES[suffix])


TARGET = Target("a picture; `archdsl render` has more options", tuple(SUFFIXES), _write)
