"""The sessions of the page on Python, typed in again: doctest compares what they print.

Blocks of `arch` are the files that they find. A blank line of a session is one that is printed.
"""

from __future__ import annotations

import re
from doctest import ELLIPSIS, DocTestParser, DocTestRunner, OutputChecker
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Checker(OutputChecker):
    """Blanks and lines at the end are not to be seen, and do not count."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return super().check_output(_stripped(want), _stripped(got), optionflags)


def _stripped(text: str) -> str:
    return re.sub(r" +$", "", text, flags=re.MULTILINE).rstrip("\n")


def _session(page: str) -> str:
    """What stands in sessions, on its lines, and nothing of the rest."""
    lines, session = [], False
    for line in page.splitlines():
        session = line == "```pycon" or (session and line != "```")
        lines.append("" if not session or line == "```pycon" else line or "<BLANKLINE>")
    return "\n".join(lines) + "\n"


def test_the_sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text(encoding="utf-8")
    for kind, text in FENCED.findall(page):
        if kind == "arch":
            name = re.search(r"^network (\w+)", text, re.MULTILINE)
            assert name is not None
            Path(f"{name[1]}.arch").write_text(text)
    said: list[str] = []
    runner = DocTestRunner(Checker(), optionflags=ELLIPSIS)
    results = runner.run(DocTestParser().get_doctest(_session(page), {}, PAGE.name, str(PAGE), 0), out=said.append)
    assert results.attempted > 30
    assert results.failed == 0, "".join(said)
