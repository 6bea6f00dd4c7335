"""One mistake gives one error: a fixed lot of the mutants that `python -m tests.fuzz.mutants` makes on and on."""

from __future__ import annotations

import pytest

from tests.fuzz.mutants import Tally, mutants


@pytest.mark.parametrize("count", [60, pytest.param(1_000, marks=pytest.mark.exhaustive)])
def test_one_mistake_gives_one_error(count: int) -> None:
    tally = Tally()
    for mutant in mutants(seed=20, count=count):
        tally.add(mutant)
    assert tally.refused > 0.75 * count
    assert tally.share >= 0.85, "\n".join(map(str, tally.several))
    assert not tally.false_claims, "\n".join(map(str, tally.false_claims))
