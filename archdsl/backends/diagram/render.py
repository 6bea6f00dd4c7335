"""A graph as a picture."""

from __future__ import annotations

from math import floor, sqrt
from typing import Literal, get_args

from archdsl.backends.diagram.build import build_diagram
from archdsl.backends.diagram.dot import to_dot
from archdsl.backends.diagram.graphviz import run_graphviz
from archdsl.backends.diagram.layout import place
from archdsl.backends.diagram.mermaid import to_mermaid
from archdsl.backends.diagram.model import Diagram, Level
from archdsl.backends.diagram.placed import Direction
from archdsl.backends.diagram.placed_dot import to_placed_dot
from archdsl.backends.diagram.preset import PRESETS, PresetName
from archdsl.backends.diagram.scene import Scene, scene_of
from archdsl.backends.diagram.svg import to_svg
from archdsl.backends.diagram.theme import DPI, MOST_PIXELS, THEMES, ThemeName
from archdsl.backends.diagram.tikz import to_tikz
from archdsl.ir import Graph
from archdsl.source import SourceFile

_PRINT_DPI = 300.0
"""Of a PNG with a size on paper."""

Format = Literal["svg", "png", "pdf", "dot", "tikz", "mermaid"]
FORMATS: tuple[Format, ...] = get_args(Format)
SUFFIXES: dict[str, Format] = {
    "svg": "svg", "png": "png", "pdf": "pdf", "dot": "dot", "gv": "dot", "tex": "tikz", "tikz": "tikz", "mmd": "mermaid",
    "mermaid": "mermaid",
}  # fmt: skip
"""The format of a file by its suffix."""


def render(
    graph: Graph,
    format: Format = "svg",
    *,
    level: Level = "blocks",
    direction: Direction | None = None,
    theme: ThemeName = "light",
    preset: PresetName | None = None,
    bands: bool = False,
    source_lines: bool = False,
) -> bytes:
    """Return a picture of a network: `svg`, `png`, `pdf` or `tikz`; or `dot` or `mermaid`, which another program lays out.

    `level` is `blocks`, which folds repeated blocks as figures in papers do, `full`, or how many blocks inside each other are
    opened. The `direction` of a `preset` is its own unless it is given. With `bands`, each resolution has a background. With
    `source_lines`, each box of an SVG says by which lines of the network's file it was written, as `data-lines="3 4"`.

    Raises `SpecError`: E0901 if there is no usable Graphviz for PNG or PDF, E0904 if there is more to draw than a picture can
    show, E0907 if Graphviz cannot draw it.
    """
    definition = graph.main.definition if source_lines else None
    return render_diagram(
        build_diagram(graph, level), format, definition.file if definition is not None else None,
        direction=direction, theme=theme, preset=preset, bands=bands,
    )  # fmt: skip


def render_diagram(
    diagram: Diagram,
    format: Format = "svg",
    source: SourceFile | None = None,
    *,
    direction: Direction | None = None,
    theme: ThemeName = "light",
    preset: PresetName | None = None,
    bands: bool = False,
) -> bytes:
    """Return a picture of a diagram; each box of an SVG says by which lines of a source it was written."""
    colors, chosen = THEMES[theme], PRESETS[preset] if preset is not None else None
    flow: Direction = direction or (chosen.direction if chosen is not None else "down")
    if format == "dot":
        return to_dot(diagram, colors, right=flow == "right").encode()
    if format == "mermaid":
        return to_mermaid(diagram, colors, right=flow == "right").encode()
    scene = scene_of(place(diagram, flow, heading=chosen is None or chosen.heading, bands=bands), colors)
    width = chosen.scaled_width(scene.width, scene.height) if chosen is not None else None
    if format == "svg":
        return to_svg(scene, source, width=width)
    if format == "tikz":
        return to_tikz(scene, width=width).encode()
    dpi = _dpi(scene, width) if format == "png" else 72.0
    return run_graphviz(to_placed_dot(scene, dpi=dpi, width=width), "nop2", format)


def _dpi(scene: Scene, width: float | None) -> float:
    """Return the resolution of a PNG, lower if a picture of this area would have too many pixels."""
    if width is not None:
        return _PRINT_DPI
    return min(float(DPI), floor(72 * sqrt(MOST_PIXELS / (scene.width * scene.height))))
