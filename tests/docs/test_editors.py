"""The examples of the page on editors."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from archdsl.lsp.analysis import Text, analyze
from archdsl.lsp.hints import hints_of
from archdsl.session import Session

PAGE_FOLDER = Path(__file__).parents[2] / "docs"
PAGE = (PAGE_FOLDER / "editors.md").read_text(encoding="utf-8")
_COLUMN = 55
"""Where the hints of the example begin."""


def _block(kind: str) -> str:
    found = re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_hints_are_those_of_the_server() -> None:
    lines = _block("text hints").splitlines()
    code, shown = [line[:_COLUMN].rstrip() for line in lines], [line[_COLUMN:] for line in lines]
    text = "\n".join(code)
    analysis = analyze(Text("u:page", 1, text, None), Session())
    assert analysis.diagnostics == []
    hints = {text.count("\n", 0, hint.offset): hint.text for hint in hints_of(analysis)}
    assert [hints.get(line, "") for line in range(len(code))] == shown


def test_the_path_of_the_grammar(capsys: pytest.CaptureFixture[str]) -> None:
    exec(_block("python"), {})
    assert Path(capsys.readouterr().out.strip()).read_text(encoding="utf-8").startswith("# Generated from arch.lark")


def test_the_configuration_of_helix_is_valid() -> None:
    assert tomllib.loads(_block("toml"))["language-server"]["archdsl"] == {"command": "archdsl", "args": ["lsp"]}


def test_the_commands_are_those_of_the_server() -> None:
    from archdsl.lsp.lenses import CHECK, DRAW, NETWORK_AT, PICTURE, TRAIN

    assert all(f"`{name}`" in PAGE for name in (CHECK, DRAW, NETWORK_AT, PICTURE, TRAIN))


def test_the_module_for_codemirror_is_there() -> None:
    [name, path] = re.findall(r'import \{ (\w+) \} from "\./(.*?)"', _block("js"))[0]
    assert f"export function {name}(" in (PAGE_FOLDER.parent / path).read_text(encoding="utf-8")


def test_what_a_shell_offers() -> None:
    from archdsl.cli.recipe_completions import recipe_completions

    command, offered = _block("console").splitlines()
    begun = command.removesuffix("<Tab><Tab>").split()[-1]
    assert [text.partition("=")[2] for text, _ in recipe_completions(begun, ())] == offered.split()
