"""Decide for which values of its symbolic sizes a network is valid.

Each requirement of the network is a condition on quasi-linear functions (see `shapes`), so that the sizes that meet it
are an exact set (see `sizes`), and the network is valid where all sets meet. Each symbol has its own set. Requirements
that one of several sizes can meet are couplings (see `coupled_sizes`).
"""

from __future__ import annotations

from typing import Final

from archdsl.analysis.coupled_sizes import compare_couplings, resolve_couplings
from archdsl.analysis.polynomial_conditions import Meets, divisible, equal_sizes, large_enough, stretched_sizes
from archdsl.analysis.size_requirements import Requirement, requirements
from archdsl.analysis.size_verdict import Coupling, Demand, SymbolicSizes, needs
from archdsl.diagnostics import Diagnostic, codes
from archdsl.ir import Graph
from archdsl.limits import DEFAULT, Limits
from archdsl.shapes import SizeError, symbols_of
from archdsl.size_bounds import Sets
from archdsl.sizes import ALL, NONE, SizeSet, at_least, equal


def decide_sizes(graph: Graph, limits: Limits = DEFAULT) -> SymbolicSizes:
    """Return the exact verdict on the symbolic sizes of a graph: a size is valid if and only if it is in its set."""
    verdict = SymbolicSizes(dict.fromkeys(graph.symbols, ALL), limits=limits)
    if not graph.symbols:
        return verdict
    for requirement in sorted(requirements(graph), key=_relates_symbols):  # these follow from the others, where they can
        try:
            for meets in _sizes_that_meet(requirement, verdict.work, graph.stated):
                _apply(verdict, requirement, meets)
        except SizeError as error:
            help = getattr(error, "advice", None) or _FIX
            verdict.diagnostics.append(codes.symbolic_sizes.UndecidedSizes(str(error), help).at(requirement.span))
        if verdict.diagnostics:
            return verdict
    resolve_couplings(verdict)
    if verdict.diagnostics:
        return verdict
    verdict.needed = dict(verdict.work)
    for symbol, stated in graph.stated.items():
        try:
            _compare_stated(verdict, graph, symbol, stated)
        except SizeError as error:
            verdict.diagnostics.append(codes.symbolic_sizes.UndecidedSizes(str(error)).at(graph.stated_at[symbol]))
    if graph.stated and not any(diagnostic.is_error for diagnostic in verdict.diagnostics):
        compare_couplings(verdict, graph)
    return verdict


_FIX: Final = "fix one of the sizes in `input`, or write equal sizes with one name: `[3, N, N]`"


def _apply(verdict: SymbolicSizes, requirement: Requirement, meets: dict[str, SizeSet]) -> None:
    """Apply what a requirement needs of one symbol, or of one of several. Add a diagnostic if no size is left."""
    if verdict.diagnostics:
        return
    verdict.spend(sum(len(sizes) for sizes in meets.values()))
    if len(meets) > 1:
        verdict.couplings.append(Coupling(meets, requirement.span, requirement.reason))
        return
    ((symbol, sizes),) = meets.items()
    before = verdict.work[symbol]
    after = before & sizes
    if after == before:
        return
    if not after:
        verdict.diagnostics.append(_nothing_works(verdict, requirement, symbol, sizes))
        return
    verdict.work[symbol] = after
    verdict.demands.append(Demand(symbol, sizes, requirement.span, requirement.reason))


def _relates_symbols(requirement: Requirement) -> bool:
    """Return whether a requirement is about a size of several symbols, or joins sizes of different ones."""
    if requirement.join is not None:
        return len(symbols_of(requirement.join.left, requirement.join.right)) > 1
    return any(len(symbols_of(size)) > 1 for size in requirement.sizes)


def _sizes_that_meet(requirement: Requirement, work: Sets, stated: Sets) -> Meets:
    """Return the conditions of a requirement, given those so far. All have to hold; of one, a single symbol is sufficient."""
    join, divisor = requirement.join, requirement.divisor
    sizes = requirement.sizes if join is None else (join.left, join.right)
    if _relates_symbols(requirement):
        if join is not None and join.stretch is not None:
            return stretched_sizes(join.left, join.right, join.stretch, work, stated)
        if join is not None:
            return equal_sizes(join.left, join.right, work)
        if divisor > 1:
            return divisible(sizes[0], divisor, work, stated)
        return large_enough(sizes, requirement.least, work, stated)
    if join is not None:
        same = equal(join.left, join.right)
        return [{symbols_of(*sizes)[0]: same | equal(join.left, 1) if join.stretch else same}]
    found: dict[str, SizeSet] = {}
    for size in sizes:
        (symbol,) = symbols_of(size)
        meets = equal(size % divisor, 0) if divisor > 1 else at_least(size, requirement.least)
        found[symbol] = found.get(symbol, NONE) | meets
    return [found]


def _nothing_works(verdict: SymbolicSizes, requirement: Requirement, symbol: str, sizes: SizeSet) -> Diagnostic:
    """Return the error for a requirement that leaves nothing of a symbolic size."""
    others = needs(d for d in verdict.demands if d.symbol == symbol)
    found = codes.symbolic_sizes.NoSizeWorks(others, symbol, requirement.sides, sizes, requirement.join is not None)
    return found.at(requirement.span)


def _compare_stated(verdict: SymbolicSizes, graph: Graph, symbol: str, stated: SizeSet) -> None:
    """Compare the condition that the input states with the requirements of the network."""
    needed = verdict.work[symbol]
    fails = stated.first_outside(needed)
    place = graph.stated_at[symbol]
    if not stated:
        verdict.diagnostics.append(codes.inputs.NoSizeMeets(symbol).at(place))
    elif fails is not None:
        failing = [d for d in verdict.demands if d.symbol == symbol and fails not in d.sizes]
        found = codes.symbolic_sizes.ConditionNotEnough(needs(failing), symbol, fails, needed)
        verdict.diagnostics.append(found.at(place))
    verdict.work[symbol] = needed & stated
