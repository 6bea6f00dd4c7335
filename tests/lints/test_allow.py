"""Comments that suppress warnings: where they hold, and what is said about those that do nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from archdsl.diagnostics.fixes import edited
from archdsl.driver import check_text, compile_address, compile_text

BN = "bn(64)"


def codes(text: str, network: str | None = None, **settings: str) -> list[str]:
    found = compile_text(text, network, settings) if network or settings else None
    return [diagnostic.code for diagnostic in (found.diagnostics if found is not None else check_text(text))]


@pytest.mark.parametrize("text", [
    "network n {\n input i [3, 8, 8]\n conv(64, 3)\n bn(64)  # arch: allow(W0105)\n}",
    "network n {\n input i [3, 8, 8]\n conv(64, 3)\n bn(64)  #arch:allow( W0105 )\n}",
    "network n {\n input i [3, 8, 8]\n conv(64, 3)\n bn(64) # arch: allow(W0105) eps is meant, as (4) says\n}",
    "network n {\n input i [3, 8, 8]\n # arch: allow(W0105)\n conv(64, 3) -> bn(64)\n}",
    "network n {\n input i [3, 8, 8]\n # arch: allow(W0105)\n # as in the paper\n conv(64, 3)\n  -> bn(64)\n}",
    "network n {\n input i [3, 8, 8]\n # arch: allow(W0105)\n skip {\n  conv(64, 3) -> bn(64)\n  bn(64)\n } via { conv(64, 1) }}",
    "# arch: allow(W0105)\nnetwork n {\n input i [3, 8, 8]\n conv(64, 3)\n bn(64)\n}",
    "# arch: allow(W0105)\n## A network.\nnetwork n {\n input i [3, 8, 8]\n conv(64, 3)\n bn(64)\n}",
    "network n {\n input i [3, 8, 8]\n conv(64, 3)  # arch: allow(W0102)\n bn\n let a = 3  # arch: allow(W0102)\n}",
])  # fmt: skip
def test_it_suppresses(text: str) -> None:
    assert codes(text) == (["W0113"] if "W0102)\n bn" in text else [])


@pytest.mark.parametrize("text", [
    "network n {\n input i [3, 8, 8]\n conv(64, 3)  # arch: allow(W0105)\n bn(64)\n}",
    "network n {\n input i [3, 8, 8]\n # arch: allow(W0105)\n\n conv(64, 3) -> bn(64)\n}",
    "network n {\n input i [3, 8, 8]\n # arch: allow(W0105)\n conv(64, 3)\n bn(64)\n}",
    "network n {\n input i [3, 8, 8]\n conv(64, 3)\n bn(64)\n # arch: allow(W0105)\n}",
    "# arch: allow(W0101)\nnetwork n {\n input i [3, 8, 8]\n conv(64, 3)\n bn(64)\n}",
])  # fmt: skip
def test_it_does_not_reach_so_far(text: str) -> None:
    assert sorted(codes(text)) == ["W0105", "W0113"]


@pytest.mark.parametrize(
    "comment", ["# arch: see W0105", "## arch: allow(W0105)", "# Arch: allow(W0105)", "# march: allow(W0105)"]
)
def test_other_comments_say_nothing(comment: str) -> None:
    assert codes(f"network n {{\n input i [3, 8, 8]\n conv(64, 3) -> bn(64)  {comment}\n}}") == ["W0105"]


def test_a_string_is_no_comment() -> None:
    text = 'network n {\n input i [3, 8, 8]\n "a # arch: allow(W0105)": conv(64, 3)\n}'
    assert "W0113" not in codes(text)


@pytest.mark.parametrize(("before", "after"), [
    ("relu  # arch: allow(W0105)\n", "relu\n"),
    ("# arch: allow(W0105) why\n relu\n", " relu\n"),
    ("bn(3)  # arch: allow(W0101, W0105)\n", "bn(3)  # arch: allow(W0105)\n"),
    ("bn(3)  # arch: allow(W0105, W0101) why\n", "bn(3)  # arch: allow(W0105) why\n"),
    ("bn(3)  # arch: allow(W0105 , E0301,W0108)\n", "bn(3)  # arch: allow(W0105)\n"),
])  # fmt: skip
def test_the_fix_deletes_what_does_nothing(before: str, after: str) -> None:
    text = f"network n {{\ninput i [3, 8, 8]\n{before}}}\n"
    while fixes := [found.fix for found in check_text(text) if found.code == "W0113"]:
        assert fixes[0] is not None and fixes[0].applicability == "certain"
        text = edited(text, fixes[0].edits)
    assert text == f"network n {{\ninput i [3, 8, 8]\n{after}}}\n"


def test_it_is_not_useless_if_another_network_needs_it() -> None:
    text = """
block unit { conv(64, 3) -> bn(64) }  # arch: allow(W0105)
network one { input i [3, 8, 8]; unit }
network two { input i [3, 8, 8]; relu }
"""
    assert codes(text) == codes(text, "one") == codes(text, "two") == []


def test_it_is_not_useless_beside_an_error_or_a_setting() -> None:
    text = "network n(c = 32) {\n input i [3, 8, 8]\n conv(c, 3) -> layer_scale(64)  # arch: allow(W0105)\n}"
    assert codes(text) == ["W0113"]
    assert codes(text, c="32") == codes(text, c="64") == []
    assert codes(text.replace("conv(c, 3)", "conv(0, 3)")) == ["E0402"]


def test_it_works_in_imported_files(tmp_path: Path) -> None:
    (tmp_path / "library.arch").write_text("block unit {\n conv(64, 3)\n bn(64)  # arch: allow(W0105, W0101)\n}")
    (tmp_path / "net.arch").write_text('import "library.arch" as l\nnetwork net { input i [3, 8, 8]; l.unit }')
    assert compile_address(str(tmp_path / "net.arch")).diagnostics == []


def test_errors_cannot_be_suppressed() -> None:
    text = "# arch: allow(E0301)\nnetwork n {\n input i [3, 8, 8]\n skip { conv(8, 3) }\n}"
    assert sorted(codes(text)) == ["E0301", "W0113"]
