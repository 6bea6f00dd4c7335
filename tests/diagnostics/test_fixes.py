"""A certain fix removes its error and adds none: over the examples of all codes, and over texts with one planted mistake."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest

from archdsl.diagnostics import Applicability, Diagnostic, Edit
from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.codes.table import CODES
from archdsl.diagnostics.fixes import certain_fixes, edited, edits_of
from archdsl.driver import check_text
from archdsl.resources import shipped_files
from archdsl.source import SourceFile, Span
from tests.fuzz.mutants import texts

SLIPS = {
    "arrow": (r" -> ", " => "),
    "power": (r"\^", "**"),
    "comment": (r"#(?= )", "//"),
    "argument": (r"(?<=\w) = (?=[\w\"\[]+[,)])", ": "),
    "list": (r"\[(\d+(?:, \d+)+)\](?=[,)])", r"(\1)"),
    "quotes": (r'"([^"\n{}]+)"', r"'\1'"),
    "let": (r"\blet (?=\w+ = [\d\[])", ""),
    "comparison": (r"(?<=\bif \w) == ", " = "),
    "parentheses": (r"\b(conv|maxpool|linear|avgpool)\((\d+(?:, \d+)*)\)", r"\1 \2"),
    "else if": (r"\belse if\b", "elif"),
    "word": (r"\bexpect\b", "assert"),
    "conjunction": (r" and ", " && "),
    "range": (r"(?<=slice\(0)\.\.(?=4)", ":"),
    "keys": (r"(?<=\w)(\n +)(?=(?:epochs|batch|seed) +=)", r",\1"),
}
"""What people write who come from elsewhere: a pattern of the right text, and the wrong one in its place."""


EXAMPLE = """
block unit(out, n = 1, k: int = 3) {
  if n == 1 { conv(out, k) -> bn } else if n == 2 { conv(out, 1) } else { conv(out, 5) }
  slice(0..4)
}

network small {
  input image [3, 8, 8]
  unit(8); unit(8, n = 2); unit(8, n = 3)
}
"""
"""What shipped specs have little of."""


def fixes(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Those with a certain fix."""
    return [found for found in diagnostics if found.fix is not None and found.fix.applicability is Applicability.CERTAIN]


def kinds(diagnostics: list[Diagnostic]) -> Counter[str]:
    """How many findings there are of each class."""
    return Counter(type(found).__name__ for found in diagnostics)


def fixed(text: str) -> tuple[str, list[Diagnostic]]:
    """A text after all certain fixes, and what is still said about it."""
    found = check_text(text, "net.arch")
    for _ in range(100):
        chosen = certain_fixes(found, [edit.span.file for one in fixes(found) for edit in one.fix.edits])  # type: ignore[union-attr]
        if not chosen:
            return text, found
        [edits] = edits_of(chosen).values()
        text = edited(text, edits)
        found = check_text(text, "net.arch")
    raise AssertionError("the fixes do not end")


def each_removes_its_error(text: str) -> int:
    """Apply each certain fix alone; how many there were."""
    before = check_text(text, "net.arch")
    for one in fixes(before):
        assert one.fix is not None
        after = check_text(edited(text, one.fix.edits), "net.arch")
        name = type(one).__name__
        assert kinds(after)[name] < kinds(before)[name], (text, one, after)
        syntax = [found for found in after if found.code.startswith("E01")]
        assert not kinds(syntax) - kinds(before), (text, one, syntax)
    return len(fixes(before))


@pytest.mark.parametrize("entry", [entry for entry in CODES.values() if entry.bad], ids=lambda entry: entry.code)
def test_the_examples_of_codes(entry: Code) -> None:
    found = check_text(entry.bad)
    each_removes_its_error(entry.bad)
    if found and len(fixes(found)) == len(found):
        assert fixed(entry.bad)[1] == []


@pytest.mark.parametrize("wanted", [1, pytest.param(20, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("slip", SLIPS)
def test_one_planted_slip(slip: str, wanted: int) -> None:
    random, planted = Random(slip), 0
    right, wrong = re.compile(SLIPS[slip][0]), SLIPS[slip][1]
    shipped = [path.read_text(encoding="utf-8") for path in random.sample(shipped_files(), len(shipped_files()))]
    for text in [EXAMPLE, *shipped]:
        if "import " in text or "\nnetwork" not in text:
            continue
        code = re.sub(r"#[^\n]*", lambda comment: "#" * len(comment[0]), text) if slip != "comment" else text
        places = [match for match in right.finditer(text) if slip == "comment" or "#" not in code[match.start() : match.end()]]
        for match in random.sample(places, min(2, len(places))):
            changed = text[: match.start()] + match.expand(wrong) + text[match.end() :]
            if fixes(check_text(changed, "net.arch")):
                planted += 1
                each_removes_its_error(changed)
                assert not kinds(fixed(changed)[1]), (match, fixed(changed)[1])
        if planted >= wanted:
            break
    assert planted, "no slip of this kind has a fix"


@pytest.mark.parametrize("count", [20, pytest.param(600, marks=pytest.mark.exhaustive)])
def test_mutants(count: int) -> None:
    assert sum(each_removes_its_error(text) for _, text in texts(6, count))


FILE = SourceFile("net.arch", "a b c")


def at(start: int, end: int, text: str) -> Edit:
    """An edit of the file."""
    return Edit(Span(FILE, start, end), text)


def test_edits_do_not_move_each_other() -> None:
    assert edited(FILE.text, [at(0, 1, "long"), at(4, 5, ""), at(2, 2, "x ")]) == "long x b "


EDITS = {
    "for i in 3 { conv(4, 3) }": ("3", "0..3", Applicability.CERTAIN),
    "let n = 3; for i in n { conv(4, 3) }": ("n", "0..n", Applicability.GUESS),
    "let n = 3; if n { conv(4, 3) }": ("n", "n > 0", Applicability.GUESS),
    "repeat 4 / 2 { conv(4, 3) }": ("4 / 2", "4 // 2", Applicability.GUESS),
    "conv(x.channels, 3)": ("channels", "c", Applicability.GUESS),
    "let w = [4, 8]; conv(w[2], 3)": ("2", "1", Applicability.GUESS),
    "conv(min(a = 4), 3)": ("a = ", "", Applicability.GUESS),
    "relu(conv(4, 3))": ("relu(conv(4, 3))", "conv(4, 3) -> relu", Applicability.GUESS),
    "conv(3, 64, 7)": ("3, ", "", Applicability.GUESS),
    "for i in 0..2 { e[i]: conv(4, 3) }; e": ("e", "e[1]", Applicability.GUESS),
    "forward: conv(4, 3)": ("forward", "forward1", Applicability.GUESS),
    "skip { conv(4, 3) -> flatten }": None,
}
"""Bodies with one mistake, and the edit of the remedy: the text that it replaces, the new one, and how sure it is."""


@pytest.mark.parametrize("body", EDITS)
def test_edits_of_elaboration(body: str) -> None:
    [found] = check_text(f"network n {{ input image [3, 8, 8]; {body} }}")
    if (expected := EDITS[body]) is None:
        assert found.fix is None and found.help is not None
        return
    assert found.fix is not None
    [edit] = found.fix.edits
    assert (edit.span.text, edit.text, found.fix.applicability) == expected


def test_a_shortcut_for_these_sizes_is_a_guess() -> None:
    text = "block b(w) { skip { repeat 2 { conv(w, 3) } } }\nnetwork n { input image [3, 8, 8]; b(8) }"
    [found] = check_text(text)
    assert found.fix is not None and found.fix.applicability is Applicability.GUESS
    assert check_text(edited(text, found.fix.edits)) == []
