"""Which process works on which trial: locks in the folder of a sweep, which the operating system releases when a process ends."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


class Claims:
    """The locks of a sweep. `one_at_a_time` keeps processes from choosing a trial at the same moment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / ".claims"
        self._folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """Wait until no other process is in this context."""
        with FileLock(self._folder / "choose.lock"):
            yield

    def claim(self, number: int) -> FileLock | None:
        """Return the lock of a trial, acquired; None if a living process has it."""
        lock = FileLock(self._folder / f"{number}.lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return None
        return lock


def this_machine() -> str:
    """Return the name of this machine; others may not see its locks."""
    return os.environ.get("HOSTNAME") or socket.gethostname()
