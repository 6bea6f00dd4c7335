"""The grammar for constrained decoding gives texts that parse, and can give the texts that people write."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest
from lark import Lark, Token, UnexpectedInput

from archdsl.resources import resource_folder
from archdsl.source import SourceFile
from archdsl.syntax.parser import parse

TEXT = (resource_folder("grammars") / "arch.gbnf").read_text(encoding="utf-8")
RULES = dict(line.split(" ::= ", 1) for line in TEXT.splitlines() if not line.startswith("#"))
PARTS = Lark(r"""
    choice: sequence ("|" sequence)*
    sequence: repeated+
    ?repeated: part | part TIMES
    ?part: STRING | CLASS | NAME | "(" choice ")"
    NAME: /[a-z][a-z0-9-]*/
    STRING: /"(\\.|[^"\\])*"/
    CLASS: /\[(\\.|[^\]\\])*\]/
    TIMES: /[*+?]/
    %ignore " "
""", parser="lalr", start="choice")  # fmt: skip
TREES = {name: PARTS.parse(text) for name, text in RULES.items()}
CHARACTERS = [chr(code) for code in range(32, 127)] + ["é", "→"]


class Writer:
    """Writes random texts. The deeper it is in rules, the more it takes the shortest way out."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.depth = 0

    def text(self, part: Any) -> str:
        if isinstance(part, Token):
            if part.type == "STRING":
                return self.literal(part)
            if part.type == "CLASS":
                return self.random.choice([one for one in CHARACTERS if re.fullmatch(part, one)])
            self.depth += 1
            try:
                return self.text(TREES[part])
            finally:
                self.depth -= 1
        if part.data == "choice":
            tired = self.depth > 14
            return self.text(min(part.children, key=SHORTEST.__getitem__) if tired else self.random.choice(part.children))
        if part.data == "sequence":
            return "".join(map(self.text, part.children))
        inner, times = part.children
        least, most = {"*": (0, 2), "+": (1, 2), "?": (0, 1)}[times]
        return "".join(self.text(inner) for _ in range(self.random.randint(least, least if self.depth > 14 else most)))

    @staticmethod
    def literal(token: str) -> str:
        return token[1:-1].replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")


def _shortest() -> dict[Any, int]:
    """How deep the rules of each part go at least, found in rounds."""
    known: dict[Any, int] = {}
    depths = dict.fromkeys(TREES, 10_000)

    def depth(part: Any) -> int:
        if isinstance(part, Token):
            return depths[part] + 1 if part.type == "NAME" else 0
        if part.data == "repeated":
            found = depth(part.children[0]) if part.children[1] == "+" else 0
        else:
            found = (min if part.data == "choice" else max)(map(depth, part.children))
        known[part] = found
        return found

    for _ in range(60):
        depths = {name: depth(tree) for name, tree in TREES.items()}
    assert max(depths.values()) < 10_000, "every rule ends"
    return known


SHORTEST = _shortest()


@pytest.mark.parametrize("count", [40, pytest.param(20_000, marks=pytest.mark.exhaustive)])
def test_it_gives_texts_that_parse(count: int) -> None:
    longest = 0
    for seed in range(count):
        text = Writer(seed).text(TREES["root"])
        _, errors = parse(SourceFile("net.arch", text))
        wrong = [error for error in errors if error.code.startswith("E01") and type(error).__name__ != "DefinesNothing"]
        assert not wrong, (seed, text, wrong[0])
        longest = max(longest, len(text))
    assert longest > 200


def _as_lark(part: Any) -> str:
    """A part of a rule in the notation of lark, with each character as a terminal."""
    if isinstance(part, Token):
        if part.type == "CLASS":
            return f"/{part.replace('/', chr(92) + '/')}/"
        if part.type == "STRING":
            return " ".join(f"/{re.escape(one)}/" if one != "\n" else r"/\n/" for one in Writer.literal(part)).replace(
                "///", r"/\//"
            )
        return f"r_{part.replace('-', '_')}".lower()
    inner = [_as_lark(one) for one in part.children]
    if part.data == "choice":
        return f"({' | '.join(inner)})"
    return " ".join(inner) if part.data == "sequence" else f"({inner[0]}){part.children[1]}"


@pytest.fixture(scope="module")
def recognizer() -> Lark:
    rules = "\n".join(f"r_{name.replace('-', '_').lower()}: {_as_lark(tree)}" for name, tree in TREES.items())
    return Lark(rules, parser="earley", lexer="dynamic", start="r_root", ambiguity="forest")


PLAIN = """## A residual block.
block unit(width, stride = 1) {
  skip {
    conv1: conv(width, 3, stride); bn1: bn; relu   # first
  } via { if stride != 1 or x.c != width { down: conv(width, 1, stride) -> bn } }
}

network net(classes: int in [10, 100] = 10) where params < 10^6 {
  input image [3, H, W]
  for i, w in [16, 32] { "s{i}": unit(w, stride = 2 if i > 0 else 1) }
  gap -> flatten
    -> linear(classes)
}
network big = net(classes = 100) expect params == 1_000 if true
train { lr = 0.1; epochs = 2 }
"""


def test_it_gives_what_people_write(recognizer: Lark) -> None:
    recognizer.parse(PLAIN)
    for mistake in ("block b { skip conv(1) }", "block b { relu -> -> relu }", "block if { relu }"):
        with pytest.raises(UnexpectedInput):
            recognizer.parse(mistake)
