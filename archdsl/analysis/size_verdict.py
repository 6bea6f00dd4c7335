"""The verdict on the symbolic sizes of a network: the valid values, and the demands and couplings that they follow from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from itertools import islice
from typing import NamedTuple

from archdsl.diagnostics import Diagnostic, Mark
from archdsl.frozen_record import record
from archdsl.limits import DEFAULT, Limits, remedy
from archdsl.shapes import SizeError
from archdsl.size_words import describe, describe_choice
from archdsl.sizes import ALL, SizeSet
from archdsl.source import Span

SHOWN = 6
"""The number of places that a diagnostic marks besides its own."""


class Demand(NamedTuple):
    """A condition on one symbolic size: the sizes that meet it, its place, and the reason as a sentence."""

    symbol: str
    sizes: SizeSet
    span: Span | None
    reason: str


class Coupling(NamedTuple):
    """A condition that couples symbolic sizes: one of them must be in its set."""

    sizes: Mapping[str, SizeSet]
    span: Span | None
    reason: str


@record(frozen=False)
class SymbolicSizes:
    """The verdict: the valid values of each symbolic size, the demands that narrow them, and the errors."""

    work: dict[str, SizeSet] = field(default_factory=dict)
    needed: dict[str, SizeSet] = field(default_factory=dict)
    """The sizes that the network needs, whatever the input states; empty if no size works, or that cannot be decided."""
    demands: list[Demand] = field(default_factory=list)
    couplings: list[Coupling] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    numbers: int = 0
    """The total of numbers that represent all sets so far; it bounds time and memory."""
    limits: Limits = DEFAULT

    def spend(self, numbers: int) -> None:
        """Count numbers. Raise `SizeError` if there are too many."""
        self.numbers += numbers
        if self.numbers > self.limits.size_values:
            raise SizeError(
                f"the sets of sizes that work take more than {self.limits.size_values:,} numbers; {remedy('size_values')}"
            )

    def works(self, at: Mapping[str, int]) -> bool:
        """Return whether the network is valid at these sizes. Raise `ValueError` if one is missing."""
        missing = [symbol for symbol in self.work if symbol not in at]
        if missing:
            verb = "is" if len(missing) == 1 else "are"
            raise ValueError(f"the symbolic sizes are {', '.join(self.work)}: {' and '.join(missing)} {verb} not given")
        return all(at[symbol] in sizes for symbol, sizes in self.work.items()) and all(
            any(at[symbol] in sizes for symbol, sizes in tie.sizes.items()) for tie in self.couplings
        )

    def decisive(self, symbol: str) -> list[Demand]:
        """Return the demands on a symbolic size without those that the others imply."""
        demands = [demand for demand in self.demands if demand.symbol == symbol]
        behind = [ALL]
        for demand in reversed(demands):
            behind.append(intersection(behind[-1], demand.sizes))
        kept, before = [], ALL
        for demand, others in zip(demands, reversed(behind[:-1]), strict=True):
            if not is_subset(intersection(before, others), demand.sizes):
                kept.append(demand)
                before = intersection(before, demand.sizes)
        return kept

    def sentences(self) -> list[str]:
        """Return a sentence for each group of symbols with equal conditions, and for each coupling, with the places."""
        groups: dict[tuple[SizeSet, tuple[str, ...]], list[str]] = {}
        for symbol, sizes in self.work.items():
            reasons = tuple(dict.fromkeys(self._reason(d) for d in self.decisive(symbol)))
            groups.setdefault((sizes, reasons), []).append(symbol)
        found = []
        for (sizes, reasons), symbols in groups.items():
            names, many = " and ".join(symbols), len(symbols) > 1
            if sizes == ALL:
                tied = [tie for tie in self.couplings if not tie.sizes.keys().isdisjoint(symbols)]
                found += [] if tied else [f"{names} can be any size"]
                continue
            lines = [f"\n  {reason.replace(chr(0), symbols[0])}" for reason in reasons]
            found.append(f"{names} must be {describe(sizes, many=many)}" + (":" + "".join(lines) if lines else ""))
        return found + [f"{describe_choice(tie.sizes)}:\n  {tie.reason}{_at(tie.span)}" for tie in self.couplings]

    def _reason(self, demand: Demand) -> str:
        """Return the reason of a demand with its place, and a null character for its symbol if it names no other."""
        others = [symbol for symbol in self.work if symbol != demand.symbol]
        if any(re.search(rf"\b{symbol}\b", demand.reason) for symbol in others):
            return f"{demand.reason}{_at(demand.span)}"
        return f"{demand.reason}{_at(demand.span)}".replace(demand.symbol, "\0")


def intersection(some: SizeSet, others: SizeSet) -> SizeSet:
    """Return the intersection; the first set if the limits do not allow to compute it."""
    try:
        return some & others
    except SizeError:
        return some


def is_subset(some: SizeSet, others: SizeSet) -> bool:
    """Return whether a set is known to be a subset of another."""
    try:
        return some <= others
    except SizeError:
        return False


def needs(demands: Iterable[Demand]) -> tuple[Mark, ...]:
    """Return marks for the first few demands, with the sizes that they need."""
    return placed(*(mark_at(d.span, f"needs {d.symbol} to be {describe(d.sizes)}") for d in islice(demands, SHOWN)))


def mark_at(span: Span | None, text: str = "") -> Mark | None:
    """Return a mark; None if there is no place."""
    return Mark(span, text) if span is not None else None


def placed(*marks: Mark | None) -> tuple[Mark, ...]:
    """Return the marks that have a place."""
    return tuple(mark for mark in marks if mark is not None)


def _at(span: Span | None) -> str:
    return f" at {span.place}" if span is not None else ""
