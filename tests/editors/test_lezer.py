"""The Lezer grammar parses what archdsl parses, into the same tokens; its lines indent as those of the formatter."""

from __future__ import annotations

import json
from bisect import bisect_right
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from archdsl.limits import DEFAULT
from archdsl.lsp.outline import folding_ranges
from archdsl.ops import Op
from archdsl.source import SourceFile
from archdsl.syntax import parser
from archdsl.syntax.tokens import Token
from tests.editors.node import run_node
from tests.syntax.texts import ALL, SPECS

PACKAGE = Path(__file__).parents[2] / "editors" / "codemirror"
KINDS = {"INT", "FLOAT", "STRING", "COMPARE", "FACTOR", "SIGN", "ARROW"}
WIDE = 'block b {  # 😀→\n  "🙂{1 + 1}é": conv(8, 3)  ## 😀\n  relu\n}\n'
OPS = {op.name for op in Op.registry if op.called}


class Read(NamedTuple):
    """A text, with the tokens that are expected, and what the grammar made of it: see `test/leaves.mjs`."""

    text: str
    tokens: list[list[Any]]
    answer: dict[str, Any]


def tokens_of(text: str) -> list[Token] | None:
    """Return the tokens of a text as the parser takes them, those of labels' expressions among them; None if it has errors."""
    own = parser._parser()
    taken: list[Token] = []
    lexed = type(own)._tokens

    def noted(start: int, end: int) -> list[Token]:
        tokens = lexed(own, start, end)
        taken.extend(tokens)
        return tokens

    own._tokens = noted  # type: ignore[method-assign]
    try:
        _, errors = parser.parse(SourceFile("net.arch", text), DEFAULT)
    finally:
        del own._tokens
    return None if errors else taken


def expected(text: str) -> list[list[Any]] | None:
    """Return what the Lezer grammar should find in a text: places in UTF-16 code units, and names."""
    tokens = tokens_of(text)
    if tokens is None:
        return None
    wide = [at for at, character in enumerate(text) if ord(character) > 0xFFFF]

    def unit(at: int) -> int:
        return at + bisect_right(wide, at - 1)

    found = [
        [unit(token.start_pos), unit(token.end_pos), _name(token)]
        for token in tokens
        if token.type not in ("NEWLINE", "SEMICOLON")
    ]
    comments = parser.lex(SourceFile("net.arch", text))[1]
    found += [[unit(span.start), unit(span.end), "DocComment" if span.text.startswith("##") else "Comment"] for span in comments]
    return found


def _name(token: Token) -> str:
    if token.type == "NAME":
        return "Op" if token in OPS else "Flow" if token == "x" else "Name"
    if token.type in ("JOIN", "BY", "MODULE") or token.lower() == token.type.lower():
        return token.type.lower()
    return {"RANGE": "RangeSign"}.get(token.type, token.type.capitalize() if token.type in KINDS else str(token))


@pytest.fixture(scope="module")
def good() -> list[Read]:
    """The texts that archdsl parses."""
    run_node(PACKAGE, "npm", "--silent", "run", "build")
    texts = dict.fromkeys(dedent(text) for texts in ALL.values() for text in texts)
    found = [(text, tokens) for text in [*texts, WIDE] if (tokens := expected(text)) is not None]
    answers = json.loads(run_node(PACKAGE, "node", "test/leaves.mjs", input=json.dumps([text for text, _ in found])))
    return [Read(text, tokens, answer) for (text, tokens), answer in zip(found, answers, strict=True)]


def test_tokens(good: list[Read]) -> None:
    """The tree has no error, and its leaves are the tokens, with comments and those of the expressions in labels."""
    assert len(good) > 600
    for read in good:
        assert sorted(read.answer["tokens"]) == sorted(read.tokens), read.text


def test_lines_indent_as_the_formatter_writes_them(good: list[Read]) -> None:
    for read in good:
        if read.text in SPECS:
            lines = zip(read.text.split("\n"), read.answer["indentation"], strict=True)
            assert all(found == len(line) - len(line.lstrip()) for line, found in lines if line)


def test_lines_fold_as_the_server_says(good: list[Read]) -> None:
    for read in good:
        if read.text in SPECS:
            file, _ = parser.parse(SourceFile("net.arch", read.text))
            ranges = folding_ranges(SimpleNamespace(source=file.source, file=file))  # type: ignore[arg-type]
            assert read.answer["folds"] == [found.start_line + 1 for found in ranges]


def test_a_changed_text_is_parsed_as_a_new_one(good: list[Read]) -> None:
    """After an edit, the tree that reuses the one before is that of the text alone."""
    assert all(read.answer["reused"] for read in good)
