"""Decide for which values of its symbolic sizes a network is valid.

Each requirement of the network is a condition on quasi-linear functions (see `shapes`), so that the sizes that meet it
are an exact set (see `sizes`), and the network is valid where all sets meet. Each symbol has its own set. Requirements
that one of several sizes can meet are couplings (see `coupled_sizes`).
"""

from __future__ import annotations

from archdsl.analysis.coupled_sizes import compare_couplings, resolve_couplings
from archdsl.analysis.size_requirements import Requirement, requirements
from archdsl.analysis.size_verdict import Coupling, Demand, SymbolicSizes, needs
from archdsl.diagnostics import Diagnostic, codes
from archdsl.ir import Graph
from archdsl.limits import DEFAULT, Limits
from archdsl.shapes import SizeError, SymbolicSize
from archdsl.sizes import ALL, NONE, SizeSet, at_least, equal


def decide_sizes(graph: Graph, limits: Limits = DEFAULT) -> SymbolicSizes:
    """Return the exact verdict on the symbolic sizes of a graph: a size is valid if and only if it is in its set."""
    symbols = dict.fromkeys(size.symbol for value in graph.inputs for size in value.shape if isinstance(size, SymbolicSize))
    verdict = SymbolicSizes(dict.fromkeys(symbols, ALL), limits=limits)
    if not symbols:
        return verdict
    for requirement in requirements(graph):
        try:
            _apply(verdict, requirement)
        except SizeError as error:
            help = "fix one of the sizes in `input`, or write equal sizes with one name: `[3, N, N]`"
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


def _apply(verdict: SymbolicSizes, requirement: Requirement) -> None:
    """Apply a requirement to the verdict. Add a diagnostic if no size is left."""
    meets = _sizes_that_meet(requirement)
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


def _sizes_that_meet(requirement: Requirement) -> dict[str, SizeSet]:
    """Return the values of each symbol that meet a requirement; it is sufficient if one symbol does."""
    join = requirement.join
    if join is None:
        found: dict[str, SizeSet] = {}
        for size in requirement.sizes:
            assert isinstance(size, SymbolicSize)
            meets = equal(size % divisor, 0) if (divisor := requirement.divisor) > 1 else at_least(size, requirement.least)
            found[size.symbol] = found.get(size.symbol, NONE) | meets
        return found
    symbols = {size.symbol for size in (join.left, join.right) if isinstance(size, SymbolicSize)}
    if len(symbols) > 1:
        raise SizeError(f"{join.left} and {join.right} have to be equal here, and belong to different symbolic sizes")
    sizes = equal(join.left, join.right)
    return {symbols.pop(): sizes | equal(join.left, 1) if join.stretch else sizes}


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
