"""Other severities: `--warn`, `--deny` and `--allow`, and the same in Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archdsl import check
from archdsl.cli import root

TEXT = "network n {\n input i [1, 3, 8, 8]\n conv(64, 3) -> bn(64)\n}\n"
Cli = Callable[..., Result]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.chdir(tmp_path)
    Path("net.arch").write_text(TEXT)
    return lambda *arguments: CliRunner().invoke(root, ["check", "net.arch", *arguments], prog_name="archdsl")


def test_in_python() -> None:
    def found(**levels: list[str]) -> list[tuple[str, str]]:
        return [(one.code, str(one.severity)) for one in check(TEXT, **levels)]

    note, warning = ("N0302", "note"), ("W0105", "warning")
    assert found() == [note, warning]
    assert found(deny=["W0105"]) == [note, ("W0105", "error")]
    assert found(allow=["N0302", "w0105"]) == []
    assert found(warn=["N0302"]) == [("N0302", "warning"), warning]
    assert found(warn=["W0105"], deny=["W0105", "N0302"], allow=["W0105"]) == [("N0302", "error"), warning]
    for wrong in ("W9999", "E0301", ""):
        with pytest.raises(ValueError, match=wrong or "no code"):
            check(TEXT, deny=[wrong])


def test_a_denied_warning_is_an_error(cli: Cli) -> None:
    result = cli("--deny", "W0105")
    assert result.exit_code == 1 and result.stdout == "" and "error[W0105]" in result.stderr
    data = json.loads(cli("--deny", "W0105", "--format", "json").stdout)
    assert data["network"] is None and [one["severity"] for one in data["diagnostics"]] == ["note", "error"]


def test_an_allowed_one_is_not_reported(cli: Cli) -> None:
    result = cli("--allow", "W0105", "--allow", "N0302")
    assert (result.exit_code, result.stderr) == (0, "") and "conv(64" in result.stdout
    assert cli("--allow", "W0105", "--deny", "W0105").exit_code == 1
    assert cli("--deny", "W0105", "--warn", "W0105").exit_code == 0


@pytest.mark.parametrize(
    ("code", "said"), [("W9999", "no code 'W9999'"), ("E0301", "E0301 is an error"), ("W0015", "did you mean")]
)
def test_a_wrong_code_is_a_wrong_command_line(cli: Cli, code: str, said: str) -> None:
    for option in ("--warn", "--deny", "--allow"):
        result = cli(option, code)
        assert result.exit_code == 2 and said in result.stderr


def test_a_fix_leaves_what_is_allowed(cli: Cli) -> None:
    Path("net.arch").write_text("network n {\n input i [3, 8, 8]\n let unread = 3\n relu\n}\n")
    assert cli("--fix", "--allow", "W0102").exit_code == 0 and "unread" in Path("net.arch").read_text()
    assert cli("--fix").exit_code == 0 and "unread" not in Path("net.arch").read_text()


def test_ops_without_a_use_are_marked(cli: Cli) -> None:
    """In the table, and as data; the totals do not count their MACs."""
    Path("net.arch").write_text("network n {\n input i [3, 8, 8]\n dead: conv(4, 3)\n i -> conv(8, 1)\n}\n")
    result = cli()
    assert "W0101" in result.stderr and "unused" in result.stdout
    data = json.loads(cli("--format", "json").stdout)
    assert [(row["op"][:7], row["unused"]) for row in data["table"] if row["op"] != "input"] == [
        ("conv(4,", True), ("conv(8,", False)
    ]  # fmt: skip
    assert data["totals"]["macs"] == 3 * 8 * 64
