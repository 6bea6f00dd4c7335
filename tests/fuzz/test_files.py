"""Damaged files against the commands that read them: a fixed lot, of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.files import KINDS, run


@pytest.mark.filterwarnings("ignore")  # of Lightning and Pillow, about what they pass over
@pytest.mark.parametrize("files", [320, pytest.param(1_920, marks=pytest.mark.exhaustive)])
def test_damaged_files_are_refused_with_a_code(tmp_path: Path, files: int) -> None:
    summary = run(3, tmp_path, files=files)
    assert not summary.found, "\n".join(summary.found)
    assert not any(outcome.endswith(("remedy", "other")) for outcome in summary.outcomes)
    refused = {
        kind: sum(n for name, n in summary.outcomes.items() if name.rpartition(" ")[0] == kind and not name.endswith(" read"))
        for kind in KINDS
    }
    read = {kind: summary.outcomes[f"{kind} read"] for kind in KINDS}
    assert min(refused.values()) > files // 32 and min(read.values()) > 0
