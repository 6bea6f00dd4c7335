"""One mistake gives one error: a fixed lot of the mutants that `python -m tests.fuzz.mutants` makes on and on."""

from __future__ import annotations

from tests.fuzz.mutants import Tally, mutants


def test_one_mistake_gives_one_error() -> None:
    tally = Tally()
    for mutant in mutants(seed=20, count=250):
        tally.add(mutant)
    assert tally.refused > 200
    assert tally.share >= 0.85, "\n".join(map(str, tally.several))
    assert not tally.false_claims, "\n".join(map(str, tally.false_claims))
