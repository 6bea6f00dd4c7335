"""Open sizes against the largest tensors that there can be: some size within the limits has to work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from archdsl import limits
from archdsl.analysis.open_sizes import OpenSizes
from archdsl.diagnostics import Diagnostic, Mark, SpecError
from archdsl.diagnostics.untyped import untyped
from archdsl.ir.unrolled import Graph, Node
from archdsl.ops.base import check_limits
from archdsl.shapes import OpenSize, Shape


def beyond_all_limits(verdict: OpenSizes, graph: Graph) -> list[Diagnostic]:
    """An error where even the smallest sizes that work are too large, or make a tensor that is.

    Where the formulas grow, larger sizes are no better; of those that do not, nothing is said.
    """
    for symbol, sizes in verdict.work.items():
        if sizes.smallest() > limits.SIZE:
            return [_none_small_enough(verdict, graph, symbol)]
    at = {symbol: sizes.smallest() for symbol, sizes in verdict.work.items()}
    where = " and ".join(f"{symbol} = {number:,}" for symbol, number in at.items())
    for node, over in over_limits(graph, at):
        if all(_grows(size) for size in node.shape if isinstance(size, OpenSize)):
            message = f"{over}, even at {where}, the smallest that works"
            return [untyped("E0502", message, Mark(node.span), help="is a size larger than meant?")]
    return []


def over_limits(graph: Graph, at: Mapping[str, int]) -> Iterator[tuple[Node, str]]:
    """The values that are too large at these sizes, with what is; one of each shape."""
    seen: set[Shape] = set()
    for node in graph.nodes:
        if node.shape in seen or not any(isinstance(size, OpenSize) for size in node.shape):
            continue
        seen.add(node.shape)
        shape: Shape = tuple([size if isinstance(size, int) else size.at(at[size.symbol]) for size in node.shape])
        try:
            check_limits(f"the input `{node.label}` is" if node.op.name == "input" else f"`{node.op.name}` gives", shape)
        except SpecError as error:
            yield node, error.diagnostic.message


def _grows(size: OpenSize) -> bool:
    """Whether a formula never gives less for a larger size."""
    return all(a <= b for a, b in pairwise((*size.offsets, size.offsets[0] + size.slope)))


def _none_small_enough(verdict: OpenSizes, graph: Graph, symbol: str) -> Diagnostic:
    smallest = verdict.work[symbol].smallest()
    message = f"no {symbol} works: it must be at least {smallest:,}, and a size is at most {limits.SIZE:,}"
    demands = [demand for demand in verdict.decisive(symbol) if demand.sizes.smallest() > limits.SIZE]
    place = demands[0].span if demands else graph.stated_at.get(symbol)
    return untyped(
        "E0310", message, Mark(place) if place is not None else None, help="is a window, a dilation or a bound larger than meant?"
    )
