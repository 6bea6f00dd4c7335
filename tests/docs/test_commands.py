"""The commands and programs of a guide, run in its order in one folder.

A block of `arch` is written into a file, called like its network. `text` is in what the last command or program printed;
where it is marked `roughly`, with other numbers.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner

from archdsl.cli import root as command_line

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [
    "training.md", "using.md", "weights.md", "export.md", "search.md", "inference.md", "reports.md", "viewer.md", "diff.md",
    "probe.md", "diagrams.md",
]  # fmt: skip
BLOCK = re.compile(r"^```(sh|sh fails|python|text|text roughly|arch|arch E\d+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_a_guide(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    said = ""
    for kind, text in BLOCK.findall((DOCS / page).read_text(encoding="utf-8")):
        if kind == "python":
            said = _printed(text, page)
        elif kind.startswith("arch"):
            name = re.search(r"^network (\w+)", text, re.MULTILINE)
            assert name is not None
            Path(f"{name[1]}.arch").write_text(text)
        elif kind == "text":
            assert text in said
        elif kind == "text roughly":
            assert _numberless(text) in _numberless(said)
        else:
            said = _run(text, 1 if kind == "sh fails" else 0)


def _numberless(text: str) -> str:
    return re.sub(r" +", " ", re.sub(r"[ \d.,]*\d", " 0", text))


def _printed(program: str, page: str) -> str:
    printed = StringIO()
    with redirect_stdout(printed):
        exec(compile(program, page, "exec"), {})
    return printed.getvalue()


def _run(commands: str, status: int) -> str:
    said = ""
    for command in commands.splitlines():
        name, *arguments = shlex.split(command)
        assert name == "archdsl"
        if "--devices" in arguments:  # Lightning starts the command again for each device
            ended = subprocess.run([sys.executable, "-m", name, *arguments], capture_output=True, text=True, timeout=300)
            assert ended.returncode == status, ended.stderr
            continue
        result = CliRunner().invoke(command_line, arguments, prog_name=name)
        assert result.exit_code == status, f"{command}\n{result.output}"
        said = result.output
    return said
