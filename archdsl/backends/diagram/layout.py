"""The layout: `dot` places boxes and frames; then trunk edges become straight lines, and skips become arcs around the boxes.

`dot`'s splines for edges past many boxes wind between labels. An arc here leaves a box sideways, runs in the
nearest free lane beside it, and comes back at the join.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from archdsl.backends.diagram import theme
from archdsl.backends.diagram.dot import Attributes, Placement, to_dot_without_skips
from archdsl.backends.diagram.graphviz import run_graphviz
from archdsl.backends.diagram.lanes import Lanes, Rectangle
from archdsl.backends.diagram.model import Box, Diagram, Edge, Frame, Kind

_STRAIGHT = 0.75
"""Points by which the ends of a straight edge may differ."""
_TIP = 6
"""Length of an arrow's head in points."""


def place(diagram: Diagram, run: Callable[[str, str, str], bytes | str] = run_graphviz) -> Placement:
    """Lay a diagram out. Raises `SpecError` as `run_graphviz` does."""
    geometry = json.loads(run(to_dot_without_skips(diagram), "dot", "json"))
    boxes: dict[str, Attributes] = {}
    frames: dict[str, Attributes] = {}
    for thing in geometry.get("objects", ()):
        if "pos" in thing:
            boxes[thing["name"]] = _only(thing, "pos", "width", "height")
        elif "bb" in thing:
            frames[thing["name"].removeprefix("cluster_")] = _only(thing, "bb", "lp", "lwidth", "lheight")
    placed = {int(edge["id"][1:]): edge for edge in geometry.get("edges", ()) if edge.get("id", "").startswith("e")}
    edges: dict[int, Attributes] = {}
    rectangles = {key: _centred(box["pos"], 72 * float(box["width"]), 72 * float(box["height"])) for key, box in boxes.items()}
    forks = {box.key for box in diagram.boxes if box.kind is Kind.FORK}
    for i, drawn in placed.items():
        edge = diagram.edges[i]
        straight = _straight_line(rectangles[edge.source], rectangles[edge.target], arrow=edge.target not in forks)
        if straight and "lp" in drawn:  # `dot` may have led the edge round the other side of its words
            drawn["lp"] = f"{rectangles[edge.source].x + _width(drawn) / 2 + 2:.2f},{drawn['lp'].partition(',')[2]}"
        edges[i] = dict(_only(drawn, "pos", "lp")) | dict(straight)
    obstacles = [*rectangles.values(), *_labels(geometry)]
    around = {key: Rectangle(*map(float, frame["bb"].split(","))) for key, frame in frames.items()}
    lanes = Lanes(obstacles, around.items())
    edges |= _arcs(diagram, rectangles, lanes, around)
    page = Rectangle(*map(float, geometry["bb"].split(",")))
    left, right = lanes.extent
    area = (max(page.right, right) - min(page.left, left)) * (page.top - page.bottom)
    return Placement(boxes, frames, edges, _only(geometry, "lp", "lwidth", "lheight"), area)


def _only(thing: Mapping[str, Any], *keys: str) -> Attributes:
    return {key: str(thing[key]) for key in keys if key in thing}


def _centred(position: str, width: float, height: float) -> Rectangle:
    x, y = map(float, position.split(","))
    return Rectangle(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _labels(geometry: Mapping[str, Any]) -> list[Rectangle]:
    """Return the rectangles of the labels of frames and edges."""
    found = [
        _centred(thing["lp"], 72 * float(thing["lwidth"]), 72 * float(thing["lheight"]))
        for thing in geometry.get("objects", ())
        if "lp" in thing
    ]
    for edge in geometry.get("edges", ()):
        if "lp" in edge:
            found.append(_centred(edge["lp"], _width(edge), 1.3 * theme.SMALL_SIZE))
    return found


def _width(edge: Mapping[str, Any]) -> float:
    """Return the width of the label of an edge."""
    return sum(float(op["width"]) for op in edge.get("_ldraw_", ()) if op["op"] == "T")


def _straight_line(source: Rectangle, target: Rectangle, *, arrow: bool) -> Attributes:
    """Return a straight line if one box is right above the other; nothing otherwise."""
    if abs(source.x - target.x) > _STRAIGHT or source.bottom <= target.top:
        return {}
    start = (source.x, source.bottom)
    end = (source.x, target.top + _TIP if arrow else target.top)
    tip = f"e,{source.x:.2f},{target.top:.2f} " if arrow else ""
    return {"pos": tip + _spline([start, *_line(start, end)])}


def _arcs(
    diagram: Diagram, boxes: Mapping[str, Rectangle], lanes: Lanes, frames: Mapping[str, Rectangle]
) -> dict[int, Attributes]:
    """Return the splines of all skips. Shorter arcs come first, so that longer ones go round them."""

    def length(item: tuple[int, Edge]) -> tuple[float, int]:
        return abs(boxes[item[1].source].y - boxes[item[1].target].y), item[0]

    around = _frames_around(diagram.root, ())
    arcs: dict[int, Attributes] = {}
    for i, edge in sorted(((i, edge) for i, edge in enumerate(diagram.edges) if edge.skip), key=length):
        source, target = boxes[edge.source], boxes[edge.target]
        common = [key for key in around[edge.source] if key in around[edge.target]]
        inside = {*around[edge.source], *around[edge.target]}
        side, lane = lanes.free(source, target, inside, frames[common[-1]] if common else None)
        low, high = sorted((source.y, target.y))
        lanes.add(Rectangle(lane - 1, low, lane + 1, high))
        arcs[i] = {"pos": _arc(source, target, side, lane)}
    return arcs


def _frames_around(frame: Frame, outer: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return the frames around each box, outermost first."""
    found: dict[str, tuple[str, ...]] = {}
    for item in frame.items:
        found |= {item.key: outer} if isinstance(item, Box) else _frames_around(item, (*outer, item.key))
    return found


def _arc(source: Rectangle, target: Rectangle, side: int, lane: float) -> str:
    """Return the spline of an arc: sideways, a corner, along the lane, a corner, back to the join."""
    start = source.right if side > 0 else source.left
    tip = target.right if side > 0 else target.left
    end = tip + side * _TIP
    bend = min(theme.ARC_RADIUS, abs(lane - start), abs(lane - end), abs(source.y - target.y) / 2)
    r, down = side * bend, -bend if target.y < source.y else bend
    points = [(start, source.y)]
    points += _line(points[-1], (lane - r, source.y))
    points += [(lane - r / 2, source.y), (lane, source.y + down / 2), (lane, source.y + down)]
    points += _line(points[-1], (lane, target.y - down))
    points += [(lane, target.y - down / 2), (lane - r / 2, target.y), (lane - r, target.y)]
    points += _line(points[-1], (end, target.y))
    return f"e,{tip:.2f},{target.y:.2f} " + _spline(points)


def _line(a: tuple[float, float], b: tuple[float, float]) -> list[tuple[float, float]]:
    """Return the remaining control points of a cubic that is a straight line."""
    return [((2 * a[0] + b[0]) / 3, (2 * a[1] + b[1]) / 3), ((a[0] + 2 * b[0]) / 3, (a[1] + 2 * b[1]) / 3), b]


def _spline(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
