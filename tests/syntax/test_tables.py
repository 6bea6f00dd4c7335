"""The parse tables that are kept in a file."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import lark
import pytest

from archdsl.limits import DEFAULT
from archdsl.ops.join import joins
from archdsl.resources import resource_folder
from archdsl.source import SourceFile
from archdsl.syntax import parser, tables
from archdsl.syntax.error_context import KEYWORDS
from archdsl.syntax.tree_builder import TreeBuilder

TEXT = (resource_folder("grammars") / "arch.json").read_text(encoding="utf-8")
KEPT: dict[str, Any] = json.loads(TEXT)
SPEC = resource_folder("specs") / "resnet.arch"
BROKEN = [
    "network a {\n  conv(1\n",
    "block b( { }\nnetwork c { input image [3, 2 }",
    'network d { "x{1 +}": relu }',
    "def f():\n  pass\n",
]


def test_tables_are_those_of_the_grammar() -> None:
    made_from = tables.origin(tables.grammar_text())
    assert KEPT["origin"][1] == made_from[1], "the grammar has changed: run `python -m archdsl.syntax.tables`"


@pytest.mark.skipif(KEPT["origin"][0] != lark.__version__, reason="the tables were made by another version of lark")
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


def test_tables_of_another_grammar_or_lark_are_not_used() -> None:
    version, grammar = KEPT["origin"]
    assert tables.kept_tables([version, grammar]) is not None
    assert tables.kept_tables([version, "0"]) is None
    assert tables.kept_tables(["1.0.0", grammar]) is None


def test_the_words_of_the_language_are_those_of_the_grammar() -> None:
    """In the sentences for mistakes, and on the page that lists them with the joins."""
    lexer = tables.load_tables(TreeBuilder()).lexer
    words = {terminal.pattern.value for terminal in lexer.terminals if terminal.pattern.value.isalpha()}
    assert words == KEYWORDS
    page = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
    listed = re.search(r"The keywords are:\n`([^`]*)`", page)
    assert listed is not None and set(listed[1].split()) == words | {name for name, join in joins().items() if not join.called}
