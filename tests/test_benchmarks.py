"""Every part of the benchmarks that needs no other program runs, and measures something. No time is judged here."""

from __future__ import annotations

import pytest

from benchmarks.run import PARTS, part

OF_PEERS = {"peers", "in_process", "edges", "pictures"}
"""Parts that run other programs, which only `make bench` installs."""
LONG = {"optimized"}
"""Parts whose functions have tests of their own, in `tests/backends/torch` and `tests/bench`."""
SHORT = {"symbolic_sizes"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in SHORT else pytest.mark.exhaustive) for name in PARTS if name not in OF_PEERS | LONG],
)
def test_a_part_runs(name: str) -> None:
    sections = part(name, ["--quick"])
    assert sections and all(section.rows for section in sections)
