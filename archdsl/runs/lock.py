"""A lock on a run's folder that disappears with its owner, however the owner ends.

filelock uses `flock` (POSIX) or `msvcrt.locking` (Windows): the system releases both when a process dies, so that a
killed run leaves no lock behind, only an empty file. File systems without locks (some network mounts) give none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from archdsl.diagnostics import SpecError, codes

LOCK: Final = ".lock"
"""The file in a run's folder."""


class FolderLock:
    """Holds a folder for this process from `acquire` to `release`."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, FileLock(folder / LOCK)

    def acquire(self) -> None:
        """Take the lock; raise `SpecError` E0606 if another process has it."""
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise SpecError(codes.files.FolderInUse(str(self._folder))) from None
        except (OSError, NotImplementedError):
            return  # no locks on this file system; a folder that cannot be written is reported by the first file

    def release(self) -> None:
        """Give the lock back; the empty file stays, since removing it would race with the next owner."""
        self._lock.release()
