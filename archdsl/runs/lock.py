"""A lock on a run folder that the operating system releases when its owner ends, for whatever reason.

filelock uses `flock` (POSIX) or `msvcrt.locking` (Windows). A killed run leaves only an empty file, not a lock. On file
systems without locks (some network mounts), nothing is locked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from archdsl.diagnostics import SpecError, codes

LOCK: Final = ".lock"
"""The name of the lock file in a run folder."""


def is_locked(folder: Path) -> bool:
    """Return whether a process holds the lock of a folder."""
    if not (folder / LOCK).is_file():
        return False
    lock = FolderLock(folder)
    try:
        lock.acquire()
    except SpecError:
        return True
    lock.release()
    return False


class FolderLock:
    """A lock that reserves a folder for this process from `acquire` to `release`."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, FileLock(folder / LOCK)

    def acquire(self) -> None:
        """Acquire the lock. Raise `SpecError` E0606 if another process holds it."""
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise SpecError(codes.files.FolderInUse(str(self._folder))) from None
        except (OSError, NotImplementedError):
            return  # no locks on this file system; writing the first file reports a folder that is not writable

    def release(self) -> None:
        """Release the lock. The empty file stays, because removing it would race with the next owner."""
        self._lock.release()
