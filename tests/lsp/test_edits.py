"""A share of the random edits; `python -m tests.lsp.edits` makes more."""

from __future__ import annotations

from tests.lsp.edits import edit


def test_random_edits() -> None:
    assert edit(60, seed=5) == []
