"""Ctrl-C and SIGTERM: a run stops after a batch, with a checkpoint."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Interrupted(Exception):
    """The run was stopped by a signal; `exit_code` is what a shell expects of such a process."""

    def __init__(self, number: int, place: str) -> None:
        cause = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        super().__init__(f"stopped by {cause} {place}; resume with --resume")
        self.exit_code = 128 + number


class Signals:
    """Ctrl-C and SIGTERM, noted for the end of the batch; a second one stops at once."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._heard: list[signal.Signals] = []

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Handles those of the two that the process does not ignore; Python allows that on the main thread alone."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._heard = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self._note) for number in self._heard}
        try:
            yield
        finally:
            self._heard = []
            for number, handler in before.items():
                signal.signal(number, handler)

    def take_back(self) -> None:
        """Handle signals again after Lightning took SIGTERM: its handler starts a collective operation at any point."""
        for number in self._heard:
            signal.signal(number, self._note)

    def _note(self, number: int, frame: Any) -> None:
        if self.received is not None:
            raise Interrupted(number, "before the batch was done, at the last checkpoint")
        self.received = number
