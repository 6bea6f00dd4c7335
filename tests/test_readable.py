"""The size of files and functions, and the names of files: what docs/development.md promises of the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60
EMPTY_NAMES = {"common", "helpers", "manager", "misc", "utils"}

PACKAGE = Path(__file__).parents[1] / "archdsl"
FILES = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))


def source(file: str) -> str:
    return (PACKAGE / file).read_text(encoding="utf-8")


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_files_are_short() -> None:
    assert {file for file in FILES if len(source(file).splitlines()) > MOST_LINES} == set()


def test_functions_fit_on_a_screen() -> None:
    lengths = {
        f"{file}:{function.lineno} {function.name}": (function.end_lineno or 0) - function.lineno + 1
        for file in FILES
        for function in functions(ast.parse(source(file)))
    }
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES_OF_A_FUNCTION} == {}


def test_names_say_what_is_in_a_file() -> None:
    assert [file for file in FILES if EMPTY_NAMES & set(Path(file).with_suffix("").parts)] == []
