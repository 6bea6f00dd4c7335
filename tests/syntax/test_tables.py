"""The parse tables that are kept in a file."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lark import Lark

from archdsl.limits import DEFAULT
from archdsl.ops.join import joins
from archdsl.resources import resource_folder
from archdsl.source import SourceFile
from archdsl.syntax import parser, tables
from archdsl.syntax.error_context import KEYWORDS
from archdsl.syntax.newlines import Newlines
from archdsl.syntax.tree_builder import TreeBuilder

TEXT = (resource_folder("grammars") / "arch.json").read_text(encoding="utf-8")
KEPT: dict[str, Any] = json.loads(TEXT)
SPEC = resource_folder("specs") / "resnet.arch"
KEEPS_ALL = SimpleNamespace(process=iter, always_accept=Newlines.always_accept)
BROKEN = [
    "network a {\n  conv(1\n",
    "block b( { }\nnetwork c { input image [3, 2 }",
    'network d { "x{1 +}": relu }',
    "def f():\n  pass\n",
]


def test_tables_are_those_of_the_grammar() -> None:
    assert KEPT["origin"] == tables.origin(tables.grammar_text()), (
        "the grammar has changed: run `python -m archdsl.syntax.tables`"
    )


@pytest.mark.parametrize("seed", ["1", "2"])
def test_a_grammar_has_one_text_of_tables(seed: str) -> None:
    """Whatever the order of lark's sets, which follows from the seed of hashes."""
    code = "from archdsl.syntax import tables as t; print(t.text_of(t.make_tables(t.grammar_text())), end='')"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
    )
    assert done.stdout == TEXT, "run `python -m archdsl.syntax.tables`"


@pytest.mark.parametrize("text", [SPEC.read_text(encoding="utf-8"), *BROKEN[:2]])
def test_kept_and_fresh_tables_parse_alike(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = parser._Parser()
    with monkeypatch.context() as changed:
        changed.setattr(tables, "kept_tables", lambda wanted: None)
        made = parser._Parser()
    source = SourceFile("net.arch", text)
    assert repr(kept.parse(source, DEFAULT)) == repr(made.parse(source, DEFAULT))


def test_tables_of_another_grammar_are_not_used() -> None:
    assert tables.kept_tables(KEPT["origin"]) is not None
    assert tables.kept_tables(KEPT["origin"] + 1) is None


@pytest.mark.parametrize(
    "text", [SPEC.read_text(encoding="utf-8"), *BROKEN, 'a\r\nb "\\" ü\r # ü\n\f"open\n\x00 for fore 1..2 1.5e3 a->b']
)
def test_tokens_are_those_of_lark(text: str) -> None:
    lark = Lark(tables.grammar_text(), parser="lalr", lexer="basic", start=["spec"], keep_all_tokens=True, postlex=KEEPS_ALL)
    lexer = tables.load_tables(TreeBuilder()).lexer
    lexer.callbacks = {}
    expected = [(t.type, str(t), t.start_pos, t.end_pos, t.line, t.column) for t in lark.lex(text, dont_ignore=False)]
    assert [(t.type, str(t), t.start_pos, t.end_pos, t.line, t.column) for t in lexer.tokens(text, 0, len(text))] == expected


def test_the_words_of_the_language_are_those_of_the_grammar() -> None:
    """In the sentences for mistakes, and on the page that lists them with the joins."""
    words = set(tables.load_tables(TreeBuilder()).lexer.keywords)
    assert words == KEYWORDS
    page = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
    listed = re.search(r"The keywords are:\n`([^`]*)`", page)
    assert listed is not None and set(listed[1].split()) == words | {name for name, join in joins().items() if not join.called}
