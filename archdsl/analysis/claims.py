"""Claims: what a spec expects of its counts, against the counts of the complete network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.elaborate.budget import Budget
from archdsl.elaborate.declarations import METRICS, check_claim
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.false_claims import FalseClaim
from archdsl.elaborate.values import Environment
from archdsl.ir import Function, Graph
from archdsl.session import Session
from archdsl.source import Span


class ClaimCheck(NamedTuple):
    """The claims that do not hold, what else is wrong with claims, what in them was unknown, and the steps that it took."""

    false: list[Diagnostic]
    errors: list[Diagnostic]
    undecided: Span | None
    steps: int


def check_claims(graph: Graph, counts: Callable[[Function], Mapping[str, Any]], session: Session, steps: int) -> ClaimCheck:
    """Check every claim about counts, each with those of its function. `steps` are those that were taken before."""
    budget = Budget(session.limits, spent=steps)
    evaluator = Evaluator(session, budget)
    false: dict[Diagnostic, None] = {}  # of copies of a function one, unless their counts differ
    errors: list[Diagnostic] = []
    for function in graph.functions():
        for claim in function.claims:
            names = dict.fromkeys(METRICS, 0) if claim.empty else counts(function)
            environment = Environment(claim.environment, claim.environment.module)
            environment.names.update(names)
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
