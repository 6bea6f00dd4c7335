"""A diagram with a place for everything: what the writers of pictures read, and any other program that shows a network.

All positions are in points, from the left and from the top. `Drawing.boxes` and `Drawing.frames` have the keys of the model's
boxes and frames, which say for which part of the graph each stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from archdsl.backends.diagram.model import Box, Diagram, Edge, Frame

Direction = Literal["down", "right"]
"""Where a network flows."""


class Point(NamedTuple):
    """A place."""

    x: float
    y: float


class Rectangle(NamedTuple):
    """An upright rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top

    @property
    def center(self) -> Point:
        """The middle."""
        return Point((self.left + self.right) / 2, (self.top + self.bottom) / 2)

    def moved(self, x: float, y: float) -> Rectangle:
        """Return it at another place."""
        return Rectangle(self.left + x, self.top + y, self.right + x, self.bottom + y)

    def turned(self) -> Rectangle:
        """Return it with x and y exchanged."""
        return Rectangle(self.top, self.left, self.bottom, self.right)


@dataclass(frozen=True, slots=True)
class Line:
    """An edge: upright and level pieces from the box that gives the value to the one that takes it.

    `label` is the place of the edge's label, None if it has none.
    """

    edge: Edge
    points: tuple[Point, ...]
    label: Rectangle | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of the trunk with one resolution."""

    text: str
    place: Rectangle


@dataclass(frozen=True, slots=True)
class Drawing:
    """A diagram, and where everything stands.

    `captions` are the places of the titles of frames and `tables` those of their tables, by key. `page` is the whole, and
    `heading` the place of its title, its facts and its legend; None without one.
    """

    diagram: Diagram
    direction: Direction
    boxes: dict[str, Rectangle]
    frames: dict[str, Rectangle]
    captions: dict[str, Rectangle]
    lines: list[Line]
    page: Rectangle
    heading: Rectangle | None = None
    bands: list[Band] = field(default_factory=list)
    tables: dict[str, Rectangle] = field(default_factory=dict)

    def placed_boxes(self) -> list[tuple[Box, Rectangle]]:
        """Return each box with its place, in the order of the network."""
        return [(box, self.boxes[box.key]) for box in self.diagram.boxes]

    def placed_frames(self) -> list[tuple[Frame, Rectangle]]:
        """Return each frame with its place, outer ones first."""
        return [(frame, self.frames[frame.key]) for frame in self.diagram.frames]
