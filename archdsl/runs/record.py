"""Read run folders: what was trained, how it went, and what it gave. This needs no PyTorch."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from archdsl.diagnostics import SpecError, codes
from archdsl.runs.folder import LAST
from archdsl.runs.lock import is_locked

FACTS: Final = "run.json"
_DEEPEST: Final = 4
"""How deep below a folder runs are looked for: `runs/NAME/seed-0` is two levels deep."""


class Status(StrEnum):
    """How far a run came."""

    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    """It has a checkpoint, and can be resumed."""
    NOT_BEGUN = "not begun"


@dataclass(frozen=True)
class RunRecord:
    """The record of a run: the files of its folder that are not weights.

    `facts` are those of run.json, `environment` those of environment.json, and `results` those of results.json; the latter two
    are None until they are written. `history` has the rows of metrics.csv, one for each epoch.
    """

    folder: Path
    network: str
    facts: Mapping[str, Any]
    environment: Mapping[str, Any] | None
    results: Mapping[str, Any] | None
    history: tuple[Mapping[str, float | None], ...]
    status: Status

    @property
    def recipe(self) -> Mapping[str, Any]:
        """The keys of the recipe with their values as text; empty before the run has begun."""
        found: Mapping[str, Any] = (self.environment or {}).get("recipe", {})
        return found

    @property
    def seconds(self) -> float:
        """The duration of all epochs."""
        return sum(row.get("seconds") or 0.0 for row in self.history)

    @property
    def metrics(self) -> Mapping[str, float | None]:
        """The validation metrics of the last epoch, by name."""
        last = self.history[-1] if self.history else {}
        return {key.removeprefix("val_"): value for key, value in last.items() if key.startswith("val_")}

    @property
    def spec(self) -> dict[str, str]:
        """The texts of the spec and its imports, by path below `spec/`."""
        folder = self.folder / "spec"
        return {path.relative_to(folder).as_posix(): _text(path) for path in sorted(folder.rglob("*.arch"))}


def read_run(folder: Path) -> RunRecord:
    """Return the record of the run in a folder. Raise `SpecError`: E0606 if it holds none, E0903 if a file is damaged."""
    if not (folder / FACTS).is_file():
        raise SpecError(codes.files.NoRun(str(folder), [str(found) for found in run_folders(folder)]))
    facts = _table(folder / FACTS)
    name = facts.get("network")
    if not isinstance(name, str):
        raise SpecError(codes.outputs.DamagedRun(str(folder / FACTS), "it names no network"))
    environment, results = (
        _table(folder / file) if (folder / file).is_file() else None for file in ("environment.json", "results.json")
    )
    return RunRecord(folder, name, facts, environment, results, _history(folder / "metrics.csv"), _status(folder, results))


def _status(folder: Path, results: Mapping[str, Any] | None) -> Status:
    if is_locked(folder):
        return Status.RUNNING
    if results is not None:
        return Status.FINISHED
    return Status.STOPPED if (folder / LAST).is_file() else Status.NOT_BEGUN


def run_folders(folder: Path, depth: int = 0) -> Iterator[Path]:
    """Yield the run folders at or below a folder, by name. Raise `SpecError` E0601 if it cannot be read."""
    if (folder / FACTS).is_file():
        yield folder
        return
    if depth == _DEEPEST:
        return
    try:
        inside = sorted((entry for entry in folder.iterdir() if entry.is_dir()), key=_natural)
    except OSError as error:
        if depth:
            return
        raise SpecError(codes.files.CannotRead(str(folder), error.strerror or str(error))) from error
    for entry in inside:
        yield from run_folders(entry, depth + 1)


def _natural(path: Path) -> list[Any]:
    """Return a key that sorts `net-2` before `net-10`."""
    stem, _, number = path.name.rpartition("-")
    return [stem, int(number), ""] if number.isdecimal() else [path.name, -1, ""]


def _table(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise SpecError(codes.outputs.DamagedRun(str(path), "it is not JSON")) from error
    if not isinstance(found, dict):
        raise SpecError(codes.outputs.DamagedRun(str(path), "it is no table"))
    return found


def _history(path: Path) -> tuple[dict[str, float | None], ...]:
    if not path.is_file():
        return ()
    try:
        rows = list(csv.DictReader(_text(path).splitlines(), strict=True))
        return tuple([{name: float(value) if value else None for name, value in row.items()} for row in rows])
    except (csv.Error, TypeError, ValueError, AttributeError) as error:
        raise SpecError(codes.outputs.DamagedRun(str(path), "it is no table of numbers")) from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(codes.outputs.DamagedRun(str(path), getattr(error, "strerror", None) or "it is no text")) from error
