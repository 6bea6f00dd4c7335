"""Networks as pictures: a model of what to draw, its layout by Graphviz, and one file per output."""

from archdsl.backends.diagram.build import build_diagram
from archdsl.backends.diagram.dot import to_dot
from archdsl.backends.diagram.model import Box, Detail, Diagram, Edge, Frame, Kind
from archdsl.backends.diagram.layout import place
from archdsl.backends.diagram.placed import Drawing
from archdsl.backends.diagram.render import FORMATS, Format, render

__all__ = [
    "FORMATS", "Box", "Detail", "Diagram", "Drawing", "Edge", "Format", "Frame", "Kind",
    "build_diagram", "place", "render", "to_dot",
]  # fmt: skip
