"""The weights of the best epochs of a run: `kept/epoch-7.safetensors`."""

from __future__ import annotations

import re
from pathlib import Path

from archdsl.runs.folder import KEPT

_NAME = re.compile(r"epoch-(\d+)\.safetensors")


def kept_file(folder: Path, epoch: int) -> Path:
    """Return the file for the weights of an epoch."""
    return folder / KEPT / f"epoch-{epoch}.safetensors"


def kept_files(folder: Path) -> list[tuple[int, Path]]:
    """Return the kept epochs of a run with their files, in order."""
    names = [(_NAME.fullmatch(path.name), path) for path in (folder / KEPT).glob("*")]
    return sorted([(int(found[1]), path) for found, path in names if found is not None])
