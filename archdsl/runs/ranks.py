"""The rank of this process in a run, without importing PyTorch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from archdsl.diagnostics import SpecError, codes

_RANKS: Final = ("RANK", "LOCAL_RANK", "SLURM_PROCID")
"""Environment variables of torchrun, of Lightning for the processes that it starts, and of SLURM."""
_FOLDER: Final = "ARCHDSL_RUN_FOLDER"
"""The environment variable that passes the run folder to the processes that the first one starts."""


def rank() -> int:
    """Return the rank of this process; 0 for the first or only process."""
    return next((int(os.environ[name]) for name in _RANKS if os.environ.get(name, "").isdigit()), 0)


def started_together() -> bool:
    """Return whether another program, such as torchrun, started several processes."""
    sizes = (os.environ.get(name, "") for name in ("WORLD_SIZE", "SLURM_NTASKS"))
    return _FOLDER not in os.environ and any(size.isdigit() and int(size) > 1 for size in sizes) and _rank_is_set()


def _rank_is_set() -> bool:
    return any(name in os.environ for name in _RANKS)


def check_started(devices: int = 1, nodes: int = 1) -> None:
    """Raise `SpecError` E0805 if another program started a number of processes that differs from the number of devices."""
    sizes = (os.environ.get(name, "") for name in ("WORLD_SIZE", "SLURM_NTASKS"))
    size = next((int(size) for size in sizes if size.isdigit()), 1)
    started = "RANK" in os.environ or "SLURM_PROCID" in os.environ  # not by an earlier run of this process
    if not started or size in (1, devices * nodes):
        return
    local = os.environ.get("LOCAL_WORLD_SIZE", "") or os.environ.get("SLURM_NTASKS_PER_NODE", "")
    wanted = int(local) if local.isdigit() and size % int(local) == 0 else size
    raise SpecError(codes.training.ProcessCount(size, devices, nodes, wanted))


def announce_folder(path: Path) -> None:
    """Pass the run folder to the processes that this one starts."""
    os.environ[_FOLDER] = str(path.resolve())


def forget_folder() -> None:
    """Undo `announce_folder`: the next run of this process may use another folder."""
    os.environ.pop(_FOLDER, None)


def announced_folder() -> Path | None:
    """Return the run folder of the first process; None in the first process."""
    given = os.environ.get(_FOLDER)
    return Path(given) if given and rank() > 0 else None


def require_common_folder(path: Path | None) -> None:
    """Raise `SpecError` E0606 if processes that were started together have no common folder."""
    if path is None and started_together():
        raise SpecError(codes.files.NoCommonFolder())
