"""Run work in child processes, so that a crash, a corrupted heap or an endless loop counts against the item that caused it."""

from __future__ import annotations

import os
import pickle
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

Work = TypeVar("Work")
Outcome = TypeVar("Outcome")

POLL = 0.02  # seconds between looks at a child


class Death(Generic[Work]):
    """The item in work when a child process died or was stopped, and how it ended."""

    def __init__(self, item: Work, how: str) -> None:
        self.item = item
        self.how = how


def run(items: Sequence[Work], work: Callable[[Work], Outcome], seconds: float) -> Iterator[tuple[Work, Outcome | Death[Work]]]:
    """Yield each item with what `work` makes of it in a child; after a death a new child goes on with the next item.

    A child that is silent for `seconds` is stopped.
    """
    waiting = list(items)
    while waiting:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "outcomes")
            path.touch()
            how = _child(waiting, work, path, seconds)
            outcomes: list[Outcome] = _read(path)
        yield from zip(waiting, outcomes, strict=False)
        waiting = waiting[len(outcomes) :]
        if waiting:
            yield waiting[0], Death(waiting[0], how)
            waiting = waiting[1:]


def _child(items: Sequence[Work], work: Callable[[Work], Outcome], path: Path, seconds: float) -> str:
    """Work on items in a child, which appends each outcome to a file; return how the child ended."""
    child = os.fork()
    if child == 0:
        try:
            with path.open("ab") as file:
                for item in items:
                    pickle.dump(work(item), file)
                    file.flush()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)  # not `sys.exit`: what the parent set up to run at its end is not the child's to run
    seen, since = -1, time.monotonic()
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "an exception"
        size = path.stat().st_size
        if size != seen:
            seen, since = size, time.monotonic()
        elif time.monotonic() - since > seconds:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return f"nothing for {seconds:g} seconds"
        time.sleep(POLL)


def _read(path: Path) -> list[Any]:
    """Return the outcomes that were written whole."""
    outcomes = []
    with path.open("rb") as file:
        while True:
            try:
                outcomes.append(pickle.load(file))
            except (EOFError, pickle.UnpicklingError):
                return outcomes
