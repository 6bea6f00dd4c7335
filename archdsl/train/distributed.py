"""Runs with several processes: the rank of a process, and the detection of processes that died."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from subprocess import Popen
from typing import Any, Final, TypedDict

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.strategies.launchers import subprocess_script
from lightning.pytorch.utilities.exceptions import SIGTERMException

from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.recipe import Recipe
from archdsl.train.signals import Interrupted

_PAUSE: Final = 0.5
"""The interval in seconds at which other processes are checked."""
_STOPPED: Final = (128 + signal.SIGINT, 128 + signal.SIGTERM)
"""Exit codes of a process that stopped regularly, after a checkpoint."""
_GRACE: Final = 20.0
"""The time in seconds after which this process must have stopped, too."""
_started: list[Popen[Any]] = []
"""The processes that this one started; the first of several runs starts them."""
_BROKEN: Final = (
    "Connection closed by peer",
    "Connection reset by peer",
    "Broken pipe",
    "ProcessGroup",
    "gloo",
    "NCCL",
    "Timed out",
)
"""Parts of the messages of PyTorch's backends when another process of the group has died."""


class Place(TypedDict):
    """The rank of a process, the number of processes, and its device; these determine its share of the data."""

    rank: int
    world: int
    device: torch.device


def place(trainer: Trainer) -> Place:
    """Return the rank and device of this process."""
    return {"rank": trainer.global_rank, "world": trainer.world_size, "device": trainer.strategy.root_device}


def process_died(number: int, code: int) -> Diagnostic:
    """Return that a process of the run ended before the others; `code` is negative for a signal, as Python counts them."""
    if code < 0:
        with suppress(ValueError):
            return codes.training.ProcessKilled(number, signal.Signals(-code).name)
    return codes.training.ProcessEnded(number, code)


def check_shares(recipe: Recipe, examples: int, world: int) -> None:
    """Raise `SpecError` E0801 if a batch has fewer examples than there are processes."""
    if min(recipe.batch, examples) < world:
        raise SpecError(codes.batches.BatchTooSmall(recipe.batch if recipe.batch < world else None, examples, world))


@contextmanager
def watched(trainer: Trainer, report: Callable[[Diagnostic], None]) -> Iterator[None]:
    """Around training: if a process that this one started dies, report a `SpecError` E0808 and end all of them with exit code 1.

    This process may block in a collective operation, in which Python runs no signal handlers. The watcher is therefore a thread
    that ends the process itself. Files on disk stay intact, because they are replaced atomically.
    """
    finished = threading.Event()

    def watch() -> None:
        stopped_at: float | None = None
        while not finished.wait(_PAUSE):
            _started.extend(process for process in getattr(trainer.strategy.launcher, "procs", ()) if process not in _started)
            died = next(((number, process.returncode) for number, process in enumerate(_started, 1) if process.poll()), None)
            if died is None:
                continue
            stopped_at = stopped_at or time.monotonic()
            if died[1] in _STOPPED and time.monotonic() - stopped_at < _GRACE:
                continue
            if not finished.is_set():
                report(process_died(*died))
                _kill_started()
                sys.stderr.flush()
                os._exit(1)

    watcher = threading.Thread(target=watch, name="process-watcher", daemon=True)
    watcher.start()
    try:
        with _alone():
            yield
    except Exception as error:
        broken = isinstance(error, RuntimeError) and any(word in str(error) for word in _BROKEN)
        if trainer.world_size > 1 and broken:
            time.sleep(4 * _PAUSE)  # gives the watcher time to report which process died
            raise SpecError(codes.training.ConnectionBroken(str(error).splitlines()[0])) from error
        if not isinstance(error, Interrupted | SIGTERMException):  # otherwise they would wait for this process forever
            _kill_started()
        raise
    finally:
        finished.set()


@contextmanager
def _alone() -> Iterator[None]:
    """Disable Lightning's own observer, which ends this process by SIGKILL without a message."""
    name = "_launch_process_observer"
    observe = getattr(subprocess_script, name)
    setattr(subprocess_script, name, lambda processes: None)
    try:
        yield
    finally:
        setattr(subprocess_script, name, observe)


def _kill_started() -> None:
    for process in _started:
        with suppress(OSError):
            process.kill()
