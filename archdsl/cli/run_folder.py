"""The folder of a training run: claimed for one run, described, and taken away again if nothing came of it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from archdsl import __version__
from archdsl.cli.console import print_diagnostics
from archdsl.declared import Fault
from archdsl.diagnostics import Severity, SpecError
from archdsl.files import cannot_write, write_file
from archdsl.network import Network

RUNS: Final = Path("runs")
_CHECKPOINTS = "checkpoints"
"""What training writes first that is worth keeping."""
_OURS = ("run.json", "model.py", "diagram.svg", "spec", "metrics.csv", "environment.json", "weights.safetensors", _CHECKPOINTS)


def next_folder(name: str) -> Path:
    """`runs/NAME-N` with the next free number."""
    return RUNS / f"{name}-{max(_numbers(name), default=0) + 1}"


def newest_folder(name: str) -> Path:
    """The last run of that name; raises `Fault` E0903 where there is none."""
    numbers = _numbers(name)
    if not numbers:
        raise Fault(
            "E0903", f"there is nothing to resume: no {RUNS / name}-1", help="start without --resume, or name the folder with -o"
        )
    return RUNS / f"{name}-{max(numbers)}"


def _numbers(name: str) -> list[int]:
    if not RUNS.is_dir():
        return []
    found = (re.fullmatch(re.escape(name) + r"-(\d+)", entry.name) for entry in RUNS.iterdir())
    return [int(match[1]) for match in found if match]


class RunFolder:
    """A run's folder while the run goes on. Raises `Fault` E0606 where it cannot be had, E0903 where nothing in it goes on."""

    def __init__(self, path: Path | None, network: Network, *, resume: bool) -> None:
        self._network, self.resume = network, resume
        self._made: list[Path] = []
        self._numbered = path is None and not resume
        if resume:
            self.path = path or newest_folder(network.name)
        else:
            self.path = path or next_folder(network.name)

    def __enter__(self) -> Self:
        if self.resume:
            self._check_unchanged()
            return self
        held = [name for name in _OURS if (self.path / name).exists()]
        if held:
            help = "go on with it: --resume; or choose another folder with -o"
            raise Fault("E0606", f"{self.path} holds a run already: it has {held[0]}", help=help)
        self._make()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """A run that failed before it was worth anything leaves nothing."""
        if kind is not None and not self.resume and not self.begun:
            self._remove()

    @property
    def begun(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return (self.path / _CHECKPOINTS / "last.ckpt").is_file()

    def weights(self) -> dict[str, Any] | None:
        """The file of weights that the run began with, as it was described; none where it began with fresh ones."""
        try:
            found = json.loads((self.path / "run.json").read_text(encoding="utf-8")).get("weights")
        except (OSError, ValueError, AttributeError):
            return None
        return found if isinstance(found, dict) else None

    def describe(self, arguments: Mapping[str, Any]) -> None:
        """Write what is to be trained: the spec and what it imports, the source, the diagram, the command's arguments."""
        if self.resume:
            return
        network = self._network
        facts = {"archdsl": __version__, "network": network.name, **arguments}
        write_file(self.path / "run.json", json.dumps(facts, indent=2) + "\n")
        write_file(self.path / "model.py", network.source())
        for name, text in network.files().items():
            target = self.path / "spec" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            write_file(target, text)
        self._draw()

    def _draw(self) -> None:
        """Write the diagram. Nobody trains for the picture: whatever goes wrong with it is a warning."""
        drawn = self._network.drawing()
        try:
            if isinstance(drawn, bytes):
                self._network.write(self.path / "diagram.svg", drawn)
                return
            found = drawn
        except SpecError as error:
            found = error.diagnostics[0]
        message = f"{found.message}; the run goes on without a diagram"
        print_diagnostics([found._replace(message=message, severity=Severity.WARNING)])

    def _check_unchanged(self) -> None:
        """Training checks recipe and weights; the code between the weights must be the same too."""
        model = self.path / "model.py"
        if not self.begun or not model.is_file():
            raise Fault("E0903", f"there is nothing to resume in {self.path}", help="start without --resume")
        if model.read_text(encoding="utf-8") != self._network.source():
            message = f"`{self._network.name}` is not the network that the run in {self.path} trains"
            help = f"give it the same file and --set as in {self.path / 'run.json'}, or start without --resume"
            raise Fault("E0903", message, help=help)

    def _make(self) -> None:
        missing = [folder for folder in self.path.parents if not folder.exists()]
        try:
            for folder in reversed(missing):
                folder.mkdir(exist_ok=True)
                self._made.append(folder)
            if self._numbered or not self.path.exists():
                self._claim()
            if not self.path.is_dir():
                raise NotADirectoryError(20, "it is a file")
        except OSError as error:
            self._remove()
            raise cannot_write(self.path, error) from error

    def _claim(self) -> None:
        """Make the folder itself; a numbered one that a run beside this one took meanwhile gives way to the next."""
        while True:
            try:
                self.path.mkdir()
            except FileExistsError:
                if not self._numbered:
                    raise
                self.path = next_folder(self._network.name)
            else:
                self._made.append(self.path)
                return

    def _remove(self) -> None:
        for name in _OURS:
            target = self.path / name
            with suppress(OSError):
                shutil.rmtree(target) if target.is_dir() else target.unlink()
        for folder in reversed(self._made):
            with suppress(OSError):  # where something else lies in it, it stays
                folder.rmdir()
