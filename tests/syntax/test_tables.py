"""The parse tables that are kept in a file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from archdsl.limits import DEFAULT
from archdsl.ops.join import joins
from archdsl.resources import resource_folder
from archdsl.source import SourceFile
from archdsl.syntax import parser, tables
from archdsl.syntax.error_context import KEYWORDS
from archdsl.syntax.newlines import Newlines
from archdsl.syntax.tree_builder import TreeBuilder

KEPT: dict[str, Any] = json.loads((resource_folder("grammars") / "arch.json").read_text(encoding="utf-8"))
SPECS = sorted(resource_folder("specs").glob("*.arch"))
BROKEN = [
    "network a {\n  conv(1\n",
    "block b( { }\nnetwork c { input image [3, 2 }",
    'network d { "x{1 +}": relu }',
    "def f():\n  pass\n",
]


def test_tables_are_those_of_the_grammar() -> None:
    _, grammar = tables.origin(tables.grammar_text())
    assert KEPT["origin"][1] == grammar, "the grammar has changed: run `python -m archdsl.syntax.tables`"


def test_tables_hold_nothing_of_the_machine_that_made_them() -> None:
    options = KEPT["data"]["options"]
    assert not {"postlex", "transformer", "lexer_callbacks"} & set(options)
    assert options["source_path"] in (None, "<string>") and not options["import_paths"] and not options["cache"]


@pytest.mark.parametrize("text", [*(path.read_text(encoding="utf-8") for path in SPECS), *BROKEN])
def test_kept_and_fresh_tables_parse_alike(text: str) -> None:
    kept, made = parser._Parser(), parser._Parser()
    made.lark = tables._construct(tables.grammar_text(), made.builder, made.newlines)
    source = SourceFile("net.arch", text)
    assert repr(kept.parse(source, DEFAULT)) == repr(made.parse(source, DEFAULT))


def test_tables_of_another_grammar_or_lark_are_not_used() -> None:
    version, grammar = KEPT["origin"]
    assert tables._kept_tables([version, grammar]) is not None
    assert tables._kept_tables([version, "0"]) is None
    assert tables._kept_tables(["1.0.0", grammar]) is None


def test_the_words_of_the_language_are_those_of_the_grammar() -> None:
    """In the sentences for mistakes, and on the page that lists them with the joins."""
    lark = tables.make_lark(TreeBuilder(), Newlines())
    words = {terminal.pattern.value for terminal in lark.terminals if terminal.pattern.value.isalpha()}
    assert words == KEYWORDS
    page = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
    listed = re.search(r"The keywords are:\n`([^`]*)`", page)
    assert listed is not None and set(listed[1].split()) == words | {name for name, join in joins().items() if not join.called}
