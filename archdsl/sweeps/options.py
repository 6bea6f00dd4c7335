"""The options of a sweep, with their defaults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

SamplerName = Literal["tpe", "random", "grid"]
PrunerName = Literal["median", "hyperband", "none"]
SAMPLERS: Final = get_args(SamplerName)
PRUNERS: Final = get_args(PrunerName)


@dataclass(frozen=True)
class SweepOptions:
    """How to search.

    `trials` are the trained members in all, those of other processes and of earlier calls included. `folder` holds a run folder
    for each trial, and the storage unless `storage` names another: a file of SQLite (`.db`), a journal (`.log`) or the URL of
    a database. `study` is the name in the storage; None stands for that of the network.
    """

    trials: int = 20
    folder: Path | None = None
    storage: str | None = None
    study: str | None = None
    sampler: SamplerName = "tpe"
    pruner: PrunerName = "median"
    seed: int = 0
    device: str = "auto"
