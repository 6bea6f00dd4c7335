"""The commands and programs of a guide, run in its order in one folder."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from archdsl.cli import root as command_line

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(sh|sh fails|python|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", ["weights.md"])
def test_a_guide(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    said = ""
    for kind, text in BLOCK.findall((DOCS / page).read_text(encoding="utf-8")):
        if kind == "python":
            exec(compile(text, page, "exec"), {})
        elif kind == "text":
            assert text in said
        else:
            said = _run(text, 1 if kind == "sh fails" else 0)
    torch.set_num_threads(threads)


def _run(commands: str, status: int) -> str:
    said = ""
    for command in commands.splitlines():
        name, *arguments = shlex.split(command)
        assert name == "archdsl"
        result = CliRunner().invoke(command_line, arguments, prog_name=name)
        assert result.exit_code == status, f"{command}\n{result.output}"
        said = result.output
    return said
