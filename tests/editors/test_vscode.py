"""The extension for Visual Studio Code: its grammar, and the package."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest

from archdsl.lsp import lenses
from editors import generate
from tests.editors.node import run_node

EDITORS = Path(__file__).parents[2] / "editors"
EXTENSION = EDITORS / "vscode"


def test_the_grammars_are_those_of_the_language() -> None:
    for path, text in generate.files().items():
        assert path.read_text(encoding="utf-8") == text, "`make docs` writes it"


def test_the_grammar_colors_as_its_snapshot_says() -> None:
    run_node(EXTENSION, "npm", "--silent", "test")


def test_the_commands_of_the_extension_are_those_of_the_server() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (EXTENSION / "src").glob("*.js"))
    declared = {one["command"] for one in json.loads((EXTENSION / "package.json").read_text())["contributes"]["commands"]}
    served = {lenses.CHECK, lenses.DRAW, lenses.TRAIN, lenses.PICTURE, lenses.NETWORK_AT}
    assert set(re.findall(r'"(archdsl\.[a-zA-Z]+)"', source)) - {"archdsl.command"} <= declared | served
    assert all(f'"{name}"' in source for name in declared)


@pytest.mark.slow
def test_the_extension_is_packaged() -> None:
    run_node(EXTENSION, "npm", "--silent", "run", "package")
    with zipfile.ZipFile(EXTENSION / "archdsl.vsix") as package:
        names = set(package.namelist())
        assert {f"extension/{name}" for name in ("dist/extension.js", "syntaxes/arch.tmLanguage.json", "readme.md")} <= names
        assert b"archdsl.picture" in package.read("extension/dist/extension.js")
