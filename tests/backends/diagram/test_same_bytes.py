"""A picture has the same bytes each time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("seed", ["0", "2"])
def test_the_same_input_gives_the_same_bytes(seed: str) -> None:
    """Whatever the order of sets, which the seed of hashes decides."""
    command = [sys.executable, "-m", "archdsl", "render", "yolov8n", "-o", "-", "--format", "svg"]
    done = subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True, timeout=300)
    page = Path(__file__).parents[3] / "docs" / "images" / "zoo" / "yolov8n.svg"
    assert done.stdout == page.read_bytes()
