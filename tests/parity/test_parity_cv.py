"""Networks against pytorchcv's, with its weights by position: equal shapes, outputs, gradients and statistics."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.parity.compare_cv import NETWORKS
from tests.parity.test_parity import LIMIT, REFERENCES, ROOT


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """Every comparison, made in one process that alone sees the references."""
    if not REFERENCES.is_dir():
        pytest.skip(
            f"parity NOT run for {', '.join(NETWORKS)}: pytorchcv is not in .references (`make references` puts it there)"
        )
    run = subprocess.run(
        [sys.executable, "tests/parity/compare_cv.py", *NETWORKS], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": f"{REFERENCES}{os.pathsep}{ROOT}"},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    results: dict[str, Any] = json.loads(run.stdout)
    return results


@pytest.mark.parametrize("name", NETWORKS)
def test_equals_pytorchcv(found: dict[str, Any], name: str) -> None:
    result = found[name]
    assert result["shapes"], "the tensors of the two state_dicts, in order, have other shapes"
    assert result["params"], "the number of parameters differs"
    assert {key: value for key, value in result["differences"].items() if not value <= LIMIT} == {}
