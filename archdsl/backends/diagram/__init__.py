"""Networks as pictures: a model of what to draw, a layout by its structure, and one file per output."""

from archdsl.backends.diagram.build import build_diagram
from archdsl.backends.diagram.dot import to_dot
from archdsl.backends.diagram.layout import place
from archdsl.backends.diagram.model import Box, Detail, Diagram, Edge, Frame, Kind, Level, Mark, Part
from archdsl.backends.diagram.placed import Direction, Drawing
from archdsl.backends.diagram.preset import PresetName
from archdsl.backends.diagram.render import FORMATS, SUFFIXES, Format, render, render_diagram
from archdsl.backends.diagram.theme import ThemeName

__all__ = [
    "FORMATS", "SUFFIXES", "Box", "Detail", "Diagram", "Direction", "Drawing", "Edge", "Format", "Frame", "Kind", "Level",
    "Mark", "Part", "PresetName", "ThemeName", "build_diagram", "place", "render", "render_diagram", "to_dot",
]  # fmt: skip
