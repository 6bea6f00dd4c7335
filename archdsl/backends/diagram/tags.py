"""Values that are taken in many places: tags with a name, like the nets of a circuit diagram, instead of long lines.

A value has tags if at least `_FEWEST_TAKERS` blocks take it one after another, none of which it comes from, and these are at
least `_FEWEST_TAGS` tags. Blocks that a frame stands for count one by one. A value has tags, too, if at least `_FEWEST_TAGS`
blocks take its size, and nothing but the trunk takes the value itself. What does not count:

- The trunk, the longest way from the first input: its line stays.
- What runs side by side, as the heads of a feature pyramid do, counts once.
- A join of more than two values collects values of one kind, as those of a DenseNet do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import pairwise
from typing import NamedTuple

from archdsl.backends.diagram.edges import boxes_before, longest_way
from archdsl.backends.diagram.markup import clean
from archdsl.backends.diagram.model import Box, Edge, Frame, Kind, Part
from archdsl.backends.diagram.op_text import shape_text
from archdsl.ops.base import Category

_FEWEST_TAKERS = 4
"""Skips and gates take a value up to three times."""
_FEWEST_TAGS = 2
"""One line says as much as a tag at each of its ends."""
_LONGEST_NAME = 32


class _Net(NamedTuple):
    """A value that has tags: its box, and the edges that become tags, in the order of those who take it."""

    source: Box
    edges: Sequence[Edge]


def tagged_values(root: Frame, edges: Sequence[Edge]) -> frozenset[str]:
    """Return the keys of the boxes that make the values which are taken in many places of a picture with all frames open."""
    groups = {value: group for value, group in _by_value(edges).items() if _may_have_tags(group)}
    if not groups:
        return frozenset()
    tagger = _Tagger(root, edges)
    nets = {value: tagger.net(group) for value, group in groups.items()}
    return frozenset([
        value for value, net in nets.items() if tagger.in_sequence(net) >= _FEWEST_TAKERS or tagger.gives_sizes(net)
    ])  # fmt: skip


def _may_have_tags(group: Sequence[Edge]) -> bool:
    return sum(edge.times for edge in group) >= _FEWEST_TAKERS or sum(edge.size_only for edge in group) >= _FEWEST_TAGS


def add_tags(root: Frame, edges: list[Edge], values: Set[str]) -> None:
    """Put tags in the place of the edges of some values."""
    if not values:
        return
    tagger = _Tagger(root, edges)
    nets = [tagger.net(group) for value, group in _by_value(edges).items() if value in values]
    nets = [net for net in nets if len(tagger.shared(net)) >= _FEWEST_TAGS]
    inputs = {box.key: name for box in root.boxes() if box.kind is Kind.INPUT and (name := box.parts[0].text) == _short(name)}
    others = [net for net in nets if net.source.key not in inputs]
    names = inputs | dict(zip(
        [net.source.key for net in others], _unique([tagger.names(net) for net in others], set(inputs.values())), strict=True,
    ))  # fmt: skip
    for net in nets:
        tagger.tag(net, names[net.source.key])
        if net in others or not any(edge.source == net.source.key for edge in edges):
            edges.append(tagger.tag_source(net, names[net.source.key]))


def _by_value(edges: Iterable[Edge]) -> dict[str, list[Edge]]:
    groups: dict[str, list[Edge]] = {}
    for edge in edges:
        if edge.value and not edge.failed:
            groups.setdefault(edge.value, []).append(edge)
    return groups


class _Tagger:
    """Finds the takers of values in a picture, and puts tags before them."""

    def __init__(self, root: Frame, edges: Sequence[Edge]) -> None:
        self._boxes = {box.key: box for box in root.boxes()}
        self._around: dict[str, tuple[Frame, ...]] = {}
        self._frames_around(root, ())
        self._inside = {frame.key: [box.key for box in frame.boxes()] for frame in root.frames()}
        self._before = boxes_before(edges, self._boxes)
        self._bits = {key: 1 << i for i, key in enumerate(self._boxes)}
        self._trunk = self._trunk_of(edges)
        self._tags = 0

    def _frames_around(self, frame: Frame, around: tuple[Frame, ...]) -> None:
        for item in frame.items:
            if isinstance(item, Box):
                self._around[item.key] = (*around, frame)
            else:
                self._frames_around(item, (*around, frame))

    def _trunk_of(self, edges: Sequence[Edge]) -> set[tuple[str, str]]:
        """Return the ends of each edge of the trunk."""
        start = next((key for key, box in self._boxes.items() if box.kind is Kind.INPUT), None)
        if start is None:
            return set()
        onward = [edge for edge in edges if edge.source == start or self._before[edge.source] & self._bits[start]]
        return set(pairwise(longest_way(onward, list(self._boxes))))

    # -- who takes a value --

    def net(self, group: Sequence[Edge]) -> _Net:
        """Return a value with the edges that can become tags."""
        far = [edge for edge in group if self._place(edge) is not None and (edge.source, edge.target) not in self._trunk]
        return _Net(self._boxes[group[0].source], sorted(far, key=lambda edge: self._bits[edge.target]))

    def _place(self, edge: Edge) -> str | None:
        """Return the innermost block that takes a value; None if the value comes from it, or no block does."""
        if self._boxes[edge.target].kind is Kind.BLOCK:
            return edge.target
        frame = self._around[edge.target][-1]
        return None if frame in self._around[edge.source] else frame.key

    def gives_sizes(self, net: _Net) -> bool:
        """Return whether several blocks take the size of a value, and none of them anything else of it."""
        return all(edge.size_only for edge in net.edges) and len({self._place(edge) for edge in net.edges}) >= _FEWEST_TAGS

    def in_sequence(self, net: _Net) -> int:
        """Return how many blocks take a value one after another, at most."""
        takers: dict[str, list[Edge]] = {}
        for edge in net.edges:
            place = self._place(edge)
            if place is not None and edge.times:
                takers.setdefault(place, []).append(edge)
        most: dict[str, int] = {}
        for place, edges in takers.items():
            before = 0
            for key in self._inside.get(place, (place,)):
                before |= self._before[key]
            earlier = [number for other, number in most.items() if before & self._all(takers[other])]
            most[place] = max(earlier, default=0) + max(edge.times for edge in edges)
        return max(most.values(), default=0)

    def _all(self, edges: Iterable[Edge]) -> int:
        """Return the bits of those who take a value."""
        return sum({self._bits[edge.target] for edge in edges})

    def shared(self, net: _Net) -> list[list[Edge]]:
        """Return the edges from each tag: takers beside each other in one frame share one."""
        found: dict[str, list[list[Edge]]] = {}
        for edge in net.edges:
            groups = found.setdefault(self._around[edge.target][-1].key, [])
            if groups and not self._before[edge.target] & self._all(groups[-1]):
                groups[-1].append(edge)
            else:
                groups.append([edge])
        return [group for groups in found.values() for group in groups]

    # -- tags --

    def names(self, net: _Net) -> list[str]:
        """Return names for a value, each more exact than the one before: where it comes from, as seen by those who take it."""
        box = net.source
        if box.kind is Kind.INPUT:
            return [box.parts[0].text]
        label = (box.nodes[-1].output.name or box.nodes[-1].op.name) if box.nodes and box.kind is not Kind.BLOCK else ""
        path = box.name.split(".") if box.name else []
        others = [self._boxes[edge.target].name.split(".") for edge in net.edges]
        common = min(_common(path, other) for other in others)
        start = common - 1 if common and path[common:] and path[common].isdigit() else common
        words = [*path[start:], *([label] if label and path[-1:] != [label] else [])]
        return [".".join(words[: i + 1]) for i in range(common - start, len(words))] or [box.text]

    def tag(self, net: _Net, name: str) -> None:
        """Put a tag before each taker of a value."""
        for group in self.shared(net):
            taker = self._boxes[group[0].target]
            frame = self._around[taker.key][-1]
            tag = self._tag(net.source, name, taker)
            frame.items.insert(frame.items.index(taker), tag)
            for edge in group:
                edge.source = tag.key

    def tag_source(self, net: _Net, name: str) -> Edge:
        """Put a tag behind the box that makes a value, and return the edge to it."""
        at = self._around[net.source.key]
        depth = min(_common(at, self._around[group.target]) for group in net.edges)
        home, shape = at[depth - 1], next((edge.shape for edge in net.edges if edge.shape), ())
        item = at[depth] if depth < len(at) else net.source
        tag = self._tag(net.source, name, net.source, *filter(None, [shape_text(shape)]))
        home.items.insert(home.items.index(item) + 1, tag)
        return Edge(net.source.key, tag.key, shape, usage=net.source.usage)

    def _tag(self, source: Box, name: str, near: Box, *words: str) -> Box:
        self._tags += 1
        parts = (Part(name, main=True), *(Part(word) for word in words))
        return Box(f"tag_{self._tags}", Kind.TAG, Category.INPUT, parts, usage=near.usage, name=source.name)


def _common(one: Sequence[object], other: Sequence[object]) -> int:
    """Return with how many equal things two sequences begin."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _unique(names: Sequence[Sequence[str]], taken: Set[str]) -> list[str]:
    """Return a name for each of several values, of which each has names from short to exact: the first that nothing else has."""
    found = [_short(own[0]) for own in names]
    for depth in range(1, max(map(len, names), default=0)):
        count = Counter([*found, *taken])
        known = zip(found, names, strict=True)
        found = [_short(own[depth]) if count[name] > 1 and depth < len(own) else name for name, own in known]
    return list(_numbered(found, taken))


def _numbered(names: Sequence[str], others: Set[str]) -> Iterator[str]:
    taken = {*names, *others}
    count = Counter([*names, *others])
    for name in names:
        number, unique = 0, name
        while count[name] > 1 and (not number or unique in taken):
            number += 1
            unique = f"{name} ({number})"
        taken.add(unique)
        yield unique


def _short(name: str) -> str:
    name = clean(name)
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
