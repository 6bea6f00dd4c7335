"""The number of paths through a network by their length, as exact integers.

A residual network is a sum over paths: each block doubles them, and their lengths have the coefficients of `(1 + x)^n`, the
binomial ones (Veit, Wilber & Belongie 2016, arXiv:1605.06431, section 3). Here the polynomial of a value is built from those
of its inputs, in one pass over the graph: a sum of a shortcut and a branch adds that of the shortcut and `x` times that of
the branch.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from archdsl.ir import FlatGraph, FlatNode, Usage

_ALWAYS = Usage.ALWAYS


class Lengths(NamedTuple):
    """How many paths there are of each length: `counts[i]` have length `least + i`."""

    least: int = 0
    counts: tuple[int, ...] = ()

    @property
    def total(self) -> int:
        """The number of paths."""
        return sum(self.counts)

    @property
    def longest(self) -> int:
        """The length of the longest path."""
        return self.least + len(self.counts) - 1

    @property
    def mean(self) -> float:
        """The mean length."""
        return self.least + sum([i * count for i, count in enumerate(self.counts)]) * 1_000_000 // self.total / 1_000_000

    def share(self, low: int, high: int) -> float:
        """Return the share of paths whose length is from `low` to `high`, both included."""
        part = self.counts[max(low - self.least, 0) : max(high - self.least + 1, 0)]
        return sum(part) * 10**9 // self.total / 10**9

    def middle(self) -> tuple[int, int]:
        """Return the lengths of the middle nine tenths: at most one in twenty paths is shorter, and at most one longer."""
        sums, total = list(accumulate(self.counts)), self.total
        low = next(i for i, count in enumerate(sums) if 20 * count > total)
        high = next(i for i, count in enumerate(sums) if 20 * count >= 19 * total)
        return self.least + low, self.least + high

    def longer(self, by: int) -> Lengths:
        """Return paths that are longer by so much."""
        return Lengths(self.least + by, self.counts) if by else self

    def __add__(self, other: Lengths) -> Lengths:  # type: ignore[override]
        if not self.counts or not other.counts:
            return self if self.counts else other
        least, end = min(self.least, other.least), max(self.longest, other.longest) + 1
        counts = [0] * (end - least)
        for part in (self, other):
            for i, count in enumerate(part.counts, part.least - least):
                counts[i] += count
        return Lengths(least, tuple(counts))


class PathLengths(NamedTuple):
    """The paths from the inputs of a network to its result, in evaluation.

    `layers` counts convolutions and dense layers on each path. `blocks` counts the residual blocks that it goes through, and
    is None if the network has none; `joins` is their number, and `in_each` says how many paths go through each block.
    """

    layers: Lengths
    blocks: Lengths | None
    joins: int
    in_each: tuple[int, ...]


class _Step(NamedTuple):
    """How the paths of a value follow from those of others: each with how many layers and blocks it is longer."""

    made: int
    taken: list[tuple[int, int, int]]


def path_lengths(flat: FlatGraph, result: int) -> PathLengths:
    """Return the paths to the value of this number."""
    steps = _steps(flat)
    first = flat.nodes[0].outputs.start if flat.nodes else len(flat.values)
    one = Lengths(0, (1,))
    layers, blocks = ({number: one for number in range(first)} for _ in range(2))
    for step in steps:
        layers[step.made] = sum([layers[value].longer(by) for value, by, _ in step.taken], Lengths())
        blocks[step.made] = sum([blocks[value].longer(by) for value, _, by in step.taken], Lengths())
    behind = _paths_behind(steps, result)
    through = [
        sum([blocks[value].total for value, _, by in step.taken if by]) * behind.get(step.made, 0)
        for step in steps
        if any(by for _, _, by in step.taken)
    ]
    in_each = tuple([count for count in through if count])
    return PathLengths(layers[result], blocks[result] if in_each else None, len(in_each), in_each)


def _paths_behind(steps: Sequence[_Step], result: int) -> dict[int, int]:
    """Return the number of paths from each value to the result."""
    found = {result: 1}
    for step in reversed(steps):
        count = found.get(step.made, 0)
        if count:
            for value, _, _ in step.taken:
                found[value] = found.get(value, 0) + count
    return found


def _steps(flat: FlatGraph) -> list[_Step]:
    """Return a step for each value that is made in evaluation, with the values that a path to it comes from."""
    first = flat.nodes[0].outputs.start if flat.nodes else len(flat.values)
    deepest: dict[int, int] = dict.fromkeys(range(first), 0)
    steps = []
    for node in flat.nodes:
        if node.usage is not _ALWAYS:
            continue
        own = int(node.op.weight_layer) + node.op.inner_layers
        taken = [number for number in _continued(node, deepest) if number in deepest]
        if taken:
            depths = [deepest[number] for number in taken]
            shortest = min(depths)
            summed = node.op.name in _SUMS
            found = [(n, own, int(summed and depth > shortest)) for n, depth in zip(taken, depths, strict=True)]
        for number in node.outputs:
            if taken:
                deepest[number] = max(depths) + own
            steps.append(_Step(number, found if taken else []))
    return steps


_SUMS = frozenset({"add", "shake", "sub"})


def _continued(node: FlatNode, deepest: dict[int, int]) -> Sequence[int]:
    """Return the values from which paths go on: all that are summed or concatenated; of a product or of attention, one.

    A gate changes how much of a path passes, and queries and keys say where attention looks. They begin no path of their own.
    """
    data = node.op.data_of(node.inputs)
    if len(data) < 2 or node.op.name in _SUMS or node.op.name in ("concat", "max", "min"):
        return data
    if node.op.name == "attend":
        return data[2:3]
    if node.op.name == "mha":
        return data[-1:]
    whole = [
        number for number, value in zip(data, node.node.inputs, strict=False) if value.shape == node.shape and number in deepest
    ]
    known = whole or [number for number in data if number in deepest]
    return [max(known, key=deepest.__getitem__)] if known else []
