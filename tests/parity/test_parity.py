"""Networks against torchvision's, with its weights: the same keys, shapes, outputs, gradients and statistics."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.parity.compare import SPECS

ROOT = Path(__file__).parents[2]
REFERENCES = ROOT / ".references"
NETWORKS = [name for names in SPECS.values() for name in names]
LIMIT = 1e-5
"""Of the largest value."""


@pytest.fixture(scope="session")
def results() -> dict[str, Any]:
    """Every comparison, made in one process that alone sees the references."""
    if not REFERENCES.is_dir():
        pytest.skip(
            f"parity NOT run for {', '.join(NETWORKS)}: torchvision is not in .references (`make references` puts it there)"
        )
    run = subprocess.run(
        [sys.executable, "tests/parity/compare.py", *NETWORKS], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": f"{REFERENCES}{os.pathsep}{ROOT}"},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_equals_torchvision(results: dict[str, Any], name: str) -> None:
    found = results[name]
    assert found["keys"] == [], f"keys that only one side has: {found['keys']}"
    assert found["shapes"], "the same keys have other shapes"
    assert found["static_keys"], "the keys that the graph predicts are not those of the module"
    assert found["params"], "the number of parameters differs"
    assert {key: value for key, value in found["differences"].items() if value > LIMIT} == {}
