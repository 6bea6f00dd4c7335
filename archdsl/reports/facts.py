"""The facts of a report, computed once from the graph; the files beside this one present them."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.analysis import Costs, Counts
from archdsl.analysis.dropped_rows import Dropped, dropped_rows
from archdsl.analysis.expected_variance import expected_moments
from archdsl.analysis.path_lengths import PathLengths, path_lengths
from archdsl.analysis.receptive_field import LayerField, receptive_fields
from archdsl.analysis.savings import Saving, savings, totals
from archdsl.analysis.table import describe
from archdsl.analysis.weight_moments import Moments
from archdsl.ir import FlatNode, Graph, Usage, flatten
from archdsl.reports.memory import MemoryFacts, memory_facts
from archdsl.shapes import Dim

BATCH = 32
"""The examples in a batch of a training step, if nobody says otherwise."""
_PARTS = {Usage.ALWAYS: "main", Usage.TRAINING: "head", Usage.NEVER: "unused"}


class Layer(NamedTuple):
    """One run of an op. `params` is 0 for a further run of a module. `moments` is None if they are unknown."""

    node: FlatNode
    group: str
    op: str
    params: int
    macs: Dim | None
    part: str
    field: LayerField
    moments: Moments | None

    @property
    def name(self) -> str:
        """The path of its module, with the name of the op if no label says what it is; the name alone if it has no module."""
        module = self.node.node.module
        if module is None:
            return self.node.op.name
        stored = module.labelled or self.node.op.parameters(*self.node.node.input_shapes)
        return self.node.path if stored else f"{self.node.path} ({self.node.op.name})"


class Facts(NamedTuple):
    """Everything that a report says about a network."""

    graph: Graph
    counts: Counts
    layers: list[Layer]
    memory: MemoryFacts
    paths: PathLengths | None
    dropped: list[Dropped]
    savings: list[tuple[Saving, int]]

    @property
    def image(self) -> tuple[Dim, ...]:
        """The sizes of the first input behind its channels."""
        shape = self.graph.inputs[0].shape if self.graph.inputs else ()
        return shape[min(1, len(shape) - 1) :]

    @property
    def field(self) -> Layer | None:
        """The layer with the largest receptive field that a window bounds, among those that run in evaluation."""
        bounded = [layer for layer in self.layers if layer.part == "main" and _size(layer)]
        return max(bounded, key=_size, default=None)

    @property
    def sees_all(self) -> Layer | None:
        """The first layer that sees everything."""
        seeing = (layer for layer in self.layers if layer.part == "main" and any(axis.whole for axis in layer.field.first))
        return next(seeing, None)

    @property
    def unfollowed(self) -> Layer | None:
        """The first layer behind which the field is not followed, unless everything is seen there."""
        lost = (
            layer for layer in self.layers
            if layer.part == "main" and any(not axis.known and not axis.whole for axis in layer.field.first)
        )  # fmt: skip
        return next(lost, None)

    @property
    def windows(self) -> list[Layer]:
        """The layers whose window enlarges the field, among those that run in evaluation."""
        return [layer for layer in self.layers if layer.part == "main" and layer.field.new_from is not None]

    @property
    def unproductive(self) -> list[Layer]:
        """The windows whose input sees the whole image already, along every axis, by the path that sees the most."""
        sizes = [size for size in self.image if isinstance(size, int)]
        if len(sizes) < len(self.image) or not sizes:
            return []
        return [layer for layer in self.windows if (layer.field.new_from or 0) > max(sizes)]


def _size(layer: Layer) -> int:
    return max([axis.size or 0 for axis in layer.field.first], default=0)


def facts_of(graph: Graph, batch: int = BATCH) -> Facts:
    """Compute the facts of a network without errors."""
    flat = flatten(graph)
    costs = Costs()
    fields = receptive_fields(flat)
    moments = expected_moments(graph, flat)
    layers: list[Layer] = []
    constructed: set[str] = set()
    groups = _groups([node.path for node in flat.nodes])
    for node, group, field, expected in zip(flat.nodes, groups, fields, moments, strict=True):
        cost, module = costs.of(node.node), node.node.module
        first = module is None or node.path not in constructed
        if module is not None:
            constructed.add(node.path)
        usage = node.usage
        macs = cost.macs if usage is not Usage.NEVER else 0
        layers.append(Layer(node, group, describe(node.op), cost.params if first else 0, macs, _PARTS[usage], field, expected))
    paths = path_lengths(flat, flat.outputs[0]) if flat.outputs else None
    if paths is not None and not paths.layers.counts:
        paths = None  # the result does not follow from the inputs
    return Facts(
        graph, costs.counts(graph.main), layers, memory_facts(graph, flat, batch), paths, dropped_rows(flat, graph.valid_sizes),
        totals(savings(flat)),
    )  # fmt: skip


_FEW, _MANY = 4, 60
"""Numbers of groups between which a table by groups is readable."""


def _groups(paths: list[str]) -> list[str]:
    """Return for each op the part of the network to which it belongs: the first labels of its path, as many as are needed."""
    found: list[str] = []
    for depth in (1, 2, 3):
        found = []
        for path in paths:
            names = path.split(".") if path else []
            found.append(".".join(names[:depth]) if names else (found[-1] if found else ""))
        if len(set(found)) > _FEW:
            break
    return found if len(set(found)) <= _MANY else [path.split(".")[0] for path in paths]
