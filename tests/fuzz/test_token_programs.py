"""A few random networks that merge symbolic sizes; `tests/fuzz/token_programs.py` runs more."""

from __future__ import annotations

from collections import Counter
from random import Random

from tests.fuzz.token_programs import disagreement


def test_verdicts_agree_with_fixed_sizes() -> None:
    outcomes: Counter[str] = Counter()
    assert [found for seed in range(60) if (found := disagreement(Random(seed), outcomes))] == []
    assert outcomes["accepted"] >= 15
