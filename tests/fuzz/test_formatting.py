"""A few random texts through the formatter; `python -m tests.fuzz.formatting` runs more."""

from __future__ import annotations

from collections import Counter
from random import Random

from tests.fuzz.formatting import disturbed, parsed, problem, random_text


def test_random_texts() -> None:
    outcomes: Counter[str] = Counter()
    for seed in range(80):
        random = Random(seed)
        file = parsed(random_text(seed // 20))
        assert file is not None
        file = disturbed(random, file, outcomes)
        assert problem(file, random, graph=seed % 20 == 0) is None, file.source.text
    for change in ("blanks", "comma", "comment", "line_end", "separator"):
        assert outcomes[f"{change}: applied"] >= 10, outcomes
