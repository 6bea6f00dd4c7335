"""For which values of its open sizes a network works, and which place demands what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from archdsl.diagnostics import Diagnostic, Mark, Severity
from archdsl.ir import Graph
from archdsl.shapes import Dim, OpenSize, SizeError
from archdsl.sizes import ALL, SizeSet, at_least, describe, equal
from archdsl.source import Span


@dataclass(frozen=True, slots=True)
class Demand:
    """A condition on one open size: the sizes that meet it, the place that needs it, and why."""

    symbol: str
    sizes: SizeSet
    span: Span
    reason: str


@dataclass(slots=True)
class OpenSizes:
    """The verdict: for each open size those that work, the demands that narrow it, and what is wrong."""

    work: dict[str, SizeSet] = field(default_factory=dict)
    demands: list[Demand] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def sentences(self) -> list[str]:
        """What a reader needs to know, a line for each set of symbols that share it."""
        by_words: dict[str, list[str]] = {}
        for symbol, sizes in self.work.items():
            words = describe(sizes) + "".join(f"\n  {place}" for place in self._places(symbol))
            by_words.setdefault(words, []).append(symbol)
        return [f"{' and '.join(symbols)}: {words}" for words, symbols in by_words.items()]

    def _places(self, symbol: str) -> list[str]:
        found: dict[str, None] = {}
        for demand in self.demands:
            if demand.symbol == symbol:
                found[f"{demand.reason} at {demand.span.place}"] = None
        return list(found)


def open_sizes(graph: Graph) -> OpenSizes:
    """Decide every open size of a graph. Exact: a size works if and only if it is in its set."""
    symbols = dict.fromkeys(size.symbol for i in graph.inputs for size in graph.nodes[i].shape if isinstance(size, OpenSize))
    verdict = OpenSizes(dict.fromkeys(symbols, ALL))
    if not symbols:
        return verdict
    for span, reason, left, right, sides in _conditions(graph):
        try:
            _narrow(verdict, span, reason, left, right, sides)
        except SizeError as error:
            verdict.diagnostics.append(Diagnostic("E0307", str(error), Mark(span), help="fix one of the sizes in `input`"))
        if verdict.diagnostics:
            return verdict
    for symbol, stated in graph.stated.items():
        _compare(verdict, graph, symbol, stated)
    return verdict


Condition = tuple[Span, str, Dim, Dim | None, str]


def _conditions(graph: Graph) -> Iterator[Condition]:
    """Each place with a difference that has to be zero (two sides), or a size that must not be negative (one side)."""
    seen: set[object] = set()
    for node in graph.nodes:
        for size in node.shape:
            if isinstance(size, OpenSize) and size not in seen:
                seen.add(size)
                yield node.span, f"`{node.op.name}` leaves nothing otherwise", size - 1, None, f"{size}"
        for need in node.op.needs(*graph.input_shapes(node)) if node.inputs else ():
            if isinstance(need.size, OpenSize):
                yield node.span, f"`{node.op.name}` needs it", need.size - need.least, None, f"{need.size}"
    for condition in graph.conditions:
        yield condition.span, f"`{condition.what}` needs equal sizes", condition.left, condition.right, f"{condition.left} against {condition.right}"


def _narrow(verdict: OpenSizes, span: Span, reason: str, left: Dim, right: Dim | None, sides: str) -> None:
    symbol = next(size.symbol for size in (left, right) if isinstance(size, OpenSize))
    if isinstance(left, OpenSize) and isinstance(right, OpenSize) and left.symbol != right.symbol:
        raise SizeError(f"{left} and {right} have to be equal here, and belong to different open sizes")
    sizes = at_least(left, 0) if right is None else equal(left, right)
    before = verdict.work[symbol]
    after = before & sizes
    if after == before:
        return
    if not after:
        marks = tuple(Mark(d.span, f"needs {symbol} {describe(d.sizes)}") for d in verdict.demands if d.symbol == symbol)
        never = f"no {symbol} works: {sides}" if not sizes else f"no {symbol} works: {sides} holds only where {symbol} is {describe(sizes)}"
        help = "do both sides have the same stride and padding?" if right is not None else None
        verdict.diagnostics.append(Diagnostic("E0310", never, Mark(span, "here"), marks[:6], help=help))
        return
    verdict.work[symbol] = after
    verdict.demands.append(Demand(symbol, sizes, span, reason))


def _compare(verdict: OpenSizes, graph: Graph, symbol: str, stated: SizeSet) -> None:
    """The condition that the input states, against what the network needs."""
    needed = verdict.work[symbol]
    missing = stated & ~needed
    place = Mark(graph.stated_at[symbol])
    if missing:
        n = missing.smallest()
        marks = tuple(Mark(d.span, f"{symbol} must be {describe(d.sizes)}") for d in verdict.demands if d.symbol == symbol and n not in d.sizes)
        message = f"this condition is not enough: {symbol} = {n} meets it, and the network does not work there"
        verdict.diagnostics.append(Diagnostic("E0311", message, place, marks[:6], help=f"{symbol} must be {describe(needed)}"))
    elif needed & ~stated:
        n = (needed & ~stated).smallest()
        message = f"this condition is stricter than the network needs: it also works where {symbol} is {n}"
        verdict.diagnostics.append(Diagnostic("N0301", message, place, severity=Severity.NOTE))
    verdict.work[symbol] = needed & stated
