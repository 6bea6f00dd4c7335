"""The limits of tensors for symbolic sizes: some valid size must make tensors within the limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from archdsl import limits
from archdsl.analysis.size_requirements import ops_in_order
from archdsl.analysis.size_verdict import SymbolicSizes
from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.ir import Graph, OpNode, Value
from archdsl.ops.base import check_limits
from archdsl.shapes import LinearSize, Shape, SymbolicSize, value_at
from archdsl.size_polynomials import terms_of
from archdsl.source import Span


def beyond_all_limits(verdict: SymbolicSizes, graph: Graph) -> list[Diagnostic]:
    """Return an error if even the smallest valid sizes are too large, or make a tensor that is.

    Where the formulas grow, larger sizes are no better; of those that do not, nothing is said.
    """
    for symbol, sizes in verdict.work.items():
        if sizes.smallest() > limits.SIZE:
            return [_none_small_enough(verdict, graph, symbol)]
    if not verdict.work:
        return []
    at = {symbol: sizes.smallest() for symbol, sizes in verdict.work.items()}
    for value, error in over_limits(graph, at):
        if all(_grows(size) for size in value.shape if isinstance(size, SymbolicSize)):
            return [codes.symbolic_sizes.OnlyHugeTensorsWork(error, at).at(error.span)]
    return []


def over_limits(graph: Graph, at: Mapping[str, int]) -> Iterator[tuple[Value, Diagnostic]]:
    """Yield the values that are too large at these sizes, one of each shape, with the error at the place that makes it."""
    seen: set[Shape] = set()
    for value in values_in_order(graph):
        if value.shape in seen or not any(isinstance(size, SymbolicSize) for size in value.shape):
            continue
        seen.add(value.shape)
        shape: Shape = tuple([value_at(size, at) for size in value.shape])
        producer = value.producer
        try:
            check_limits(f"`{producer.op.name}` gives" if isinstance(producer, OpNode) else f"the input `{value.name}` is", shape)
        except SpecError as error:
            yield value, error.diagnostic.at(_place(value))


def values_in_order(graph: Graph) -> Iterator[Value]:
    """Yield the inputs of the network and what ops make, in the order in which they are first computed."""
    yield from graph.inputs
    yield from (value for _, node in ops_in_order(graph, []) for value in node.outputs)


def _place(value: Value) -> Span | None:
    """Return the place of the source that makes a value; None if it has none."""
    return value.span if value.producer is None else value.producer.span


def _grows(size: SymbolicSize) -> bool:
    """Return whether a formula is known never to decrease as the sizes increase."""
    if not isinstance(size, LinearSize):
        return all(
            c > 0 and all(_grows(factor) and factor.at(1) >= 0 for factor in factors)
            for factors, c in terms_of(size).items()
            if factors
        )
    return all(a <= b for a, b in pairwise((*size.offsets, size.offsets[0] + size.slope)))


def _none_small_enough(verdict: SymbolicSizes, graph: Graph, symbol: str) -> Diagnostic:
    """Return the error for a symbolic size whose smallest valid value is too large, at the first place that demands so much."""
    demands = [demand for demand in verdict.decisive(symbol) if demand.sizes.smallest() > limits.SIZE]
    place = demands[0].span if demands else graph.stated_at.get(symbol)
    return codes.symbolic_sizes.OnlyHugeSizesWork(symbol, verdict.work[symbol].smallest(), limits.SIZE).at(place)
