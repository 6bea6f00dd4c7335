"""Every `arch` block of the documentation is checked as its mark says.

`arch` is a whole file without findings; `arch fragment` a part of a network's body; `arch E0301` a file that gives
exactly that code; `arch file` one that needs other files and is only parsed.
"""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import indent

import pytest

from archdsl.diagnostics import render_text
from archdsl.driver import check_text, compile_text
from archdsl.source import SourceFile
from archdsl.syntax.parser import parse

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(page for page in (ROOT / "docs").glob("*.md") if page.name != "import.md")]
"""The pages with specs as their authors write them; those that an import writes are compared by a test of their own."""
BLOCK = re.compile(r"^ *```arch *([^\n]*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


def blocks() -> list[object]:
    """Each block with its mark; its name is the page and the line."""
    found: list[object] = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8") if page.exists() else ""
        for match in BLOCK.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(pytest.param(match[1].strip(), match[2], id=f"{page.name}:{line}"))
    return found


@pytest.mark.parametrize(("mark", "text"), blocks())
def test_block(mark: str, text: str) -> None:
    if mark == "file":
        assert parse(SourceFile("docs", text))[1] == []
        return
    if mark == "fragment":
        text = "network fragment {\n  input image [16, 32, 32]\n" + indent(text, "  ") + "}\n"
    found = [d for d in check_text(text) if not (mark == "fragment" and d.code == "W0101") and d.code != "E0208"]
    if re.fullmatch(r"[EW]\d{4}", mark):
        assert {diagnostic.code for diagnostic in found} == {mark}
    else:
        assert mark in ("", "fragment"), f"unknown mark {mark}"
        assert found == [], render_text(found)


def test_the_design_lives_on() -> None:
    text = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    for network in ("resnet", "vgg", "googlenet", "densenet", "unet", "resdrop"):
        assert f"\nnetwork {network}(" in text
    assert "\nblock se(" in text


def test_what_is_said_of_symbolic_sizes() -> None:
    """The verdict that the page quotes is the one that the network above it gets."""
    text = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    section = text[text.index("### Symbolic sizes") :]
    block = BLOCK.search(section)
    assert block is not None
    said = section[section.index("```text\n") + len("```text\n") :].partition("```")[0]
    assert said.strip() == "\n".join(compile_text(block[2], shown="net.arch").sizes.sentences())
