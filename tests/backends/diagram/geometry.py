"""What is wrong with a drawing: everything that a reader would trip over."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from itertools import pairwise

from archdsl.backends.diagram.labels import box_lines, text_size
from archdsl.backends.diagram.measures import words_size
from archdsl.backends.diagram.model import Box, Frame
from archdsl.backends.diagram.placed import Drawing, Point, Rectangle

_SLACK = 0.4


def faults(drawing: Drawing) -> list[str]:
    """Return a sentence for each thing that overlaps, crosses or does not fit; none if the drawing is right."""
    return [*_overlaps(drawing), *_contents(drawing), *_crossings(drawing), *_words(drawing)]


def _meet(a: Rectangle, b: Rectangle) -> bool:
    across = min(a.right, b.right) - max(a.left, b.left) > _SLACK
    return across and min(a.bottom, b.bottom) - max(a.top, b.top) > _SLACK


def _meeting(things: list[tuple[str, Rectangle]]) -> Iterator[tuple[str, str]]:
    """Yield the pairs that overlap, by a sweep from top to bottom."""
    live: list[tuple[str, Rectangle]] = []
    for name, place in sorted(things, key=lambda thing: thing[1].top):
        live = [other for other in live if other[1].bottom > place.top]
        yield from ((other, name) for other, there in live if _meet(place, there))
        live.append((name, place))


def _overlaps(drawing: Drawing) -> Iterator[str]:
    inside = _inside(drawing.diagram.root)
    things = [(f"box {key}", place) for key, place in drawing.boxes.items()]
    things += [(f"frame {key}", place) for key, place in drawing.frames.items()]
    things += [(f"title {key}", place) for key, place in drawing.captions.items()]
    things += [(f"table {key}", place) for key, place in drawing.tables.items()]
    things += [(f"label {i}", line.label) for i, line in enumerate(drawing.lines) if line.label is not None]
    if drawing.heading is not None:
        things.append(("heading", drawing.heading))
    for first, second in _meeting(things):
        (kind, key), (other, name) = (
            first.split(" ")[:2] if " " in first else (first, ""),
            second.split(" ") if " " in second else (second, ""),
        )
        kinds = {kind, other}
        if "frame" in kinds:
            frame, thing = (key, name) if kind == "frame" else (name, key)
            if kinds == {"frame", "label"} or name in inside.get(key, ()) or key in inside.get(name, ()):
                continue
            if kinds in ({"frame", "title"}, {"frame", "table"}) and (thing == frame or thing in inside.get(frame, ())):
                continue
        yield f"{first} overlaps {second}"


def _inside(frame: Frame) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for inner in frame.frames():
        found[inner.key] = {box.key for box in inner.boxes()} | {other.key for other in inner.frames()}
    return found


def _contents(drawing: Drawing) -> Iterator[str]:
    for frame, place in drawing.placed_frames():
        for item in frame.items:
            inner = drawing.boxes[item.key] if isinstance(item, Box) else drawing.frames[item.key]
            if not _holds(place, inner):
                yield f"frame {frame.key} does not contain {item.key}"
        if not _holds(place, drawing.captions[frame.key]) or not _holds(place, drawing.tables.get(frame.key, place)):
            yield f"frame {frame.key} does not contain its title"
    for key, place in [*drawing.boxes.items(), *drawing.frames.items()]:
        if not _holds(drawing.page, place):
            yield f"{key} is not on the page"


def _holds(outer: Rectangle, inner: Rectangle) -> bool:
    across = outer.left - _SLACK <= inner.left and inner.right <= outer.right + _SLACK
    return across and outer.top - _SLACK <= inner.top and inner.bottom <= outer.bottom + _SLACK


class _Index:
    """Places by the stripes of the page that they touch, so that a line is compared with what is near it alone."""

    _STRIPE = 64.0

    def __init__(self, places: Iterable[tuple[str, Rectangle]]) -> None:
        self._stripes: dict[int, list[tuple[str, Rectangle]]] = {}
        for name, place in places:
            for stripe in self._touched(place.top, place.bottom):
                self._stripes.setdefault(stripe, []).append((name, place))

    def _touched(self, top: float, bottom: float) -> range:
        return range(int((top - 1) // self._STRIPE), int((bottom + 1) // self._STRIPE) + 1)

    def cut_by(self, a: Point, b: Point) -> dict[str, Rectangle]:
        """The places that a piece of a line runs through."""
        left, right = min(a.x, b.x) - 1, max(a.x, b.x) + 1
        stripes = [self._stripes.get(i, ()) for i in self._touched(min(a.y, b.y), max(a.y, b.y))]
        near = {name: place for stripe in stripes for name, place in stripe if place.left < right and left < place.right}
        return {name: place for name, place in near.items() if _cut(a, b, place)}


def _crossings(drawing: Drawing) -> Iterator[str]:
    inside = _inside(drawing.diagram.root)
    words = _Index(
        [(f"box {key}", place) for key, place in drawing.boxes.items()]
        + [(f"title {key}", place) for key, place in drawing.captions.items()]
        + [(f"table {key}", place) for key, place in drawing.tables.items()]
        + [(f"label {i}", line.label) for i, line in enumerate(drawing.lines) if line.label is not None]
    )
    frames = _Index(drawing.frames.items())
    for i, line in enumerate(drawing.lines):
        edge = line.edge
        for a, b in pairwise(line.points):
            if abs(a.x - b.x) > 0.01 and abs(a.y - b.y) > 0.01:
                yield f"line {i} is not upright"
            yield from (f"line {i} {edge.source}-{edge.target} crosses {name}" for name in words.cut_by(a, b))
            for key in frames.cut_by(a, b):
                if edge.source not in inside[key] and edge.target not in inside[key]:
                    yield f"line {i} {edge.source}-{edge.target} runs through frame {key}"
        for end, key in ((line.points[0], edge.source), (line.points[-1], edge.target)):
            if not _on_border(end, drawing.boxes[key]):
                yield f"line {i} does not touch {key}"


def _cut(a: Point, b: Point, place: Rectangle) -> bool:
    return _meet(Rectangle(min(a.x, b.x) - 0.5, min(a.y, b.y) - 0.5, max(a.x, b.x) + 0.5, max(a.y, b.y) + 0.5), _shrunk(place))


def _shrunk(place: Rectangle) -> Rectangle:
    return Rectangle(place.left + 0.6, place.top + 0.6, place.right - 0.6, place.bottom - 0.6)


def _on_border(point: Point, place: Rectangle) -> bool:
    inside = place.left - 0.1 <= point.x <= place.right + 0.1 and place.top - 0.1 <= point.y <= place.bottom + 0.1
    near = min(abs(point.x - place.left), abs(point.x - place.right), abs(point.y - place.top), abs(point.y - place.bottom))
    return inside and near < 0.1


def _words(drawing: Drawing) -> Iterator[str]:
    for box, place in drawing.placed_boxes():
        width, height = words_size(box_lines(box, drawing.direction), text_size(box))
        if width > place.width + _SLACK or height > place.height + _SLACK:
            yield f"the words of {box.key} are larger than it"


def parser_of_seeds() -> argparse.ArgumentParser:
    """What a script that draws random programs takes: how many, and a number from which their seeds follow."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    return parser


def seeds_of(given: argparse.Namespace) -> range:
    """The seeds of the programs."""
    return range(given.seed * 10_000, given.seed * 10_000 + given.programs)
