"""Claims: what a spec expects of its counts, against the counts of the complete network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.elaborate.budget import Budget
from archdsl.elaborate.declarations import METRICS, check_claim
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.false_claims import FalseClaim
from archdsl.elaborate.values import UNKNOWN, Environment
from archdsl.ir import Claim, Function, Graph
from archdsl.session import Session
from archdsl.source import Span
from archdsl.syntax import nodes as ast


class ClaimCheck(NamedTuple):
    """The claims that do not hold, what else is wrong with claims, what in them was unknown, and the steps that it took."""

    false: list[Diagnostic]
    errors: list[Diagnostic]
    undecided: Span | None
    steps: int


Count: TypeAlias = Callable[[Function, Iterable[str]], Mapping[str, Any]]
"""Returns the counts of some names in a function, without those that have no formula."""


def check_claims(graph: Graph, count: Count, session: Session, steps: int) -> ClaimCheck:
    """Check every claim about counts, each with those of its function. `steps` are those that were taken before."""
    budget = Budget(session.limits, spent=steps)
    evaluator = Evaluator(session, budget)
    false: dict[Diagnostic, None] = {}  # of copies of a function one, unless their counts differ
    errors: list[Diagnostic] = []
    for function in graph.functions():
        for claim in function.claims:
            environment = Environment(claim.environment, claim.environment.module)
            environment.names = _counts_for(claim, function, count)
            try:
                found = check_claim(evaluator, claim.statement, environment)
            except SpecError as error:
                errors.append(error.diagnostic)
                if isinstance(error.diagnostic, codes.limits.OutOfSteps):
                    return ClaimCheck(list(false), errors, evaluator.undecided, budget.spent)
                continue
            if found is not None:
                false[codes.spaces.NotAMember(found.claim, found.sides).at(found.span) if claim.of_space else found] = None
    return ClaimCheck(list(false), errors, evaluator.undecided, budget.spent)


def _counts_for(claim: Claim, function: Function, count: Count) -> dict[str, Any]:
    """Return the counts that a claim reads. Others are names that a misspelled one may mean, and have no value."""
    if claim.empty:
        return dict.fromkeys(METRICS, 0)
    read = {name.id for name in ast.names(claim.statement.claim, claim.statement.condition)}
    return {name: UNKNOWN for name in METRICS if name not in read} | dict(count(function, [m for m in METRICS if m in read]))


def about_declared(
    claims: list[FalseClaim], at_declared: list[FalseClaim], declared: Graph | None
) -> tuple[list[FalseClaim], list[Diagnostic]]:
    """Return the claims that are false at given sizes of the inputs and at the declared ones, and a note on the others."""
    places = {claim.diagnostic.span for claim in at_declared}
    here = {claim.diagnostic.span for claim in claims}
    skipped = sorted((span for span in here - places if span is not None), key=lambda span: (span.file.name, span.start))
    shapes = [(value.name or "", value.shape) for value in declared.inputs] if declared is not None else []
    notes: list[Diagnostic] = [codes.notes.ClaimsSkipped(skipped, shapes).at(skipped[0])] if skipped else []
    return [claim for claim in at_declared if claim.diagnostic.span in here], notes
