"""When the server collects garbage: while nobody waits.

Graphs have cycles, so that only the collector frees them. Left to itself, it runs as soon as a check ends, which is when the
session lets it again, and delays the findings by a fifth of the time of the check.
"""

from __future__ import annotations

import asyncio
import gc
from contextlib import ExitStack
from typing import Final

from archdsl.session import Session

IDLE: Final = 0.2
"""Seconds without a check after which garbage is collected."""
_MOST: Final = 8
"""Checks after which garbage is collected in any case, as while somebody types without a break. Each leaves up to 10 MB."""


class IdleCollector:
    """Pauses the collector from a check until no check has run for a moment, and then collects. Used on the loop's thread."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._paused = ExitStack()
        self._timer: asyncio.TimerHandle | None = None
        self._running = 0
        self._checks = 0
        """Checks since garbage was collected."""

    def begin(self) -> None:
        """Note that a check begins."""
        self._stop_timer()
        if self._checks == 0:
            self._paused.enter_context(self._session.collector_paused())
        self._checks += 1
        self._running += 1

    def end(self) -> None:
        """Note that a check has ended, and that its findings are published."""
        self._running -= 1
        if self._checks >= _MOST:
            self.collect()
        elif self._running == 0:
            self._stop_timer()
            self._timer = asyncio.get_running_loop().call_later(IDLE, self.collect)

    def collect(self) -> None:
        """Collect the garbage, and let the collector run as usual until the next check."""
        self._stop_timer()
        self._checks = 0
        gc.collect()
        self._paused.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
