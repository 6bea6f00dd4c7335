"""The guide on importing, run from its beginning to its end in a process of its own, which may see torchvision."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_guide(tmp_path: Path) -> None:
    references = ROOT / ".references"
    options = ["--torchvision"] if references.is_dir() else []
    paths = os.pathsep.join([str(references), str(ROOT)] if options else [str(ROOT)])
    ended = subprocess.run(
        [sys.executable, "tests/importers/page.py", str(tmp_path), *options],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
