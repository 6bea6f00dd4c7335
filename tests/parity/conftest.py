"""Processes that alone see the references, and compare one network after the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
REFERENCES = ROOT / ".references"
Compare = Callable[[str], dict[str, Any]]


@contextmanager
def comparing(library: str) -> Iterator[Compare]:
    """`compare(network)` asks a process, which is started at once and lives as long as the context."""
    if not REFERENCES.is_dir():
        pytest.skip(f"parity NOT run: {library} is not in .references (`make references` puts it there)")
    with TemporaryFile("w+") as errors, subprocess.Popen(
        [sys.executable, f"tests/parity/compare_{library}.py"], cwd=ROOT, stderr=errors, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": f"{REFERENCES}{os.pathsep}{ROOT}"},
    ) as process:  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def compare(network: str) -> dict[str, Any]:
            try:
                print(network, file=stdin, flush=True)
                line = stdout.readline()
            except BrokenPipeError:
                line = ""
            if not line:
                errors.seek(0)
                raise AssertionError(f"the comparison of {network} failed:\n{errors.read()}")
            found: dict[str, Any] = json.loads(line)
            return found

        yield compare


@pytest.fixture(scope="session")
def torchvision() -> Iterator[Compare]:
    """Compare with torchvision."""
    with comparing("torchvision") as compare:
        yield compare


@pytest.fixture(scope="session")
def pytorchcv() -> Iterator[Compare]:
    """Compare with pytorchcv."""
    with comparing("pytorchcv") as compare:
        yield compare


@pytest.fixture(scope="session")
def timm() -> Iterator[Compare]:
    """Compare with timm."""
    with comparing("timm") as compare:
        yield compare


@pytest.fixture(scope="session")
def swin_sizes() -> Iterator[Compare]:
    """Compare the symbolic sizes of Swin with torchvision."""
    with comparing("swin_sizes") as compare:
        yield compare
