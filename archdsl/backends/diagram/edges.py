"""Edges: which of them are skips, and which of them show a shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from archdsl.backends.diagram.model import Box, Edge, Kind
from archdsl.backends.diagram.op_text import shape_text, spatial
from archdsl.ir import Usage
from archdsl.ops.base import Category

AnyWay = TypeVar("AnyWay", bound="Way")


def mark_skips(edges: list[Edge], boxes: Mapping[str, Box]) -> None:
    """Mark the edges whose source reaches the target through another edge as well, even through one between the same boxes.

    A crop or another change of shape alone does not end a skip, and no value goes through an edge of which only a size is
    taken. `boxes` are by key, sources before targets.
    """
    incoming: dict[str, list[Edge]] = {}
    outgoing = Counter(edge.source for edge in edges if not edge.size_only)
    for edge in edges:
        if not edge.size_only:
            incoming.setdefault(edge.target, []).append(edge)
    bits = {key: 1 << i for i, key in enumerate(boxes)}
    before = boxes_before(edges, boxes)
    for key in bits:
        reached = 0
        for edge in incoming.get(key, ()):
            reached |= before[edge.source]
        for edge in incoming.get(key, ()):
            edge.skip = bool(reached & bits[edge.source])
            reached |= bits[edge.source]
    for key in bits:
        ways = incoming.get(key, ())
        for edge in ways if len(ways) > 1 else ():
            cut = edge.source
            if outgoing[cut] == 1 and len(incoming.get(cut, ())) == 1 and _only_shapes(boxes[cut]):
                into = incoming[cut][0]
                others = [before[other.source] | bits[other.source] for other in ways if other is not edge]
                edge.skip = into.skip = any(bits[into.source] & other for other in others)


def boxes_before(edges: Iterable[Edge], order: Iterable[str]) -> dict[str, int]:
    """Return for each box those whose values reach it, as the bits of a number: the lowest is that of the first box.

    `order` has the keys of the boxes, sources before targets. Sizes are no values.
    """
    sources: dict[str, list[str]] = {}
    for edge in edges:
        if not edge.size_only:
            sources.setdefault(edge.target, []).append(edge.source)
    bits = {key: 1 << i for i, key in enumerate(order)}
    before: dict[str, int] = {}
    for key in bits:
        before[key] = 0
        for source in sources.get(key, ()):
            before[key] |= before[source] | bits[source]
    return before


def _only_shapes(box: Box) -> bool:
    return box.kind is Kind.CARD and all(node.op.category is Category.SHAPE for node in box.nodes)


def mark_projections(edges: list[Edge], boxes: Mapping[str, Box]) -> None:
    """Mark the edges of projections."""
    active = {key for key, box in boxes.items() if any(node.op.category is Category.ACTIVATION for node in box.nodes)}
    for edge in projections(edges, [key for key, box in boxes.items() if box.kind is Kind.JOIN], active):
        edge.projection = True


class Way(Protocol):
    """A value on its way from one thing to another, past others that reach the target too if it is a skip."""

    @property
    def source(self) -> Hashable:
        """What gives it."""

    @property
    def target(self) -> Hashable:
        """What takes it."""

    @property
    def skip(self) -> bool:
        """Whether it is a skip."""


def projections(ways: Sequence[AnyWay], joins: Iterable[Hashable], active: Collection[Hashable]) -> list[AnyWay]:
    """Return the ways to and from the one or two things that a shortcut changes its value with, beside a longer way to a join.

    An `active` thing has an activation, and is none of a projection.
    """
    outgoing: dict[Hashable, list[AnyWay]] = {}
    incoming: dict[Hashable, list[AnyWay]] = {}
    for way in ways:
        outgoing.setdefault(way.source, []).append(way)
        incoming.setdefault(way.target, []).append(way)
    found: list[AnyWay] = []
    for join in joins:
        if len(incoming.get(join, ())) != 2 or any(way.skip for way in incoming[join]):
            continue
        short, long = sorted((_way_back(way, incoming, outgoing) for way in incoming[join]), key=len)
        changed = any(way.source in active for way in short[:-1])
        if short[-1].source == long[-1].source and 2 <= len(short) <= 3 and len(short) < len(long) and not changed:
            found += short
    return found


def _way_back(way: AnyWay, incoming: Mapping[Hashable, list[AnyWay]], outgoing: Mapping[Hashable, list[AnyWay]]) -> list[AnyWay]:
    """Return the ways from one back to where ways part or meet."""
    found = [way]
    while len(incoming.get(found[-1].source, ())) == 1 and len(outgoing[found[-1].source]) == 1:
        found.append(incoming[found[-1].source][0])
    return found


def write_shapes(edges: list[Edge], boxes: Mapping[str, Box]) -> None:
    """Write each shape once: after the box that changed it in a way that its text does not say, or after the next join."""
    named = {Kind.RESULT, Kind.OUTPUT, Kind.HEAD, Kind.TAG}
    changed = {key for key, box in boxes.items() if _changes(box)}
    joins = {key for key, box in boxes.items() if box.kind in (Kind.JOIN, Kind.BAR)}
    changed |= {edge.target for edge in edges if edge.target in joins and edge.source in changed}
    for edge in sorted(edges, key=lambda edge: edge.usage is not Usage.ALWAYS):
        if edge.source in changed and not edge.skip and edge.target not in joins and boxes[edge.target].kind not in named:
            changed.discard(edge.source)
            edge.label = shape_text(edge.shape)


def _changes(box: Box) -> bool:
    if box.kind is Kind.INPUT or not box.nodes or not box.nodes[0].inputs:
        return False
    if not box.nodes[0].inputs:
        return True
    before = box.nodes[0].input_shapes[0]
    after = box.nodes[-1].output.shape
    return box.kind in (Kind.BAR, Kind.BLOCK) or len(before) != len(after) or spatial(before) != spatial(after)


def longest_way(edges: Iterable[Edge], order: Sequence[str]) -> tuple[str, ...]:
    """Return the boxes on the longest path to the result, or to where a network ends without one; the first way wins a tie.

    `order` lists the boxes, sources before targets.
    """
    incoming: dict[str, list[str]] = {}
    for edge in edges:
        if not edge.size_only:
            incoming.setdefault(edge.target, []).append(edge.source)
    length: dict[str, int] = {}
    best: dict[str, str] = {}
    for key in order:
        sources = incoming.get(key, ())
        if sources:
            best[key] = max(sources, key=length.__getitem__)
        length[key] = length[best[key]] + 1 if sources else 0
    way = ["result" if "result" in length else max(length, key=length.__getitem__)]
    while way[-1] in best:
        way.append(best[way[-1]])
    return tuple(way[::-1])
