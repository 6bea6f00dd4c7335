"""`archdsl check --fix`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from archdsl.resources import shipped_files

Cli = Callable[..., Result]

WRONG = "network net {\n  input image [3, 8, 8]\n  conv(8, k : (3, 3)) => relu  // a comment\n  gap; flatten; linear(2 ** 3)\n}\n"
RIGHT = "network net {\n  input image [3, 8, 8]\n  conv(8, k = [3, 3]) -> relu  # a comment\n  gap; flatten; linear(2 ^ 3)\n}\n"


def test_all_fixes_of_a_file(cli: Cli) -> None:
    Path("net.arch").write_text(WRONG)
    shown = cli("check", "net.arch", "--fix")
    assert shown.exit_code == 0 and Path("net.arch").read_text() == RIGHT
    assert "net.arch:3:23: fixed E0105: write `->`\n" in shown.stderr
    assert shown.stderr.count(": fixed ") == 5 and "linear" in shown.stdout


def test_without_the_option_nothing_changes(cli: Cli) -> None:
    Path("net.arch").write_text(WRONG)
    assert cli("check", "net.arch").exit_code == 1 and Path("net.arch").read_text() == WRONG


def test_what_is_left(cli: Cli) -> None:
    """A guess is not applied, and the exit status tells of what is left."""
    Path("net.arch").write_text(WRONG.replace("relu", "reluu"))
    shown = cli("check", "net.arch", "--fix")
    assert shown.exit_code == 1 and "error[E0201]: nothing is called `reluu` here" in shown.stderr
    assert Path("net.arch").read_text() == RIGHT.replace("relu", "reluu")


def test_standard_input(cli: Cli) -> None:
    shown = cli("check", "-", "--fix", input=WRONG)
    assert shown.exit_code == 0 and shown.stdout == RIGHT and "<stdin>:3:23: fixed E0105" in shown.stderr
    assert cli("check", "-", "--fix", input=RIGHT).stdout == RIGHT
    refused = cli("check", "-", "--fix", "--format", "json", input=WRONG)
    assert refused.exit_code == 2 and "--format" in refused.stderr


def test_as_data(cli: Cli) -> None:
    Path("net.arch").write_text(WRONG)
    (found, *_) = json.loads(cli("check", "net.arch", "--format", "json").stdout)["diagnostics"]
    assert found["fix"]["applicability"] == "certain"
    assert [(edit["line"], edit["column"], edit["text"]) for edit in found["fix"]["edits"]] == [(3, 13, "=")]
    told = json.loads(cli("check", "net.arch", "--fix", "--format", "json").stdout)
    assert [one["code"] for one in told["fixed"]] == ["E0105"] * 5 and told["diagnostics"] == []


def test_imported_files_are_fixed_too(cli: Cli) -> None:
    Path("parts.arch").write_text("block unit(out) { conv(out, 3) => relu }\n")
    Path("net.arch").write_text('import "parts.arch" as parts\nnetwork net { input image [3, 8, 8]; parts.unit(8) => relu }\n')
    assert cli("check", "net.arch", "--fix").exit_code == 0
    assert "->" in Path("parts.arch").read_text() and "=>" not in Path("net.arch").read_text()


def test_line_ends_and_byte_order_marks_stay(cli: Cli) -> None:
    Path("net.arch").write_bytes(b"\xef\xbb\xbf" + WRONG.replace("\n", "\r\n").encode())
    assert cli("check", "net.arch", "--fix").exit_code == 0
    assert Path("net.arch").read_bytes() == b"\xef\xbb\xbf" + RIGHT.replace("\n", "\r\n").encode()


def test_settings_and_shipped_specs_are_not_changed(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in shipped_files()}
    assert cli("check", "resnet18", "--set", "layers=(2, 2, 2, 2)", "--fix").exit_code == 1
    assert {path: path.read_bytes() for path in shipped_files()} == before
    copied = tmp_path / "specs"
    copied.mkdir()
    (copied / "net.arch").write_text(WRONG)
    monkeypatch.setattr("archdsl.cli.fix.resource_folder", lambda name: copied)
    assert cli("check", "specs/net.arch", "--fix").exit_code == 1
    assert (copied / "net.arch").read_text() == WRONG


def test_a_file_that_cannot_be_written_is_left(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("net.arch").write_text(WRONG)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    shown = cli("check", "net.arch", "--fix")
    assert shown.exit_code == 1 and "fixed" not in shown.stderr and Path("net.arch").read_text() == WRONG
