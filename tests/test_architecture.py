"""The import contracts cover every backend, present and future."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from archdsl import targets

ROOT = Path(__file__).parents[1]


def contracts(folder: Path) -> str:
    """Return the report of import-linter on the package in a folder."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False).stdout


def copy_with_backend(folder: Path, source: str) -> Path:
    """Copy the package and its contracts, with one more backend."""
    shutil.copytree(ROOT / "archdsl", folder / "archdsl", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    new = folder / "archdsl" / "backends" / "onnx"
    new.mkdir()
    (new / "__init__.py").write_text("")
    (new / "target.py").write_text(source)
    return folder


@pytest.mark.parametrize(
    ("source", "broken"),
    [
        ("import archdsl.ops", None),
        ("import archdsl.backends.torch.expressions", "The backends know nothing of each other BROKEN"),
        ("import torch", "A backend writes without torch, but for the modules that build and load BROKEN"),
    ],
)
def test_a_new_backend_is_held_to_the_contracts(tmp_path: Path, source: str, broken: str | None) -> None:
    report = contracts(copy_with_backend(tmp_path, source))
    assert "Contracts:" in report, report
    assert " BROKEN" not in report if broken is None else broken in report, report


@pytest.mark.parametrize("name", targets.names())
def test_every_backend_describes_itself(name: str) -> None:
    found = targets.target(name)
    assert found.about and found.suffixes
    assert targets.name_for(found.suffixes[0]) == name


def test_backends_are_found_by_their_folders() -> None:
    folders = {path.parent.name for path in (ROOT / "archdsl" / "backends").glob("*/__init__.py")}
    assert set(targets.names()) == folders
    assert targets.names()[0] == targets.DEFAULT
