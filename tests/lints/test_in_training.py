"""Warnings that need the data: a comment beside the key suppresses them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from archdsl import check
from archdsl.cli import root

TEXT = """network n {
  input i [1, 8, 8]
  flatten -> linear(10)
}
train {
  data = digits
  epochs = 1
  schedule = cosine(warmup_steps = 100000)%s
}
"""


@pytest.mark.parametrize(("comment", "said"), [("", True), ("  # arch: allow(W0109)", False)])
def test_a_comment_beside_a_key(comment: str, said: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("n.arch").write_text(TEXT % comment)
    assert check(TEXT % comment) == []
    result = CliRunner().invoke(root, ["train", "n.arch", "--dry-run"], prog_name="archdsl")
    assert result.exit_code == 0 and ("W0109" in result.stderr) is said
