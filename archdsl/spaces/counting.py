"""Count the members of a search space, draw some at random, or list all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from math import sqrt
from random import Random
from typing import Final, NamedTuple

from archdsl.diagnostics import SpecError, codes
from archdsl.elaborate.domains import Choices
from archdsl.spaces.judge import Judge, Verdict
from archdsl.spaces.space import Member, Space

EXACT: Final = 1000
"""Combinations up to which a space is counted exactly without being asked to; about ten seconds."""
DRAWN: Final = 400
"""Combinations that are drawn for an estimate."""
MOST: Final = 1_000_000
"""Combinations up to which a space can be listed, or counted exactly."""
_PATIENCE: Final = 200
"""Combinations that are drawn for each member that is wanted, before the search for more is given up."""
_LEAST_DRAWN: Final = 2000
_Z: Final = 1.96
"""The quantile of the normal distribution for 95 %."""


class Count(NamedTuple):
    """How many members a space has: `members` of `tried` combinations.

    It is exact if all `combinations` were tried; those are None if there are infinitely many. `reasons` say how many
    combinations were excluded by what.
    """

    combinations: int | None
    tried: int
    members: int
    exact: bool
    reasons: Counter[str]

    @property
    def fraction(self) -> tuple[float, float, float]:
        """The fraction of members, and its 95 % confidence interval (Wilson 1927)."""
        n, p = self.tried, self.members / self.tried
        if self.exact:
            return p, p, p
        middle, width = p + _Z * _Z / (2 * n), _Z * sqrt(p * (1 - p) / n + _Z * _Z / (4 * n * n))
        scale = 1 + _Z * _Z / n
        return p, max(0.0, (middle - width) / scale), min(1.0, (middle + width) / scale)


def count(
    space: Space,
    judge: Judge,
    *,
    exact: bool = False,
    drawn: int | None = None,
    seed: int = 0,
    progress: Callable[[int], None] = lambda tried: None,
) -> Count:
    """Return the number of members. Small spaces are counted exactly, others estimated from combinations drawn at random.

    `exact` counts up to a million combinations exactly, and `drawn` asks for an estimate from so many. Raise `SpecError`
    E0809 if an exact count is asked for and the space is too large.
    """
    combinations = space.combinations
    if exact and (combinations is None or combinations > MOST):
        raise SpecError(codes.searches.TooManyToList(space.name, combinations, MOST).at(space.definition.name_span))
    whole = combinations is not None and (exact or (drawn is None and combinations <= EXACT))
    random = Random(seed)
    members = (
        (space.at_index(index) for index in range(combinations or 0))
        if whole
        else (random_member(space, random) for _ in range(drawn or DRAWN))
    )
    tried, found = 0, 0
    reasons: Counter[str] = Counter()
    for member in members:
        verdict = judge(member)
        tried += 1
        found += verdict.ok
        if not verdict.ok:
            reasons[verdict.reason] += 1
        progress(tried)
    return Count(combinations, tried, found, whole, reasons)


def random_member(space: Space, random: Random) -> Member:
    """Return a combination, each value drawn uniformly from its domain, or on a logarithmic scale."""
    values = []
    for dimension in space.dimensions:
        domain = dimension.domain
        if isinstance(domain, Choices):
            values.append(domain.values[random.randrange(len(domain.values))])
        else:
            values.append(domain.rounded(domain.at(random.random())))
    return space.member(values)


def draw_members(space: Space, judge: Judge, wanted: int, seed: int = 0) -> Iterator[Verdict]:
    """Yield different members in random order, up to a number, or fewer if no more are found.

    Of a space of up to a million combinations, every member is found. Raise `SpecError` E0809 if there is none.
    """
    found, reasons, tried = 0, Counter[str](), 0
    every = space.combinations is not None and space.combinations <= MOST
    for member in _in_random_order(space, Random(seed), max(_LEAST_DRAWN, _PATIENCE * wanted)):
        verdict = judge(member)
        tried += 1
        if verdict.ok:
            found += 1
            yield verdict
            if found == wanted:
                return
        else:
            reasons[verdict.reason] += 1
    if not found:
        raise no_member(space, Count(space.combinations, tried, 0, every and tried == space.combinations, reasons))


def _in_random_order(space: Space, random: Random, most: int) -> Iterator[Member]:
    """Yield different combinations at random: at most so many, unless the space is small enough to try all."""
    combinations = space.combinations
    if combinations is not None and combinations <= MOST:
        yield from map(space.at_index, random.sample(range(combinations), combinations))
        return
    seen: set[tuple[str, ...]] = set()
    for _ in range(most):
        member = random_member(space, random)
        key = tuple(member.texts.values())
        if key not in seen:
            seen.add(key)
            yield member


def list_members(space: Space, judge: Judge) -> Iterator[Verdict]:
    """Yield all members in the order of the domains. Raise `SpecError` E0809 if they are too many, or if there is none."""
    combinations = space.combinations
    if combinations is None or combinations > MOST:
        raise SpecError(codes.searches.TooManyToList(space.name, combinations, MOST).at(space.definition.name_span))
    found, reasons = 0, Counter[str]()
    for index in range(combinations):
        verdict = judge(space.at_index(index))
        if verdict.ok:
            found += 1
            yield verdict
        else:
            reasons[verdict.reason] += 1
    if not found:
        raise no_member(space, Count(combinations, combinations, 0, True, reasons))


def no_member(space: Space, counted: Count) -> SpecError:
    """Return the error for a space without a member."""
    reasons = reason_lines(counted)
    error = codes.searches.EmptySpace(space.name, counted.tried, counted.exact, reasons)
    return SpecError(error.at(space.definition.name_span))


def reason_lines(counted: Count) -> list[str]:
    """Return how many combinations were excluded by what, the most frequent first."""
    return [f"{number:,}: {reason}" for reason, number in counted.reasons.most_common()]
