"""What messages quote of a source, and the text that they tell to write, are whole: their brackets match."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from archdsl.diagnostics import Diagnostic
from archdsl.driver import check_text
from archdsl.source import SourceFile
from archdsl.syntax.parser import parse
from tests.fuzz.mutants import texts

GOLDEN = Path(__file__).parents[1] / "golden" / "errors"
PLACES = (
    "expect {}", "expect {} if {}", "if {} {{ relu }}", "repeat {} {{ relu }}", "for i in {} {{ relu }}", "conv({}, {})",
    "let a = {}; conv(a, 3)",
    "e[{}]: relu", '"s{{{}}}": relu', "{}", "{} -> relu", "relu -> {}", "{}({}); relu",
    "conv(3, 3, pad = {})", "skip(drop = {}) {{ bn }}",
    "aux(weight = {}) h: relu", "slice({})", "maxpool({})", "{}: relu", "init {{ conv = {} }}", "concat {{ {}; {} }}",
    "{}[{}]", "b({})",
)  # fmt: skip
ATOMS = (
    "1",
    "2.5",
    '"a"',
    "x",
    "x.c",
    "x.h",
    "true",
    "none",
    "conv",
    "bn",
    "nope",
    "a",
    "b",
    "H",
    "[]",
    "0",
    "sgd",
    "n",
    "x.shape",
)


def expression(random: Random, depth: int = 3) -> str:
    """A random expression with many parentheses."""

    def part() -> str:
        return expression(random, depth - 1)

    if depth == 0 or random.random() < 0.2:
        return random.choice(ATOMS)
    text = random.choice((
        lambda: f"{part()} {random.choice(('+', '-', '*', '//', '%', '^', '==', '<', 'and', 'or'))} {part()}",
        lambda: f"({part()})", lambda: f"({part()})",
        lambda: f"({part()}) {random.choice('+*')} ({part()})", lambda: f"[{part()}, {part()}]",
        lambda: f"({part()}).c", lambda: f"({part()})[{part()}]",
        lambda: f"({part()})({part()})", lambda: f"({part()})..({part()})", lambda: f"-({part()})", lambda: f"not ({part()})",
        lambda: f"({part()}) if ({part()}) else ({part()})", lambda: f"max({part()}, ({part()}))",
    ))()  # fmt: skip
    return f"({text})" if random.random() < 0.3 else text


def balanced(text: str) -> bool:
    """Whether the brackets in a text match, apart from those in strings."""
    closing, open_ = {"(": ")", "[": "]", "{": "}"}, list[str]()
    for sign in re.sub(r'"(?:\\.|[^"\\])*"|#.*', "", text):
        if sign in closing:
            open_.append(closing[sign])
        elif sign in closing.values() and (not open_ or open_.pop() != sign):
            return False
    return not open_


def quoted(diagnostic: Diagnostic) -> list[str]:
    """The quotations in what is said, without those of brackets themselves."""
    said = " ".join([diagnostic.message, diagnostic.help or "", *(mark.text for mark in diagnostic.related)])
    return [text for text in re.findall(r"`([^`]*)`", said) if text not in tuple("()[]{}")]


@pytest.mark.parametrize("place", PLACES)
def test_quotations_of_expressions_are_balanced(place: str) -> None:
    random = Random(place)
    for _ in range(60):
        statement = place.format(*(expression(random) for _ in range(2)))
        where = f" where {expression(random, 2)}" if random.random() < 0.3 else ""
        text = f"block b(n) {{ conv(n, 3) }}\nnetwork t {{\n  input image [3, H, W]{where}\n  {statement}\n}}"
        for diagnostic in check_text(text):
            marks = [
                mark
                for mark in (diagnostic.mark, *diagnostic.related)
                if mark is not None and not diagnostic.code.startswith("E01")
            ]
            for piece in [*quoted(diagnostic), *(mark.span.text for mark in marks)]:
                assert balanced(piece), (text, diagnostic)


def test_quotations_and_remedies_of_syntax_errors_are_balanced() -> None:
    for name, text in texts(seed=3, count=150):
        for error in parse(SourceFile("net.arch", text))[1]:
            for piece in quoted(error):
                assert balanced(piece), (name, error)


CONTEXTS = ("block b {{ {} }}", "train {{ {} }}", "{}", "block b({}) {{ relu }}", "block b {{ conv({}) }}")
MISTAKES = """block b {
  maxpool 3, stride = 2)
  conv 64 3)
  conv 64, [3, 3
  add(a.pool[0], [b, c[1]])
  (3, stride = 1)
  foo { (i }: relu
  conv((3, 3), 1)
}
"""


def remedies(text: str) -> list[str]:
    """The whole texts that the syntax errors of a source tell to write."""
    helps = [error.help or "" for error in parse(SourceFile("net.arch", text))[1]]
    return [text for help in helps for text in re.findall(r"\bwrite `([^`]*)`", help) if "..." not in text]


def test_remedies_of_syntax_errors_are_syntax() -> None:
    """Each is a token, or a part that can stand somewhere; `else if` begins one."""
    golden = [path.read_text(encoding="utf-8").partition("\n" + "-" * 60)[0] for path in sorted(GOLDEN.glob("*.txt"))]
    found = {text for source in (MISTAKES, *golden, *(text for _, text in texts(seed=5, count=100))) for text in remedies(source)}
    assert len(found) > 25 and "maxpool(3, stride = 2)" in found and "add { a.pool[0]; b; c[1] }" in found
    for text in found - {"else if"}:
        token = re.fullmatch(r'\w+|[^\w\s]{1,2}|"[^"]*"', text)
        assert token or any(not parse(SourceFile("net.arch", context.format(text)))[1] for context in CONTEXTS), text
