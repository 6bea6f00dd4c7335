"""Regions of a flat list of layers: what lies between a value and a join of all that follows from it.

A region has one value that flows in and one that flows out, as a residual unit or an inception module. The value that flows in
dominates the join: every path from the input of the network to the join leads through it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from archdsl.importers.model import Apply, Node, Value
from archdsl.ops import Op
from archdsl.ops.base import Category


@dataclass(eq=False)
class Region:
    """The nodes of a region in order, the last of which is the join or the activation behind it."""

    entry: Value
    nodes: list[Node]
    join: Apply

    @property
    def exit(self) -> Value:
        """The value that flows out."""
        return self.nodes[-1].outputs[0]


class Body:
    """A list of nodes with who makes and who reads each value."""

    def __init__(self, nodes: Sequence[Node], inputs: Sequence[Value], outputs: Sequence[Value]) -> None:
        self.nodes = list(nodes)
        self.inputs, self.outputs = list(inputs), set(outputs)
        self.maker: dict[Value, int] = {value: at for at, node in enumerate(self.nodes) for value in node.outputs}
        self.readers: dict[Value, list[int]] = {}
        for at, node in enumerate(self.nodes):
            for value in dict.fromkeys(node.reads):
                self.readers.setdefault(value, []).append(at)
        self._dominators = self._find_dominators()

    def _find_dominators(self) -> dict[Value, Value | None]:
        """Return the nearest value that every path to a value leads through; None for inputs and where there is no such value."""
        found: dict[Value, Value | None] = dict.fromkeys(self.inputs)
        depth: dict[Value, int] = dict.fromkeys(self.inputs, 0)

        def common(a: Value | None, b: Value | None) -> Value | None:
            while a is not None and b is not None and a is not b:
                if depth[a] >= depth[b]:
                    a = found[a]
                else:
                    b = found[b]
            return a if a is b else None

        for node in self.nodes:
            nearest: Value | None = None
            for at, value in enumerate(node.reads):
                depth.setdefault(value, 0)
                found.setdefault(value, None)
                nearest = value if at == 0 else common(nearest, value)
            for value in node.outputs:
                found[value] = nearest
                depth[value] = depth[nearest] + 1 if nearest is not None else 0
        return found

    def region(self, at: int) -> Region | None:
        """Return the region of the join at a position; None if values of it are read elsewhere."""
        join = self.nodes[at]
        if not isinstance(join, Apply) or not join.is_join or len(set(join.inputs)) < 2:
            return None
        entry = self._dominators[join.outputs[0]]
        if entry is None:
            return None
        inside = {at}
        waiting = [value for value in join.reads if value is not entry]
        while waiting:
            value = waiting.pop()
            if value not in self.maker:
                return None
            maker = self.maker[value]
            if maker not in inside:
                inside.add(maker)
                waiting += [read for read in self.nodes[maker].reads if read is not entry]
        for position in inside - {at}:
            for value in self.nodes[position].outputs:
                if value in self.outputs or any(reader not in inside for reader in self.readers.get(value, ())):
                    return None
        nodes = [self.nodes[position] for position in sorted(inside)]
        following = self.readers.get(join.outputs[0], [])
        if len(following) == 1 and join.outputs[0] not in self.outputs and is_activation(self.nodes[following[0]]):
            nodes.append(self.nodes[following[0]])
        return Region(entry, nodes, join)

    def regions(self) -> list[Region]:
        """Return all regions, inner ones before those around them."""
        found = [region for at in range(len(self.nodes)) if (region := self.region(at)) is not None]
        return sorted(found, key=lambda region: len(region.nodes))


def is_activation(node: Node) -> bool:
    """Whether a node is an activation without weights."""
    op = Op.registry.get(node.op) if isinstance(node, Apply) else None
    return op is not None and op.category == Category.ACTIVATION and isinstance(node, Apply) and node.key is None


def form_of(nodes: Sequence[Node], entry: Value) -> tuple[Any, ...]:
    """Return the form of nodes: the ops and what flows between them, without their numbers."""
    numbers: dict[Value, int] = {entry: -1}
    found = []
    for node in nodes:
        for value in node.outputs:
            numbers[value] = len(numbers)
        name = node.op if isinstance(node, Apply) else f"<{node.origin.name}>"
        reads = [numbers.get(value, -1) for value in node.reads]
        found.append((name, tuple(sorted(reads) if name in ("add", "mul") else reads)))
    return tuple(found)


def main_branch(region: Region) -> list[Node]:
    """Return the longest branch of a sum of two and what follows it, since the other may be missing elsewhere; else all nodes."""
    if region.join.op != "add" or len(region.join.inputs) != 2:
        return region.nodes
    makers = {value: node for node in region.nodes for value in node.outputs}
    branches = []
    for value in region.join.inputs:
        branch: list[Node] = []
        waiting = [value]
        while waiting:
            node = makers.get(waiting.pop())
            if node is not None and node not in branch:
                branch.append(node)
                waiting += node.reads
        branches.append([node for node in region.nodes if node in branch])
    if set(branches[0]) & set(branches[1]):
        return region.nodes
    behind = region.nodes[region.nodes.index(region.join) :]
    return [*max(branches, key=len), *behind]
