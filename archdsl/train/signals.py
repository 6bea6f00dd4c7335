"""Ctrl-C and SIGTERM stop a run after a step, with a checkpoint."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Interrupted(Exception):
    """A signal stopped the run; `exit_code` is 128 plus its number."""

    def __init__(self, number: int, place: str) -> None:
        cause = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        super().__init__(f"stopped by {cause} {place}; resume with --resume")
        self.exit_code = 128 + number


class Signals:
    """Record Ctrl-C and SIGTERM until the end of the step; a second signal stops the process at once."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._heard: list[signal.Signals] = []

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Handle the signals that the process does not ignore, if this is the main thread."""
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
        """Reinstall the handlers.

        Lightning replaces that for SIGTERM by its own, which may start a collective operation at any time.
        """
        for number in self._heard:
            signal.signal(number, self._note)

    def _note(self, number: int, frame: Any) -> None:
        if self.received is not None:
            raise Interrupted(number, "before the batch was done, at the last checkpoint")
        self.received = number
