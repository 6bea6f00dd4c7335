"""Which of a run's processes this one is, before PyTorch is imported."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from archdsl.diagnostics import SpecError, codes

_RANKS: Final = ("RANK", "LOCAL_RANK", "SLURM_PROCID")
"""Set by torchrun, by Lightning for the processes that it starts on one machine, and by SLURM."""
_FOLDER: Final = "ARCHDSL_RUN_FOLDER"
"""Where the first process tells those that it starts which folder it took."""


def rank() -> int:
    """Return this process's number among those of the run; 0 for the first and for a process alone."""
    return next((int(os.environ[name]) for name in _RANKS if os.environ.get(name, "").isdigit()), 0)


def started_together() -> bool:
    """Return whether another program, such as torchrun, started several processes at once."""
    sizes = (os.environ.get(name, "") for name in ("WORLD_SIZE", "SLURM_NTASKS"))
    return _FOLDER not in os.environ and any(size.isdigit() and int(size) > 1 for size in sizes) and _rank_is_set()


def _rank_is_set() -> bool:
    return any(name in os.environ for name in _RANKS)


def check_started(devices: int = 1, nodes: int = 1) -> None:
    """Raise `SpecError` E0805 if another program started more or fewer processes than there are devices: each trains alone."""
    sizes = (os.environ.get(name, "") for name in ("WORLD_SIZE", "SLURM_NTASKS"))
    size = next((int(size) for size in sizes if size.isdigit()), 1)
    started = "RANK" in os.environ or "SLURM_PROCID" in os.environ  # and not by an earlier run of this process
    if not started or size in (1, devices * nodes):
        return
    local = os.environ.get("LOCAL_WORLD_SIZE", "") or os.environ.get("SLURM_NTASKS_PER_NODE", "")
    wanted = int(local) if local.isdigit() and size % int(local) == 0 else size
    raise SpecError(codes.training.ProcessCount(size, devices, nodes, wanted))


def announce_folder(path: Path) -> None:
    """Tell the processes that this one starts where the run's folder is."""
    os.environ[_FOLDER] = str(path.resolve())


def forget_folder() -> None:
    """End what `announce_folder` began: the next run of this process may be in another folder."""
    os.environ.pop(_FOLDER, None)


def announced_folder() -> Path | None:
    """Return the folder that the first process took; None in the first process."""
    given = os.environ.get(_FOLDER)
    return Path(given) if given and rank() > 0 else None


def require_common_folder(path: Path | None) -> None:
    """Raise `SpecError` E0606 if processes that were started together have no folder in common."""
    if path is None and started_together():
        raise SpecError(codes.files.NoCommonFolder())
