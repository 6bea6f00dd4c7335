"""Run folders: claim a folder for a run, describe the run, and remove the folder if the run never started."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.file_io import cannot_write, check_storable, write_file
from archdsl.runs.lock import LOCK, FolderLock
from archdsl.runs.ranks import announce_folder, announced_folder, forget_folder, rank, require_common_folder

RUNS: Final = Path("runs")
CHECKPOINTS: Final = "checkpoints"
"""The folder of checkpoints; a run with a checkpoint has started."""
KEPT: Final = "kept"
"""The folder with the weights of the best epochs, if the recipe has `keep`."""
LAST: Final = f"{CHECKPOINTS}/last.ckpt"
_OURS = (
    "run.json", "model.py", "diagram.svg", "spec", "metrics.csv", "environment.json", "weights.safetensors",
    "best.safetensors", "results.json", "preparation.safetensors", "tensorboard", "wandb", CHECKPOINTS, KEPT, LOCK,
)  # fmt: skip
"""All files of a run, which are removed if the run never started."""
_RUN = tuple(name for name in _OURS if name != LOCK)


@dataclass(frozen=True)
class Snapshot:
    """The files in a run folder that describe the network."""

    name: str
    source: str
    """The emitted source of the module."""
    files: Mapping[str, str]
    """The texts of the spec and its imports, by relative path."""
    draw: Callable[[Path], Any]
    """Write the diagram to a path."""
    origin: Mapping[str, Any]
    """What loads the network again from these files: the main file, settings, sizes of inputs, and limits."""


def next_folder(name: str) -> Path:
    """Return `runs/NAME-N` with the next free N."""
    return RUNS / f"{name}-{max(_numbers(name), default=0) + 1}"


def newest_folder(name: str) -> Path:
    """Return `runs/NAME-N` with the largest existing N, or 1."""
    return RUNS / f"{name}-{max(_numbers(name), default=1)}"


def _numbers(name: str) -> list[int]:
    if not RUNS.is_dir():
        return []
    found = (re.fullmatch(re.escape(name) + r"-(\d+)", entry.name) for entry in RUNS.iterdir())
    return [int(match[1]) for match in found if match]


class RunFolder:
    """The folder of an active run.

    With `resume` the run in the folder is continued, or started if it has no checkpoint yet, so that a job script can always
    ask for it. Raise `SpecError` E0606 if the folder cannot be used, E0903 if the run in it is of another network.
    """

    def __init__(self, path: Path | None, snapshot: Snapshot, *, resume: bool) -> None:
        self._snapshot, self._resume = snapshot, resume
        self._made: list[Path] = []
        self._numbered = path is None and not resume
        require_common_folder(path)
        self._first = rank() == 0
        self.path = path or announced_folder() or (newest_folder if resume else next_folder)(snapshot.name)
        self._lock: FolderLock | None = None
        self.resumed = False
        """Whether there is a checkpoint to resume from."""

    def __enter__(self) -> Self:
        if not self._first:  # the first process claims and describes the folder
            self.resumed = self._resume and self.begun
            return self
        if not self._resume:
            held = [name for name in _RUN if os.path.exists(self.path / name)]
            if held:
                raise SpecError(codes.files.RunExists(str(self.path), held[0]))
        self._make()
        lock = FolderLock(self.path)
        lock.acquire()
        self._lock, self.resumed = lock, self._resume and self.begun
        if self.resumed:
            try:
                self._check_unchanged()
            except BaseException:
                lock.release()
                raise
        announce_folder(self.path)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Release the folder. Remove the files of a run that failed before its first checkpoint."""
        if self._lock is not None:
            forget_folder()
            self._lock.release()
        if self._first and kind is not None and not self.resumed and not self.begun:
            self._remove()

    @property
    def begun(self) -> bool:
        """Whether the run has a checkpoint."""
        return os.path.isfile(self.path / LAST)

    def weights(self) -> dict[str, Any] | None:
        """Return the record of the run's initial weights; None without a file, and in all processes but the first.

        Raise `SpecError` E0903 if the record cannot be read.
        """
        if not self._first:  # the first process may not have written the record yet
            return None
        path = self.path / "run.json"
        try:
            facts = json.loads(path.read_bytes())
        except OSError as error:
            raise _damaged(path, error.strerror or str(error)) from error
        except (ValueError, RecursionError) as error:
            raise _damaged(path, "it is not JSON") from error
        found = facts.get("weights") if isinstance(facts, dict) else facts
        if not isinstance(facts, dict) or not isinstance(found, dict | None):
            raise _damaged(path, "it is no table, or its `weights` are none")
        return found

    def describe(self, arguments: Mapping[str, Any]) -> list[Diagnostic]:
        """Write the spec and its imports, the source, the diagram and the arguments. Return warnings.

        A diagram that cannot be drawn is a warning.
        """
        if self.resumed or not self._first:
            return []
        facts = {"network": self._snapshot.name, **self._snapshot.origin, **arguments}
        write_file(self.path / "run.json", json.dumps(facts, indent=2) + "\n")
        write_file(self.path / "model.py", self._snapshot.source)
        for name, text in self._snapshot.files.items():
            target = self.path / "spec" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            write_file(target, text)
        try:
            self._snapshot.draw(self.path / "diagram.svg")
        except SpecError as error:
            return error.diagnostics
        return []

    def _check_unchanged(self) -> None:
        """Raise `SpecError` E0903 if the emitted source differs from that of the run.

        Training compares the recipe and the weights.
        """
        model = self.path / "model.py"
        self.weights()
        try:
            unchanged = _code(model.read_bytes()) == _code(self._snapshot.source.encode())
        except OSError as error:
            raise _damaged(model, error.strerror or str(error)) from error
        if not unchanged:
            raise SpecError(codes.outputs.OtherNetwork(self._snapshot.name, str(self.path)))

    def _make(self) -> None:
        missing = [folder for folder in self.path.parents if not os.path.exists(folder)]  # which no name is too long for
        try:
            for folder in reversed(missing):
                folder.mkdir(exist_ok=True)
                self._made.append(folder)
            check_storable(self.path)
            if self._numbered or not os.path.exists(self.path):
                self._claim()
            if not self.path.is_dir():
                raise NotADirectoryError(20, "it is a file")
        except OSError as error:
            self._remove()
            raise cannot_write(self.path, error) from error

    def _claim(self) -> None:
        """Create the folder. If another run created a numbered one in the meantime, use the next number."""
        while True:
            try:
                self.path.mkdir()
            except FileExistsError:
                if not self._numbered:
                    raise
                self.path = next_folder(self._snapshot.name)
            else:
                self._made.append(self.path)
                return

    def _remove(self) -> None:
        for name in _OURS:
            target = self.path / name
            with suppress(OSError):
                shutil.rmtree(target) if target.is_dir() else target.unlink()
        for folder in reversed(self._made):
            with suppress(OSError):  # keep a folder with other files
                folder.rmdir()


def _code(source: bytes) -> bytes:
    """Return the source without its heading, which contains the path of the spec: the file may have been moved or renamed."""
    lines = source.splitlines()
    heading = next((place for place, line in enumerate(lines) if not line.startswith(b"#")), len(lines))
    return b"\n".join(lines[heading:])


def _damaged(path: Path, why: str) -> SpecError:
    return SpecError(codes.outputs.DamagedRun(str(path), why))
