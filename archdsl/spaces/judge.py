"""Decide whether a combination of values is a member of a search space, and what it costs, before anything is trained."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.analysis import Costs, decide_sizes
from archdsl.analysis.claims import check_claims
from archdsl.diagnostics import Diagnostic, codes
from archdsl.elaborate import KnownOps, elaborate
from archdsl.passes import run_passes
from archdsl.shapes import Dim
from archdsl.spaces.space import Member, Space


class Verdict(NamedTuple):
    """What became of a combination: its counts, and the error that excludes it; None for a member.

    The counts are None if the combination was excluded before they were known.
    """

    member: Member
    failure: Diagnostic | None = None
    params: int | None = None
    macs: Dim | None = None
    depth: int | None = None

    @property
    def ok(self) -> bool:
        """Whether it is a member."""
        return self.failure is None

    @property
    def reason(self) -> str:
        """Why it is none, as the condition that does not hold, or the code of its error."""
        if isinstance(self.failure, codes.spaces.NotAMember):
            return f"`{self.failure.claim}` does not hold"
        return f"error {self.failure.code}" if self.failure is not None else ""


class Judge:
    """Judges the combinations of a space. The file is read once, and each combination is elaborated as a check does it."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._known_ops = KnownOps()

    def __call__(self, member: Member) -> Verdict:
        """Return the verdict on a combination."""
        with self._space.session.collector_paused():
            return self._verdict(member)

    def _verdict(self, member: Member) -> Verdict:
        space, session = self._space, self._space.session
        made = elaborate(
            space.module, space.definition, space.own_settings, session, space.sizes, member=member.values,
            known_ops=self._known_ops,
        )  # fmt: skip
        failure = _first([*made.diagnostics, *(false.diagnostic for false in made.false_claims)])
        if failure is not None or not made.graph.has_result:
            return Verdict(member, failure or codes.inputs.NoInput(space.name).at(space.definition.name_span))
        graph = run_passes(made.graph)
        sizes = decide_sizes(graph, session.limits)
        costs = Costs()
        counts = costs.counts(graph.main)
        checked = check_claims(graph, costs.named_counts, session, made.steps)
        failure = _first([*sizes.diagnostics, *checked.errors, *checked.false])
        return Verdict(member, failure, counts.params, counts.macs, counts.depth)


def _first(found: list[Diagnostic]) -> Diagnostic | None:
    """Return the first error: one in the network before a condition that does not hold, which may follow from it."""
    wrong = [one for one in found if one.is_error]
    return next((one for one in wrong if not isinstance(one, codes.spaces.NotAMember)), wrong[0] if wrong else None)
