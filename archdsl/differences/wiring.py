"""How corresponding ops are wired: which take other values than before, and whether weights are shared as before.

Ops that only one network has count as if they were not there, if what they take goes on: then an op after a new `bn` takes what
it took before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from archdsl.differences.matching import Pair
from archdsl.differences.side import Side

Source: TypeAlias = "tuple[object, ...]"
"""What a value stands for in both networks: an input, or an output of a pair of ops; or an op that only one of them has."""


class Rewired(NamedTuple):
    """A pair of ops that takes other values than before, as the names of what makes those that differ."""

    pair: Pair
    before: tuple[str, ...]
    after: tuple[str, ...]


class Reshared(NamedTuple):
    """A pair of ops whose weights are shared with another op in one of the networks alone; the key of the weights in each."""

    pair: Pair
    before: str
    after: str


class Sources:
    """What each value of one of the networks stands for."""

    def __init__(self, side: Side, pairs: Sequence[Pair], which: int, inputs: Mapping[int, int]) -> None:
        """`which` of the networks it is, 0 or 1; `inputs` are the numbers that inputs of both networks share."""
        self._side = side
        numbers = {pair[which]: number for number, pair in enumerate(pairs)}
        self._found: dict[int, Source] = {
            value: ("input", inputs[value]) if value in inputs else (which, "input", value)
            for value in range(len(side.graph.inputs))
        }
        self._alone: set[int] = set()
        for position, node in enumerate(side.nodes):
            number = numbers.get(position)
            for place, value in enumerate(node.outputs):
                if number is not None:
                    self._found[value] = ("pair", number, place)
                    continue
                self._alone.add(value)
                goes_on = max([self._found[taken] for taken in node.inputs], key=_progress, default=(which, position, place))
                self._found[value] = goes_on

    def of(self, value: int) -> Source:
        """Return what a value stands for."""
        return self._found[value]

    def taken(self, values: Sequence[int]) -> list[Source]:
        """Return what some values stand for."""
        return [self._found[value] for value in values]

    def without_own(self, values: Sequence[int]) -> list[Source]:
        """Return what values stand for, without those that an op makes which only this network has."""
        return [self._found[value] for value in values if value not in self._alone]

    def names(self, values: Sequence[int], others: Sequence[Source]) -> tuple[str, ...]:
        """Return the names of what makes those values that differ from the others at their places."""
        sources = self.taken(values)
        found = [value for i, value in enumerate(values) if i >= len(others) or sources[i] != others[i]]
        return tuple([self._side.producer(value) for value in found])


def _progress(source: Source) -> int:
    """Return how far into both networks a source is: of what an op takes, what goes on through it is the last."""
    if source[0] == "pair" and isinstance(source[1], int):
        return source[1]
    return -1 if source[0] == "input" else -2


def rewired(before: Side, after: Side, pairs: Sequence[Pair], sources: tuple[Sources, Sources]) -> list[Rewired]:
    """Return the pairs of ops that take other values than before."""
    found = []
    for pair in pairs:
        old, new = before.nodes[pair.before].inputs, after.nodes[pair.after].inputs
        taken = sources[0].taken(old), sources[1].taken(new)
        if taken[0] == taken[1] and len(old) == len(new):
            continue
        if len(old) != len(new) and sources[0].without_own(old) == sources[1].without_own(new):
            continue  # what is new or gone is an op of its own, which tells
        found.append(Rewired(pair, sources[0].names(old, taken[1]), sources[1].names(new, taken[0])))
    return found


def reshared(before: Side, after: Side, pairs: Sequence[Pair]) -> list[Reshared]:
    """Return the pairs of ops that share weights with another op in one of the networks alone."""
    to_after, to_before, found = dict[str, str](), dict[str, str](), list[Reshared]()
    for pair in pairs:
        if not before.tensors(pair.before) or not after.tensors(pair.after):
            continue
        old, new = before.nodes[pair.before].path, after.nodes[pair.after].path
        if to_after.setdefault(old, new) != new or to_before.setdefault(new, old) != old:
            found.append(Reshared(pair, old, new))
    return found
