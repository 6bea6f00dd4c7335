"""A graph as a picture."""

from __future__ import annotations

from dataclasses import replace
from math import floor, sqrt
from typing import Literal, get_args

from archdsl.backends.diagram import theme
from archdsl.backends.diagram.build import build_diagram
from archdsl.backends.diagram.dot import to_dot, to_placed_dot
from archdsl.backends.diagram.graphviz import run_graphviz
from archdsl.backends.diagram.layout import place
from archdsl.backends.diagram.model import Detail, Diagram
from archdsl.backends.diagram.svg import finish_svg
from archdsl.ir import Graph
from archdsl.source import SourceFile

Format = Literal["svg", "png", "pdf", "dot"]
FORMATS: tuple[Format, ...] = get_args(Format)


def render(graph: Graph, format: Format = "svg", *, detail: Detail = "blocks", source_lines: bool = False) -> bytes:
    """Return a picture of a network: `svg`, `png`, `pdf`, or the `dot` text, for which no Graphviz is needed.

    With `source_lines`, each box of an SVG says by which lines of the network's file it was written, as `data-lines="3 4"`.

    Raises `SpecError`: E0901 if there is no usable Graphviz, E0904 if there is more to draw than a picture can show, E0907 if
    Graphviz cannot draw it.
    """
    definition = graph.main.definition if source_lines else None
    return render_diagram(build_diagram(graph, detail), format, definition.file if definition is not None else None)


def render_diagram(diagram: Diagram, format: Format = "svg", source: SourceFile | None = None) -> bytes:
    """Return a picture of a diagram; each box of an SVG says by which lines of a source it was written."""
    if format == "dot":
        return to_dot(diagram).encode()
    placement = place(diagram)
    if format == "png":
        placement = replace(placement, page=dict(placement.page) | {"dpi": f"{_dpi(placement.area):g}"})
    drawn = run_graphviz(to_placed_dot(diagram, placement), "nop2", format)
    if format != "svg":
        return drawn
    return finish_svg(drawn, diagram, source)


def _dpi(area: float) -> float:
    """Return the resolution of a PNG, lower if a picture of this area (in square points) would have too many pixels."""
    return min(float(theme.DPI), floor(72 * sqrt(theme.MOST_PIXELS / area))) if area else theme.DPI
