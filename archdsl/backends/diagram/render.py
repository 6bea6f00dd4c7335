"""A graph as a picture."""

from __future__ import annotations

from math import floor, sqrt
from typing import Literal, get_args

from archdsl.backends.diagram import theme
from archdsl.backends.diagram.build import build_diagram
from archdsl.backends.diagram.dot import to_dot
from archdsl.backends.diagram.graphviz import run_graphviz
from archdsl.backends.diagram.layout import place
from archdsl.backends.diagram.model import Detail
from archdsl.backends.diagram.placed import Direction
from archdsl.backends.diagram.placed_dot import to_placed_dot
from archdsl.backends.diagram.scene import Scene, scene_of
from archdsl.backends.diagram.svg import to_svg
from archdsl.backends.diagram.theme import ThemeName
from archdsl.ir import Graph

Format = Literal["svg", "png", "pdf", "dot"]
FORMATS: tuple[Format, ...] = get_args(Format)


def render(
    graph: Graph,
    format: Format = "svg",
    *,
    detail: Detail = "blocks",
    direction: Direction = "down",
    theme_name: ThemeName = "light",
    source_lines: bool = False,
) -> bytes:
    """Return a picture of a network: `svg`, `png`, `pdf`, or the `dot` text without places.

    With `source_lines`, each box of an SVG says by which lines of the network's file it was written, as `data-lines="3 4"`.

    Raises `SpecError`: E0901 if there is no usable Graphviz for PNG or PDF, E0904 if there is more to draw than a picture can
    show, E0907 if Graphviz cannot draw it.
    """
    diagram = build_diagram(graph, detail)
    colors = theme.THEMES[theme_name]
    if format == "dot":
        return to_dot(diagram, colors, right=direction == "right").encode()
    scene = scene_of(place(diagram, direction), colors)
    if format == "svg":
        definition = graph.main.definition if source_lines else None
        return to_svg(scene, definition.file if definition is not None else None)
    return run_graphviz(to_placed_dot(scene, dpi=_dpi(scene) if format == "png" else 72.0), "nop2", format)


def _dpi(scene: Scene) -> float:
    """Return the resolution of a PNG, lower if a picture of this area would have too many pixels."""
    return min(float(theme.DPI), floor(72 * sqrt(theme.MOST_PIXELS / (scene.width * scene.height))))
