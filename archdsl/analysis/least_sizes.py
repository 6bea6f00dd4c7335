"""Whether a network with open sizes works at any that PyTorch can count with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from archdsl import limits
from archdsl.declared import Fault
from archdsl.diagnostics import Diagnostic, Mark
from archdsl.ir import Graph
from archdsl.ops.base import check_limits
from archdsl.shapes import OpenSize, Shape
from archdsl.sizes import SizeSet

if TYPE_CHECKING:
    from archdsl.analysis.open_sizes import Demand


def over_limits(graph: Graph, works: Mapping[str, SizeSet], demands: Iterable[Demand]) -> list[Diagnostic]:
    """Errors where even the least sizes that work are over a limit, or give tensors that are."""
    least = {symbol: sizes.smallest() for symbol, sizes in works.items()}
    found = []
    for symbol, size in least.items():
        if size > limits.SIZE:
            message = f"no {symbol} works: the least would be {size:,}, and a size is at most {limits.SIZE:,}"
            needed = max((d for d in demands if d.symbol == symbol), key=lambda demand: demand.sizes.smallest(), default=None)
            enough = needed is None or needed.sizes.smallest() < size
            place = graph.stated_at[symbol] if enough and symbol in graph.stated_at else needed.span if needed is not None else graph.definition
            found.append(Diagnostic("E0310", message, Mark(place)))
    return found or _large_tensors(graph, least)


def _large_tensors(graph: Graph, least: Mapping[str, int]) -> list[Diagnostic]:
    """An error for the first op whose result is over a limit at the least sizes, and so at all of them."""
    seen: set[Shape] = set()
    for node in graph.nodes:
        opened = [size for size in node.shape if isinstance(size, OpenSize)]
        if not opened or node.shape in seen or any(size.slope < 0 for size in opened):
            continue
        seen.add(node.shape)
        try:
            check_limits(f"`{node.op.name}` gives", tuple(size.at(least[size.symbol]) if isinstance(size, OpenSize) else size for size in node.shape))
        except Fault as fault:
            at = " and ".join(f"{symbol} = {least[symbol]:,}" for symbol in dict.fromkeys(size.symbol for size in opened))
            return [Diagnostic(fault.code, f"no size works: at {at}, the least, {fault.message}", Mark(node.span), help=fault.help)]
    return []
