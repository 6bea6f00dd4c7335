"""The course of a line: its corners as rounds, and the head of its arrow, which the line itself does not reach into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import hypot
from typing import NamedTuple

from archdsl.backends.diagram import theme
from archdsl.backends.diagram.placed import Point
from archdsl.backends.diagram.scene import Way

_TIP, _HALF = 6.0, 2.4
"""Length and half of the width of the head of an arrow."""


class Corner(NamedTuple):
    """A corner with where its round begins and ends: a quadratic curve, of which the corner is the control point."""

    before: Point
    corner: Point
    after: Point


class Course(NamedTuple):
    """From a start through corners to an end; `tip` is the triangle of the arrow, its point first, empty if there is none."""

    start: Point
    corners: tuple[Corner, ...]
    end: Point
    tip: tuple[Point, ...] = ()


def course_of(way: Way) -> Course:
    """Return the course of a line."""
    points = list(way.points)
    tip: tuple[Point, ...] = ()
    if way.arrow and len(points) > 1:
        tip, points[-1] = _arrow(points)
    return Course(points[0], tuple(_rounded(points)), points[-1], tip)


def _arrow(points: Sequence[Point]) -> tuple[tuple[Point, Point, Point], Point]:
    """Return the triangle of an arrow at the end of a line, and the middle of its base."""
    tip, before = points[-1], points[-2]
    length = hypot(tip.x - before.x, tip.y - before.y) or 1.0
    x, y = (tip.x - before.x) / length, (tip.y - before.y) / length
    base = Point(tip.x - x * _TIP, tip.y - y * _TIP)
    return (tip, Point(base.x - y * _HALF, base.y + x * _HALF), Point(base.x + y * _HALF, base.y - x * _HALF)), base


def _rounded(points: Sequence[Point]) -> Iterator[Corner]:
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(theme.CORNER, _distance(before, corner) / 2, _distance(corner, after) / 2)
        yield Corner(_towards(corner, before, radius), corner, _towards(corner, after, radius))


def _distance(a: Point, b: Point) -> float:
    return abs(a.x - b.x) + abs(a.y - b.y)


def _towards(start: Point, end: Point, length: float) -> Point:
    whole = _distance(start, end) or 1.0
    return Point(start.x + (end.x - start.x) * length / whole, start.y + (end.y - start.y) * length / whole)
