"""The one style: what each rule does, that it keeps what a text means, and that all shipped texts have it."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from textwrap import dedent, indent

import pytest

import archdsl
from archdsl.diagnostics.codes.table import CODES
from archdsl.formatting import format_lines, format_source
from archdsl.formatting.layout import WIDTH
from archdsl.formatting.same_tree import differs
from archdsl.new_spec import template
from archdsl.resources import shipped_files
from archdsl.session import Session
from archdsl.syntax.trivia import Trivia
from tests.docs.test_language import blocks
from tests.fuzz.formatting import parsed
from tests.syntax.texts import SPECS

ROOT = Path(__file__).parents[2]
GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.txt"))
LINE = "-" * 60 + "\n"


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_each_rule(path: Path, request: pytest.FixtureRequest) -> None:
    """A file holds a text, a line, and the text in the style."""
    text, _, expected = path.read_text(encoding="utf-8").partition(LINE)
    formatted = archdsl.format(text)
    if request.config.getoption("--update-golden"):
        path.write_text(text + LINE + formatted, encoding="utf-8")
        expected = formatted
    assert formatted == expected
    assert archdsl.format(expected) == expected


@pytest.mark.parametrize("path", shipped_files(), ids=lambda path: path.stem)
def test_shipped_specs_have_the_style(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert archdsl.format(text) == text


def test_the_blocks_of_the_documentation_have_the_style() -> None:
    seen = 0
    for mark, text in (block.values for block in blocks()):  # type: ignore[attr-defined]
        text = dedent(text)
        if mark == "fragment":
            text = "network fragment {\n" + indent(text, "  ") + "}\n"
        if parsed(text) is not None:
            assert archdsl.format(text) == text
            seen += 1
    assert seen > 100


def test_the_example_of_the_page() -> None:
    page = (ROOT / "docs" / "formatting.md").read_text(encoding="utf-8")
    before, after = page.split("```text\n")[1].split("```")[0], page.split("```arch\n")[1].split("```")[0]
    assert archdsl.format(before) == after


def test_the_examples_of_codes_have_the_style() -> None:
    for text in (text + "\n" for entry in CODES.values() for text in (entry.bad, entry.good)):
        if parsed(text) is not None:
            assert archdsl.format(text) == text


def test_new_files_have_the_style() -> None:
    text = template("net", Session())["net.arch"]
    assert archdsl.format(text) == text


@pytest.mark.parametrize("number", range(0, len(SPECS), 4))
def test_spoiled_specs_keep_their_tree(number: int) -> None:
    """Without line ends that can go, with comments at random places, and with other blanks."""
    file = parsed(SPECS[number])
    assert file is not None
    random, text, spoiled = Random(number), file.source.text, ""
    for piece in Trivia(file).pieces:
        own = text[piece.start : piece.end]
        spoiled += re.sub(r"[ \t]+", lambda _: " " * random.randint(1, 4), own) if own.isspace() else own
        if own in ("{", "}", "(", "[", "->", ",") and random.random() < 0.1:
            spoiled += f"# {random.random()}\n" if own != "}" else ""
    again = parsed(spoiled)
    assert again is not None
    once = format_source(again)
    result = parsed(once)
    assert result is not None and not differs(again, result)
    assert format_source(result) == once
    assert max(len(line.partition("#")[0].rstrip()) for line in once.split("\n")) <= WIDTH


def test_each_line_as_a_range() -> None:
    """Ranges leave the other lines alone; all ranges together give the whole."""
    text = "network net {\n  input image [3,8,8]\n  conv(8,\n   3)->relu;   bn # hi\n gap;flatten\n\n\n  linear(\n10 )\n}"
    file = parsed(text)
    assert file is not None
    assert format_lines(file, (2, 2)) == text.replace("[3,8,8]", "[3, 8, 8]")
    assert format_lines(file, (4, 4)) == text.replace("conv(8,\n   3)->relu;   bn # hi", "conv(8, 3) -> relu; bn  # hi")
    assert format_lines(file, (1, 100)) == format_source(file)
    number = text.count("\n") + 1
    for line in range(number, 0, -1):
        text = format_lines(parsed(text) or file, (line, line))
    assert text == format_source(file)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("network a { input i [3] }\r\n", "network a { input i [3] }\r\n"),
        ("network a {\r\n input i [3]\n}", "network a {\r\n  input i [3]\r\n}\r\n"),
        ("network a {\n input i [3]\r\n}", "network a {\n  input i [3]\n}\n"),
        ("\n\n# é → 😀 \t\n\n\nnetwork a { input i [3] }\n\n\n# end", "# é → 😀\n\nnetwork a { input i [3] }\n\n# end\n"),
    ],
)
def test_ends(text: str, expected: str) -> None:
    """Line ends are those of the first line; a file ends with one; no line ends with blanks."""
    assert archdsl.format(text) == expected


def test_errors() -> None:
    with pytest.raises(archdsl.SpecError) as caught:
        archdsl.format("network a {\n  input i [3\n}\n")
    assert [found.code for found in caught.value.diagnostics] == ["E0102"]
    deep = "network a {\n  input i [3]\n  let n = " + "(" * 900 + "1" + ")" * 900 + "\n  scale(n)\n}\n"
    with pytest.raises(archdsl.SpecError):
        archdsl.format(deep)
    assert archdsl.format(deep, limits=archdsl.Limits(nesting=1000)) == deep


def test_long_files_take_linear_time() -> None:
    line = "  conv1: conv(8, 3, stride = 1);    bn1: bn; relu\n"
    text = "network a {\n  input i [3, 8, 8]\n" + line * 1_000 + "}\n"
    assert archdsl.format(text).count("conv1: conv(8, 3, stride = 1); bn1: bn; relu\n") == 1_000
