"""Node, which the development environment brings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TOOLS = Path(sys.executable).parent


def run_node(folder: Path, program: str, *arguments: str, input: str | None = None) -> str:
    """Run `npm` or `node` in a folder; return what it printed. It fails if the program does."""
    environment = {**os.environ, "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [TOOLS / program, *arguments], input=input, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
