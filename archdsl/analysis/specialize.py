"""A network with symbolic sizes at given ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from archdsl.analysis.size_verdict import Demand, SymbolicSizes
from archdsl.analysis.tensor_limits import over_limits
from archdsl.diagnostics import Diagnostic, codes
from archdsl.input_sizes import InputSizes, WrongInputs, by_input
from archdsl.ir import Graph, Value, copy_graph
from archdsl.shapes import LinearSize, Shape
from archdsl.source import Span


def at_sizes(graph: Graph, sizes: SymbolicSizes, given: Mapping[str, Sequence[int]]) -> tuple[Graph | None, list[Diagnostic]]:
    """Return the network for inputs of these shapes, by input name; or the errors (E0312) if it is not valid there.

    An input that is not given follows from the others, where they share its symbolic sizes.
    """
    at, wrong = _values_at(graph, given)
    if wrong is not None:
        return None, [wrong]
    found = _failures(graph, sizes, at) or _over_limits(graph, at)
    return (None, found) if found else (_concrete(graph, at), [])


def numbers_instead(graph: Graph, found: Sequence[Diagnostic], given: InputSizes) -> dict[str, int] | Diagnostic:
    """Return the values of symbolic sizes with which to examine a network again that is wrong; none if that is of no use.

    Return the error (E0312) if what is given leaves them without a value.

    What symbolic sizes do not allow may be right at given ones. A `where` that states too little is wrong all the same.
    """
    if all(diagnostic.code == _STATES_TOO_LITTLE for diagnostic in found if diagnostic.is_error):
        return {}
    try:
        at, wrong = _values_at(graph, by_input([value.name or "" for value in graph.inputs], given))
    except WrongInputs:  # an error hides an input
        return {}
    return at if wrong is None else wrong


_STATES_TOO_LITTLE: Final = "E0311"


def _values_at(graph: Graph, given: Mapping[str, Sequence[int]]) -> tuple[dict[str, int], Diagnostic | None]:
    """Return the values of the symbolic sizes for inputs of these shapes; with an error (E0312) if they have none."""
    at: dict[str, int] = {}
    for value in graph.inputs:
        for size, number in zip(value.shape, given.get(value.name or "", ()), strict=False):
            if isinstance(size, LinearSize) and size.is_symbol:
                at.setdefault(size.symbol, number)
    for value in graph.inputs:
        shape = given.get(value.name or "")
        if shape is not None and (wrong := _differs(value, tuple(shape), at)) is not None:
            return at, wrong
    left = [symbol for symbol in graph.symbols if symbol not in at]
    return at, codes.given_sizes.SizesMissing(left) if left else None


def _over_limits(graph: Graph, at: Mapping[str, int]) -> list[Diagnostic]:
    """Return an error for the first tensor that exceeds the limits."""
    first = islice(over_limits(graph, at), 1)
    return [codes.given_sizes.FailsAtSizes(at, error.summary()).at(error.span) for _, error in first]


def _differs(value: Value, shape: tuple[int, ...], at: Mapping[str, int]) -> Diagnostic | None:
    """Return an error if an input cannot have this shape; None if it can."""
    said = _shape_at(value.shape, at) if len(shape) == len(value.shape) else None
    if said == shape:
        return None
    return codes.given_sizes.OtherInput(value.name or "", value.shape, shape).at(value.span)


def _failures(graph: Graph, sizes: SymbolicSizes, at: Mapping[str, int]) -> list[Diagnostic]:
    """Return an error for each condition that these sizes violate, up to the limit of errors."""
    found: list[Diagnostic] = []
    for symbol, work in sizes.work.items():
        n = at[symbol]
        if n in work:
            continue
        failing: dict[Span | None, Demand] = {}
        for demand in sizes.demands:
            if demand.symbol == symbol and n not in demand.sizes:
                failing.setdefault(demand.span, demand)
        for demand in failing.values():
            fails = codes.given_sizes.FailsAtSize(symbol, n, demand.reason, demand.sizes, work)
            found.append(fails.at(demand.span))
        if not failing:
            found.append(codes.given_sizes.FailsCondition(symbol, n, work).at(graph.stated_at[symbol]))
    for tie in sizes.couplings:
        if not any(at[symbol] in within for symbol, within in tie.sizes.items()):
            values = {symbol: at[symbol] for symbol in tie.sizes}
            found.append(codes.given_sizes.FailsAtSizes(values, tie.reason).at(tie.span))
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
    return tuple(size if isinstance(size, int) else size.value(at) if at.keys() >= {*size.symbols} else -1 for size in shape)
