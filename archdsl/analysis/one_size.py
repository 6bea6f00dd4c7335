"""A network with open sizes at given ones, and its formulas as they read where it works."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

from archdsl import limits
from archdsl.analysis.largest import over_limits
from archdsl.analysis.open_sizes import Demand, OpenSizes
from archdsl.diagnostics import Diagnostic, Mark
from archdsl.diagnostics.untyped import untyped
from archdsl.ir.unrolled import Graph, Node
from archdsl.shapes import Dim, OpenSize, Shape, format_shape
from archdsl.sizes import describe, simplified
from archdsl.source import Span


def simplify(graph: Graph, sizes: OpenSizes) -> None:
    """Note where the network works, and let every open size print as it reads there: `H/16` for `floor(H/16)`."""
    work = sizes.work
    graph.works, graph.tied = dict(work), [tie.sizes for tie in sizes.together]
    known: dict[int, Dim] = {}

    def shown(size: Dim) -> Dim:
        if not isinstance(size, OpenSize) or len(size.offsets) == 1:
            return size
        if id(size) not in known:
            known[id(size)] = replace(size, text=simplified(size, work[size.symbol]))
        return known[id(size)]

    before = [node.shape for node in graph.nodes]  # keeps what `known` tells apart by its id
    for node, shape in zip(graph.nodes, before, strict=True):
        if any(isinstance(size, OpenSize) for size in shape):
            node.shape = tuple([shown(size) for size in shape])


def at_sizes(graph: Graph, sizes: OpenSizes, given: Mapping[str, Sequence[int]]) -> tuple[Graph | None, list[Diagnostic]]:
    """The network for inputs of these shapes, by the inputs' names; or why it does not work there (E0312).

    An input that is not given follows from the others, where they share its open sizes.
    """
    at: dict[str, int] = {}
    inputs = [graph.nodes[i] for i in graph.inputs]
    for node in inputs:
        for size, number in zip(node.shape, given.get(_name(node), ()), strict=False):
            if isinstance(size, OpenSize) and size.offsets == (0,) and size.slope == 1:
                at.setdefault(size.symbol, number)
    for node in inputs:
        shape = given.get(_name(node))
        if shape is not None and (wrong := _differs(node, tuple(shape), at)) is not None:
            return None, [wrong]
    left = [symbol for symbol in sizes.work if symbol not in at]
    if left:
        return None, [untyped("E0312", f"the size does not say what {' and '.join(left)} {'is' if len(left) == 1 else 'are'}")]
    found = _failures(graph, sizes, at) or _over_limits(graph, at)
    return (None, found) if found else (_concrete(graph, at), [])


def _over_limits(graph: Graph, at: Mapping[str, int]) -> list[Diagnostic]:
    """An error for the first tensor that is larger than any can be."""
    where = " and ".join(f"{symbol} = {number}" for symbol, number in at.items())
    first = islice(over_limits(graph, at), 1)
    return [untyped("E0312", f"the network does not work at {where}: {over}", Mark(node.span)) for node, over in first]


def _name(node: Node) -> str:
    return node.label or ""


def _differs(node: Node, shape: tuple[int, ...], at: Mapping[str, int]) -> Diagnostic | None:
    """An error where an input cannot have this shape."""
    said = _shape_at(node.shape, at) if len(shape) == len(node.shape) else None
    if said == shape:
        return None
    sizes = "x".join(map(str, shape))
    return untyped("E0312", f"`{_name(node)}` is {format_shape(node.shape)}, and cannot be {sizes}", Mark(node.span))


def _failures(graph: Graph, sizes: OpenSizes, at: Mapping[str, int]) -> list[Diagnostic]:
    """An error for each place that does not work at these sizes, of which the first tell enough."""
    found: list[Diagnostic] = []
    for symbol, work in sizes.work.items():
        n = at[symbol]
        if n in work:
            continue
        help = f"{symbol} must be {describe(work)}"
        failing: dict[Span, Demand] = {}
        for demand in sizes.demands:
            if demand.symbol == symbol and n not in demand.sizes:
                failing.setdefault(demand.span, demand)
        for demand in failing.values():
            message = f"the network does not work at {symbol} = {n}: {demand.reason}"
            found.append(
                untyped("E0312", message, Mark(demand.span, f"needs {symbol} to be {describe(demand.sizes)}"), help=help)
            )
        if not failing:
            message = f"the condition of the input does not hold at {symbol} = {n}"
            found.append(untyped("E0312", message, Mark(graph.stated_at[symbol]), help=help))
    for tie in sizes.together:
        if not any(at[symbol] in within for symbol, within in tie.sizes.items()):
            where = " and ".join(f"{symbol} = {at[symbol]}" for symbol in tie.sizes)
            found.append(untyped("E0312", f"the network does not work at {where}: {tie.reason}", Mark(tie.span)))
    return found[: limits.ERRORS]


def _concrete(graph: Graph, at: Mapping[str, int]) -> Graph:
    """The graph with numbers in place of open sizes."""
    nodes = [replace(node, shape=_shape_at(node.shape, at)) for node in graph.nodes]
    return replace(graph, nodes=nodes, conditions=[], stated={}, stated_at={}, works={}, tied=())


def _shape_at(shape: Shape, at: Mapping[str, int]) -> tuple[int, ...]:
    """The numbers; none (-1) where a symbol is not known."""
    return tuple(size if isinstance(size, int) else size.at(at[size.symbol]) if size.symbol in at else -1 for size in shape)
