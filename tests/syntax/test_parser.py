"""What the parser keeps: positions, comments, documentation; and that the grammar is strict."""

from __future__ import annotations

import importlib.util

import pytest

from archdsl.source import SourceFile
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import parse
from archdsl.syntax.tables import grammar_text, make_tables


def parsed(text: str) -> ast.File:
    file, errors = parse(SourceFile("t.arch", text))
    assert errors == []
    return file


def statements(body: str) -> tuple[ast.Statement, ...]:
    definition = parsed(f"block b {{ {body} }}").definitions[0]
    assert isinstance(definition, ast.Block)
    return definition.body.statements


@pytest.mark.skipif(importlib.util.find_spec("interegular") is None, reason="lark's strict mode needs interegular")
def test_the_grammar_is_strict() -> None:
    make_tables(grammar_text(), strict=True)


def test_line_ends_and_semicolons_separate() -> None:
    assert len(statements("relu; relu\n\n;; relu\n")) == 3


def test_an_arrow_continues_over_line_ends() -> None:
    (pipeline,) = statements("conv(8, 3) ->\n  bn\n  -> relu")
    assert isinstance(pipeline, ast.Pipeline) and len(pipeline.stages) == 3


def test_line_ends_in_brackets_do_not_count() -> None:
    assert len(statements("conv(\n  8,\n  3,\n)\nlet a = [\n1,\n2\n]")) == 2


def test_via_and_else_follow_on_a_new_line() -> None:
    assert len(statements("skip { relu }\nvia { relu }\nif true { relu }\nelse { relu }")) == 2


def test_spans_are_the_text() -> None:
    (pipeline,) = statements("conv1: conv(8, 3) -> relu")
    assert pipeline.span.text == "conv1: conv(8, 3) -> relu"


def test_comments_are_kept() -> None:
    file = parsed("# one\nblock b { relu # two\n}\n# three")
    assert [comment.text for comment in file.comments] == ["# one", "# two", "# three"]


def test_documentation_stands_right_above() -> None:
    file = parsed("## far\n\n## first\n## second\nblock b { relu }\nblock c { relu }")
    assert [definition.doc for definition in file.definitions] == ["first\nsecond", ""]


def test_windows_line_ends() -> None:
    file = parsed("## doc\r\nblock b {\r\n  relu\r\n  relu\r\n}\r\n")
    assert file.definitions[0].doc == "doc"


@pytest.mark.parametrize("text", ["block b { relu }\n}\nblock c { relu }", "blok b { relu }\nblock c { relu }"])
def test_definitions_after_an_error_are_kept(text: str) -> None:
    file, errors = parse(SourceFile("t.arch", text))
    assert len(errors) == 1
    assert file.definitions[-1].name == "c"


def test_a_brace_that_is_not_reported_hides_no_error() -> None:
    """The brace before the comment is missing; that of `add` is doubtful, and so is not reported."""
    text = "block b {\n  add { { relu; j: linear# }\n} via { }\n  skip { }\n}\nnetwork n = b()\n"
    file, errors = parse(SourceFile("braces", text))
    assert [error.code for error in errors] == ["E0101"] and file.damaged
