"""The built playground in a real browser; `make exhaustive` builds it first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PLAYGROUND = Path(__file__).parents[2] / "playground"


@pytest.mark.exhaustive
def test_the_page_in_a_browser() -> None:
    tools = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "PYTHON": sys.executable,
        "PYTHONPATH": str(PLAYGROUND.parent),
    }
    done = subprocess.run(
        [tools / "npm", "--silent", "test"], cwd=PLAYGROUND, env=environment, capture_output=True, text=True, timeout=550
    )
    assert done.returncode == 0, done.stdout + done.stderr
