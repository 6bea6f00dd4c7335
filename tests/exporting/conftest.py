"""A small network that works at even sizes, and its exports, each of which is written once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import archdsl
from archdsl.exporting.subject import Subject, subject_of
from archdsl.exporting.write import export

HALVES = """
network halves {
  input image [1, H, W]
  a: conv(4, 3) -> bn -> relu
  maxpool(2); upsample(2)
  concat { a; x }
  head: conv(3, 1, bias = true)
  output means: { gap; flatten }
}
"""


@pytest.fixture(scope="session")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    path = tmp_path_factory.mktemp("spec") / "halves.arch"
    path.write_text(HALVES)
    return subject_of(archdsl.load(path), None)


@pytest.fixture(scope="session")
def exported(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the path of an export with a suffix."""
    folder = tmp_path_factory.mktemp("exports")

    def path(suffix: str) -> Path:
        made = folder / f"halves{suffix}"
        if not made.exists():
            export(subject, made)
        return made

    return path
