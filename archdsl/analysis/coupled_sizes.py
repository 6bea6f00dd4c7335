"""Couplings of symbolic sizes: conditions that one of two or more sizes must meet.

Only one kind of condition couples sizes: an op that needs one of two axes to be long enough.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice

from archdsl.analysis.size_verdict import SHOWN, Coupling, Demand, SymbolicSizes, is_subset, mark_at, needs, placed
from archdsl.diagnostics import Diagnostic, codes
from archdsl.ir import Graph
from archdsl.shapes import SizeError
from archdsl.size_words import describe_choice
from archdsl.sizes import SizeSet

_CHOICES = 30
"""The maximum number of alternatives in which couplings may be met, none of them a subset of another."""


def compare_couplings(verdict: SymbolicSizes, graph: Graph) -> None:
    """Compare the couplings with the conditions that the input states."""
    for tie in verdict.couplings:
        try:
            short = {symbol: verdict.work[symbol] & ~sizes for symbol, sizes in tie.sizes.items()}
        except SizeError as error:
            verdict.diagnostics.append(codes.symbolic_sizes.UndecidedSizes(str(error)).at(tie.span))
            return
        if all(short.values()) and all(symbol in graph.stated for symbol in short):
            failing = {symbol: sizes.smallest() for symbol, sizes in short.items()}
            others = placed(mark_at(tie.span, tie.reason))
            found = codes.symbolic_sizes.ConditionsNotEnough(others, failing, tie.sizes)
            verdict.diagnostics.append(found.at(graph.stated_at[next(iter(short))]))
            return
    resolve_couplings(verdict)


def resolve_couplings(verdict: SymbolicSizes) -> None:
    """Apply each coupling that only one size can meet, and drop redundant ones. Add a diagnostic if no sizes meet all."""
    # A coupling is a disjunction: one of its symbols is in its set. Three steps decide a conjunction of them.
    # 1. Drop couplings that hold for all sizes that are left, or that another one implies.
    # 2. A coupling that a single symbol can still meet is a demand on that symbol (as unit propagation in SAT solvers).
    #    It narrows the symbol, which may decide other couplings: start again. If no symbol can meet one, no sizes work.
    # 3. The rest may still conflict with one another. Distribute the conjunction over the alternatives of each coupling,
    #    and keep the choices that are no subset of another one. If none is left, no sizes work.
    ties = verdict.couplings
    try:
        while ties:
            left = [tie for tie in ties if not any(verdict.work[symbol] <= sizes for symbol, sizes in tie.sizes.items())]
            verdict.spend(4 * len(left) ** 2)
            verdict.couplings = [
                tie for n, tie in enumerate(left) if not any(_implies(o, tie, m < n) for m, o in enumerate(left) if m != n)
            ]
            for tie in verdict.couplings:
                possible = [symbol for symbol, sizes in tie.sizes.items() if verdict.work[symbol] & sizes]
                if len(possible) > 1:
                    continue
                if not possible:
                    verdict.diagnostics.append(_no_joint_solution(verdict, tie))
                    return
                verdict.work[possible[0]] &= tie.sizes[possible[0]]
                verdict.demands.append(Demand(possible[0], tie.sizes[possible[0]], tie.span, tie.reason))
                break
            else:
                break
            ties = verdict.couplings
        choices = [verdict.work]
        for tie in _entangled(verdict):
            narrowed = [choice | {symbol: choice[symbol] & sizes} for choice in choices for symbol, sizes in tie.sizes.items()]
            choices = [choice for choice in narrowed if all(choice.values())]
            if not choices:
                verdict.diagnostics.append(_no_joint_solution(verdict, tie))
                return
            choices = _widest(choices)
            if len(choices) > _CHOICES:
                raise SizeError(
                    f"the symbolic sizes are tied to one another in more than {_CHOICES} ways; give sizes that are equal one name"
                )
    except SizeError as error:
        verdict.diagnostics.append(codes.symbolic_sizes.UndecidedSizes(str(error)).at(verdict.couplings[0].span))


def _entangled(verdict: SymbolicSizes) -> list[Coupling]:
    """Return the couplings that may conflict: one with a symbol that no other has can always be met by that symbol."""
    ties = verdict.couplings
    while True:
        shared = Counter(symbol for tie in ties for symbol in tie.sizes)
        left = [
            tie for tie in ties if all(shared[symbol] > 1 for symbol, sizes in tie.sizes.items() if verdict.work[symbol] & sizes)
        ]
        if len(left) == len(ties):
            return ties
        ties = left


def _implies(tie: Coupling, other: Coupling, earlier: bool) -> bool:
    """Return whether a coupling makes another one redundant; of two that are equal, the earlier one does."""
    if not all(symbol in other.sizes and sizes <= other.sizes[symbol] for symbol, sizes in tie.sizes.items()):
        return False
    return earlier or tie.sizes != other.sizes


def _widest(choices: list[dict[str, SizeSet]]) -> list[dict[str, SizeSet]]:
    """Return the choices that are no subset of another one."""
    kept: list[dict[str, SizeSet]] = []
    for choice in choices:
        if not any(all(choice[symbol] <= wide[symbol] for symbol in choice) for wide in kept):
            kept = [wide for wide in kept if not all(wide[symbol] <= choice[symbol] for symbol in choice)] + [choice]
    return kept


def _no_joint_solution(verdict: SymbolicSizes, tie: Coupling) -> Diagnostic:
    """Return the error for sizes that cannot meet a coupling and all other conditions."""
    marks = needs(d for d in verdict.demands if d.symbol in tie.sizes and not is_subset(d.sizes, tie.sizes[d.symbol]))
    others = [other for other in islice(verdict.couplings, SHOWN) if other is not tie]
    marks += placed(*(mark_at(other.span, describe_choice(other.sizes)) for other in others))
    return codes.symbolic_sizes.NoSizesWorkTogether(marks[:SHOWN], tie.sizes, tie.reason).at(tie.span)
