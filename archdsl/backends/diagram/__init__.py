"""Networks as pictures: a model of what to draw, its layout by Graphviz, and one file per output."""

from archdsl.backends.diagram.build import build_diagram
from archdsl.backends.diagram.dot import to_dot
from archdsl.backends.diagram.model import Box, Detail, Diagram, Edge, Frame, Kind, Mark, Part
from archdsl.backends.diagram.render import FORMATS, Format, render, render_diagram

__all__ = [
    "FORMATS", "Box", "Detail", "Diagram", "Edge", "Format", "Frame", "Kind", "Mark", "Part",
    "build_diagram", "render", "render_diagram", "to_dot",
]  # fmt: skip
