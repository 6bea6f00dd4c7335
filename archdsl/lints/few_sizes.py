"""W0103: a symbolic size of which only a few values work, although the input does not say so.

The network promises more than it holds; usually two branches round differently. A `where` says that it is meant.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.analysis import SymbolicSizes
from archdsl.diagnostics import Diagnostic, codes
from archdsl.ir import Graph
from archdsl.lints.rule import SizesRule
from archdsl.shapes import SymbolicSize
from archdsl.size_words import describe
from archdsl.sizes import SizeSet
from archdsl.source import Span


def _check(graph: Graph, verdict: SymbolicSizes) -> Iterable[Diagnostic]:
    found: dict[tuple[Span | None, SizeSet, str], list[str]] = {}
    for symbol, sizes in verdict.needed.items():
        if sizes.is_finite and symbol not in graph.stated:
            demand = next(d for d in verdict.demands if (d.symbol == symbol and d.sizes.is_finite) or d is verdict.demands[-1])
            found.setdefault((demand.span, sizes, demand.reason.replace(symbol, "\0")), []).append(symbol)
    for (span, sizes, reason), symbols in found.items():
        condition = f"== {max(sizes.points)}" if len(sizes.points) == 1 else f"<= {max(sizes.points)}"
        finding = codes.warnings.FewSizes(
            tuple(symbols), describe(sizes), reason.replace("\0", symbols[0]), condition, _end_of_input(graph, symbols)
        )
        yield finding.at(span)


def _end_of_input(graph: Graph, symbols: list[str]) -> Span | None:
    """Return where a condition on the sizes goes: behind the input that has them; None if there is a condition already."""
    if graph.stated:
        return None
    for value in graph.inputs:
        own = {symbol for size in value.shape if isinstance(size, SymbolicSize) for symbol in size.symbols}
        if value.span is not None and own.issuperset(symbols):
            return value.span._replace(start=value.span.end)
    return None


RULE = SizesRule("W0103", _check)
