"""The part of the trunk that is drawn as one straight line."""

from __future__ import annotations

from archdsl.backends.diagram.model import Diagram

_SIDE_BY_SIDE = 3
"""From so many branches on, none of them is the trunk."""


def spine_of(diagram: Diagram) -> list[str]:
    """Return the trunk without the branches of joins of three or more, which are drawn side by side around it."""
    incoming: dict[str, list[str]] = {}
    for edge in diagram.edges:
        if not edge.skip:
            incoming.setdefault(edge.target, []).append(edge.source)
    spine: list[str] = []
    aside: set[str] = set()
    for key in reversed(diagram.trunk):
        if key in aside:
            continue
        spine.append(key)
        if len(incoming.get(key, ())) >= _SIDE_BY_SIDE:
            aside = _branch_boxes(incoming[key], incoming)
    return spine[::-1]


def _branch_boxes(ends: list[str], incoming: dict[str, list[str]]) -> set[str]:
    """Return the boxes on the paths to these ends, back to where all of them part."""
    ways = []
    for end in ends:
        way, key = [end], end
        while len(incoming.get(key, ())) == 1:
            (key,) = incoming[key]
            way.append(key)
        ways.append(way)
    common = set(ways[0]).intersection(*ways[1:])
    return {key for way in ways for key in way} - common
