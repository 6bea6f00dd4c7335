"""The changes that the page on development shows, made in a copy of the code in the order of the page, and used.

A block with a path is a change: `diff` replaces lines of the file, `python` is a new file or goes to the end of one. Lines
that are in the file already, such as an import that other code has come to need, are not added again.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[2]
CHANGE = re.compile(r"^( *)```(diff|python) (\S+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)

USE = """
import torch
import archdsl
from archdsl import targets
from archdsl.recipe import Recipe, Schedule

def network(body, before=""):
    return archdsl.loads(f"{before}\\nnetwork n {{ input image [8, 4, 4]; {body} }}")

image = torch.randn(2, 8, 4, 4)
expected = (image + (image * image + 2.0).sqrt()) / 2
for inplace in (False, True):
    assert torch.equal(network("squareplus(2.0)").build(inplace=inplace)(image), expected)
assert torch.equal(network("average { x; relu; x }").build()(image), (image + image.relu() + image) / 3)

assert network("relu; f(1); scale(2)", "block f(k) { scale(k) }").compile("txt") == b"0 relu [8, 4, 4]\\n2 scale [8, 4, 4]\\n"
assert targets.name_for("txt") == "txt"

(found,) = archdsl.check("network n { input image [8, 4, 4]; shake { conv(8, 3) } }")
assert (found.code, found.fix.edits[0].text) == ("E0599", "conv(8, 3)")

(found,) = archdsl.check("block Unit(k) { conv(k, 3) } \\n network n { input image [8, 4, 4]; Unit(8) }")
assert (found.code, [edit.text for edit in found.fix.edits]) == ("W0199", ["unit", "unit"])

assert Recipe.create({"data": "a.npz"}).deterministic is False
assert Schedule.registry.get("halving").create({"every": 5}).factor(10, 20) == 0.25
"""


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the code with the changes of the page."""
    folder = tmp_path_factory.mktemp("changed")
    for name in ("archdsl", "grammars", "specs", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    page = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
    for _, kind, path, block in CHANGE.findall(page):
        _change(folder / path, kind, dedent(block))
    return folder


def _change(file: Path, kind: str, block: str) -> None:
    file.parent.mkdir(exist_ok=True)
    if kind == "python" and file.parent.name == "txt":
        (file.parent / "__init__.py").touch()
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    if kind == "python":
        file.write_text(f"{before}\n\n{block}" if before else block, encoding="utf-8")
        return
    lines = block.splitlines()
    old, new = ("\n".join(line[1:] for line in lines if line[:1] != sign) for sign in "+-")
    if f"{new}\n" in before:
        return
    assert before.count(f"{old}\n") == 1, f"{file.name} does not contain, once:\n{old}"
    file.write_text(before.replace(f"{old}\n", f"{new}\n"), encoding="utf-8")


def _run(folder: Path, *arguments: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, *arguments]
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_table_lists_every_package() -> None:
    page = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", page.split("\n## ")[1], re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`([\w.]+)/?`", row)}
    here = {path.name for path in (ROOT / "archdsl").iterdir() if path.name.strip("_") != "pycache"}
    scripts = {path.name for path in (ROOT / "archdsl").glob("notebook_editor.*")} - {"notebook_editor.py"}
    assert listed == here - {"__init__.py", "__main__.py", "py.typed"} - scripts


def test_the_changes_work(changed: Path) -> None:
    _run(changed, "-c", USE)


def test_the_changes_pass_the_tests_that_the_page_names(changed: Path) -> None:
    chosen = "squareplus or average or fact or requirements or lenet or E0599 or SingleBranch or W0199 or CapitalBlock or txt"
    files = ("tests/ops/test_contract.py", "tests/ops/test_sign.py", "tests/passes", "tests/diagnostics/test_codes.py")
    _run(changed, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files, "tests/test_architecture.py", "-k", chosen)
    _run(changed, "-m", "ruff", "check", "--no-cache", "archdsl")
    _run(changed, "-m", "ruff", "format", "--no-cache", "--check", "archdsl")
