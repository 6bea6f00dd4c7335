"""Each benchmark can be imported, with what it takes from the package."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

FILES = sorted(path.stem for path in (Path(__file__).parents[2] / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("name", FILES)
def test_it_imports(name: str) -> None:
    importlib.import_module(f"benchmarks.{name}")
