"""A session: the limits and caches that the checks of one user share. It is passed along; no module keeps such state."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

from archdsl.limits import DEFAULT, Limits

T = TypeVar("T")

_CACHED: Final = 64
"""Results that a session keeps of each function."""
_FRAMES: Final = 16
"""Python frames that one level of nesting takes, at most."""


class Session:
    """The limits of some checks, and the results that later checks can use again.

    Threads may share a session or have one each; neither affects other sessions. A server keeps one per workspace, and a
    command makes one. `pause_collector = False` leaves the garbage collector alone, for a process that checks without a break.
    `unsaved` are the texts of files that an editor has changed, by their real paths: imports read these and not the files.
    """

    def __init__(
        self, limits: Limits = DEFAULT, *, pause_collector: bool = True, unsaved: Mapping[Path, str] | None = None
    ) -> None:
        limits.validate()
        _allow_recursion(limits)
        self.limits = limits
        self.unsaved: Mapping[Path, str] = unsaved if unsaved is not None else {}
        self._pause_collector = pause_collector
        self._caches: dict[Callable[..., Any], Callable[..., Any]] = {}

    def cached(self, function: Callable[..., T], *arguments: Hashable) -> T:
        """Return `function(*arguments)`, from the cache if the session has called it so before. The function must be pure."""
        cache = self._caches.get(function)
        if cache is None:  # two threads may come here at once; `setdefault` lets one win
            cache = self._caches.setdefault(function, lru_cache(_CACHED)(function))
        return cache(*arguments)  # type: ignore[no-any-return]

    def __reduce__(self) -> tuple[Any, ...]:
        return Session, (self.limits,)  # another process has its own caches

    @contextmanager
    def collector_paused(self) -> Iterator[None]:
        """Pause the garbage collector: a tree has no cycles, and scanning it takes a quarter of the time of a long file."""
        if not self._pause_collector:
            yield
            return
        _COLLECTOR.pause()
        try:
            yield
        finally:
            _COLLECTOR.resume()


class _Collector:
    """The garbage collector, of which a process has one: paused from the first `pause` until the last `resume` of all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pauses = 0
        self._was_enabled = False

    def pause(self) -> None:
        """Stop the collector, if no one else has."""
        with self._lock:
            if self._pauses == 0:
                self._was_enabled = gc.isenabled()
                gc.disable()
            self._pauses += 1

    def resume(self) -> None:
        """Start the collector again, if this was the last pause and it ran before the first."""
        with self._lock:
            self._pauses -= 1
            if self._pauses == 0 and self._was_enabled:
                gc.enable()


_COLLECTOR: Final = _Collector()
_RECURSION: Final = threading.Lock()


def _allow_recursion(limits: Limits) -> None:
    """Raise Python's recursion limit to what these limits need, beyond the defaults.

    The limit belongs to the process. It is never lowered again, since another thread may be in the middle of a deep network.
    """
    depth = sum(getattr(limits, name) for name in _DEPTHS)
    if depth > sum(getattr(DEFAULT, name) for name in _DEPTHS):
        with _RECURSION:
            sys.setrecursionlimit(max(sys.getrecursionlimit(), _FRAMES * depth))


_DEPTHS: Final = ("nesting", "call_depth", "list_depth", "import_depth")
