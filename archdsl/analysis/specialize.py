"""A network with symbolic sizes at given ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

from archdsl.analysis.size_verdict import Demand, SymbolicSizes
from archdsl.analysis.tensor_limits import mark, over_limits
from archdsl.diagnostics import Diagnostic, Mark
from archdsl.diagnostics.untyped import untyped
from archdsl.ir import Graph, Value, copy_graph
from archdsl.shapes import Shape, SymbolicSize, format_shape
from archdsl.sizes import describe
from archdsl.source import Span


def at_sizes(graph: Graph, sizes: SymbolicSizes, given: Mapping[str, Sequence[int]]) -> tuple[Graph | None, list[Diagnostic]]:
    """Return the network for inputs of these shapes, by input name; or the errors (E0312) if it is not valid there.

    An input that is not given follows from the others, where they share its symbolic sizes.
    """
    at: dict[str, int] = {}
    for value in graph.inputs:
        for size, number in zip(value.shape, given.get(value.name or "", ()), strict=False):
            if isinstance(size, SymbolicSize) and size.offsets == (0,) and size.slope == 1:
                at.setdefault(size.symbol, number)
    for value in graph.inputs:
        shape = given.get(value.name or "")
        if shape is not None and (wrong := _differs(value, tuple(shape), at)) is not None:
            return None, [wrong]
    left = [symbol for symbol in sizes.work if symbol not in at]
    if left:
        return None, [untyped("E0312", f"the size does not say what {' and '.join(left)} {'is' if len(left) == 1 else 'are'}")]
    found = _failures(graph, sizes, at) or _over_limits(graph, at)
    return (None, found) if found else (_concrete(graph, at), [])


def _over_limits(graph: Graph, at: Mapping[str, int]) -> list[Diagnostic]:
    """Return an error for the first tensor that exceeds the limits."""
    where = " and ".join(f"{symbol} = {number}" for symbol, number in at.items())
    first = islice(over_limits(graph, at), 1)
    return [untyped("E0312", f"the network does not work at {where}: {over}", mark(value)) for value, over in first]


def _differs(value: Value, shape: tuple[int, ...], at: Mapping[str, int]) -> Diagnostic | None:
    """Return an error if an input cannot have this shape; None if it can."""
    said = _shape_at(value.shape, at) if len(shape) == len(value.shape) else None
    if said == shape:
        return None
    sizes = "x".join(map(str, shape))
    return untyped("E0312", f"`{value.name}` is {format_shape(value.shape)}, and cannot be {sizes}", mark(value))


def _failures(graph: Graph, sizes: SymbolicSizes, at: Mapping[str, int]) -> list[Diagnostic]:
    """Return an error for each condition that these sizes violate, up to the limit of errors."""
    found: list[Diagnostic] = []
    for symbol, work in sizes.work.items():
        n = at[symbol]
        if n in work:
            continue
        help = f"{symbol} must be {describe(work)}"
        failing: dict[Span | None, Demand] = {}
        for demand in sizes.demands:
            if demand.symbol == symbol and n not in demand.sizes:
                failing.setdefault(demand.span, demand)
        for demand in failing.values():
            message = f"the network does not work at {symbol} = {n}: {demand.reason}"
            place = Mark(demand.span, f"needs {symbol} to be {describe(demand.sizes)}") if demand.span is not None else None
            found.append(untyped("E0312", message, place, help=help))
        if not failing:
            message = f"the condition of the input does not hold at {symbol} = {n}"
            found.append(untyped("E0312", message, Mark(graph.stated_at[symbol]), help=help))
    for tie in sizes.couplings:
        if not any(at[symbol] in within for symbol, within in tie.sizes.items()):
            where = " and ".join(f"{symbol} = {at[symbol]}" for symbol in tie.sizes)
            found.append(
                untyped(
                    "E0312",
                    f"the network does not work at {where}: {tie.reason}",
                    Mark(tie.span) if tie.span is not None else None,
                )
            )
    return found[: sizes.limits.errors]


def _concrete(graph: Graph, at: Mapping[str, int]) -> Graph:
    """Return the graph with numbers in place of symbolic sizes."""
    copied = copy_graph(graph)
    for function in copied.functions():
        function.conditions = []
        for value in function.values:
            value.shape = _shape_at(value.shape, at)
    return replace(copied, stated={}, stated_at={}, valid_sizes={}, coupled_sizes=())


def _shape_at(shape: Shape, at: Mapping[str, int]) -> tuple[int, ...]:
    """Return the sizes as numbers, with -1 for an unknown symbol."""
    return tuple(size if isinstance(size, int) else size.at(at[size.symbol]) if size.symbol in at else -1 for size in shape)
