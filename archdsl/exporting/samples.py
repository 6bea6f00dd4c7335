"""The sizes at which an export is compared with its network, invalid sizes that it must refuse, and inputs of these sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice, product
from typing import Final, NamedTuple

import torch
from torch import Tensor

from archdsl.analysis import Costs, SymbolicSizes
from archdsl.ir import Graph
from archdsl.ir.flat import flatten
from archdsl.ops.dense import Embedding
from archdsl.shapes import Dim, value_at
from archdsl.sizes import SizeSet

_USUAL: Final = 64
"""A size from which the others are chosen, if it is valid and there are no better reasons."""
_FAR: Final = 512
"""No size beyond it is tried, unless no smaller one is valid."""
_MOST_MACS: Final = 6_000_000_000
"""The most multiply-accumulates of one example at the largest sizes that are tried."""
_COUNT: Final = 5


class Point(NamedTuple):
    """Sizes of the inputs: the batch, the symbolic sizes, and why these are tried."""

    batch: int
    at: Mapping[str, int]
    reason: str

    def shapes(self, graph: Graph) -> list[tuple[int, ...]]:
        """Return the shapes of the inputs."""
        return [(self.batch, *[value_at(size, self.at) for size in value.shape]) for value in graph.inputs]


def points(graph: Graph, sizes: SymbolicSizes) -> list[Point]:
    """Return at least five points: the smallest sizes, odd ones, unequal ones, and the largest that do not take long."""
    if not sizes.work:
        return [Point(batch, {}, "batch") for batch in (1, 2, 3, 4, 5)]
    candidates = {symbol: list(islice(_members(work), 4 * _FAR)) for symbol, work in sizes.work.items()}
    usual = {symbol: min(found, key=lambda n: (abs(n - _USUAL), n)) for symbol, found in candidates.items()}
    wanted = [
        (1, {symbol: found[0] for symbol, found in candidates.items()}, "smallest"),
        (2, usual, "usual"),
        (1, {symbol: _odd(found, usual[symbol]) for symbol, found in candidates.items()}, "odd"),
        (3, _unequal(candidates, usual), "unequal"),
        (1, _largest(graph, sizes, candidates), "largest"),
    ]
    found: list[Point] = []
    for batch, at, reason in wanted:
        near = _valid(sizes, candidates, at)
        if reason == "odd" and near is not None and not any(n % 2 for n in near.values()):
            reason = "next"
        if near is not None and all(point.at != near for point in found):
            found.append(Point(batch, near, reason))
    spread = (dict(zip(candidates, at, strict=True)) for at in product(*[numbers[:8] for numbers in candidates.values()]))
    for at in spread:
        if len(found) >= _COUNT:
            break
        if sizes.works(at) and all(point.at != at for point in found):
            found.append(Point(2, at, "further"))
    batches = (Point(batch, found[0].at, "batch") for batch in range(2, _COUNT + 2) if found)
    return [*found, *islice(batches, max(0, _COUNT - len(found)))]


def _members(sizes: SizeSet) -> Iterator[int]:
    """Yield the sizes of a set up to a bound, and at least one."""
    first = sizes.smallest()
    yield from (n for n in range(first, max(first, _FAR) + 1) if n in sizes)


def _odd(found: list[int], usual: int) -> int:
    """Return an odd size next to the usual one; another size if none is odd."""
    odd = [n for n in found if n % 2 and n != 1] or [n for n in found if n != usual] or found
    return min(odd, key=lambda n: (abs(n - usual), -n))


def _unequal(candidates: Mapping[str, list[int]], usual: Mapping[str, int]) -> dict[str, int]:
    """Return sizes of which no two neighbours are equal, if there are several."""
    found = {}
    for position, (symbol, numbers) in enumerate(candidates.items(), 1):
        index = numbers.index(usual[symbol])
        found[symbol] = numbers[min(index + position * (1 if position % 2 else -1), len(numbers) - 1) if index else -1]
    return found


def _largest(graph: Graph, sizes: SymbolicSizes, candidates: Mapping[str, list[int]]) -> dict[str, int]:
    """Return the largest sizes that do not take long."""
    macs = Costs().macs(graph.main)
    most = max(len(numbers) for numbers in candidates.values())
    best = {symbol: numbers[0] for symbol, numbers in candidates.items()}
    low, high = 0, most - 1
    while low <= high:  # the cost grows with the sizes
        middle = (low + high) // 2
        at = {symbol: numbers[min(middle, len(numbers) - 1)] for symbol, numbers in candidates.items()}
        if _number(macs, at) <= _MOST_MACS and _elements(graph, at) <= _MOST_MACS // 100:
            best, low = at, middle + 1
        else:
            high = middle - 1
    return best


def _number(size: Dim | None, at: Mapping[str, int]) -> int:
    return 0 if size is None else value_at(size, at)


def _elements(graph: Graph, at: Mapping[str, int]) -> int:
    """Return the number of elements of the inputs."""
    total = 0
    for value in graph.inputs:
        count = 1
        for size in value.shape:
            count *= _number(size, at)
        total += count
    return total


def _valid(sizes: SymbolicSizes, candidates: Mapping[str, list[int]], at: dict[str, int]) -> dict[str, int] | None:
    """Return these sizes, or others near them if they are not valid together; None if there are none among a few."""
    if sizes.works(at):
        return at
    nearest = [sorted(numbers, key=lambda n: abs(n - at[symbol]))[:6] for symbol, numbers in candidates.items()]
    tried = (dict(zip(candidates, numbers, strict=True)) for numbers in product(*nearest))
    return next((found for found in tried if sizes.works(found)), None)


class Refused(NamedTuple):
    """Shapes of inputs that an export must refuse, and why."""

    shapes: list[tuple[int, ...]]
    reason: str


def invalid(graph: Graph, sizes: SymbolicSizes, valid: Point) -> list[Refused]:
    """Return shapes that are invalid in one axis each: a symbolic size, or a fixed one of an input."""
    found = []
    for symbol, work in sizes.work.items():
        start = valid.at[symbol]
        near = next((n for step in range(1, 2 * _FAR) for n in (start + step, start - step) if n >= 1 and n not in work), None)
        if near is not None:
            shapes = valid._replace(at={**valid.at, symbol: near}).shapes(graph)
            found.append(Refused(shapes, f"{symbol} = {near}"))
    for position, value in enumerate(graph.inputs):
        axis = next((axis for axis, size in reversed(list(enumerate(value.shape, 1))) if isinstance(size, int)), None)
        if axis is not None:
            shapes = valid.shapes(graph)
            changed = list(shapes[position])
            changed[axis] += 1
            shapes[position] = tuple(changed)
            found.append(Refused(shapes, f"axis {axis} of {value} = {changed[axis]}"))
    return found


def inputs_of(graph: Graph, shapes: list[tuple[int, ...]], seed: int) -> tuple[Tensor, ...]:
    """Return random inputs of these shapes: real numbers, bools, or integers that every table of the network has."""
    generator = torch.Generator().manual_seed(seed)
    tables = [node.op.n for node in flatten(graph).nodes if isinstance(node.op, Embedding)]
    found = []
    for value, shape in zip(graph.inputs, shapes, strict=True):
        if value.dtype == "int":
            found.append(torch.randint(0, min(tables, default=2), shape, generator=generator))
        elif value.dtype == "bool":
            found.append(torch.randint(0, 2, shape, generator=generator).bool())
        else:
            found.append(torch.randn(shape, generator=generator))
    return tuple(found)
