"""Running the command line: in process, and as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archdsl.cli import root as command_line
from tests.networks import SMALL


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A file with one small network and a recipe."""
    path = tmp_path / "small.arch"
    path.write_text(SMALL)
    return path


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`cli("check", path)` in process, in an empty folder; standard output and error apart."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path, input: str | bytes | None = None) -> Result:
        return CliRunner().invoke(command_line, [str(argument) for argument in arguments], input=input, prog_name="archdsl")

    return run


@pytest.fixture
def process(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`process("check", path)` as a process of its own."""

    def run(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "archdsl", *map(str, arguments)]
        settings = {"capture_output": True, "text": True, "timeout": 300, "cwd": tmp_path, "env": dict(os.environ)}
        return subprocess.run(command, **settings | options)  # type: ignore[call-overload, no-any-return]

    return run
