"""What all tests share: one thread, golden files, and a clean terminal."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SLOW = (
    "attack", "experiments", "fuzz", "inference", "parity", "probing", "train",
    "backends/diagram/test_render.py", "backends/diagram/test_size.py",
    "backends/torch/test_module.py", "backends/torch/test_random_programs.py", "backends/torch/test_size_check.py",
    "backends/torch/test_source.py", "benchmarks/test_gpu.py", "cli/test_data.py", "cli/test_process.py", "cli/test_train.py",
    "cli/test_completion.py", "cli/test_new.py", "docs/test_commands.py", "docs/test_development.py", "docs/test_generated.py",
    "docs/test_python.py",
    "elaborate/test_bad_input.py", "elaborate/test_growth.py", "elaborate/test_operators.py", "ops/test_export.py",
    "syntax/test_any_text.py", "syntax/test_quoting.py", "syntax/test_tables.py", "test_wheel.py", "weights/test_files.py",
)  # fmt: skip
"""What `make quick` leaves out, by the path in this folder."""
# Before PyTorch is imported: threads that wait for one another cost more than they save on tensors this small.
os.environ["OMP_NUM_THREADS"] = "1"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files anew instead of comparing with them")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests as slow by their files."""
    folder = Path(__file__).parent
    for item in items:
        path = item.path.relative_to(folder).as_posix()
        if path.startswith(SLOW):
            item.add_marker("slow")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """`golden(path, text)` compares a text with a file, and writes the file under `--update-golden`."""
    update = request.config.getoption("--update-golden")

    def compare(path: Path, text: str) -> None:
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path} is missing; `pytest --update-golden` writes it"
        assert text == path.read_text(encoding="utf-8"), f"differs from {path}; `pytest --update-golden` rewrites it"

    return compare


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The colours and width of whoever runs the tests change nothing."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def root() -> Path:
    """The checkout."""
    return ROOT
