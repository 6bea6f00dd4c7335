"""Several processes of one run: who writes, and what happens if one dies."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from subprocess import Popen
from typing import Any, Final

from lightning.pytorch import Trainer

from archdsl.declared import Fault

_PAUSE: Final = 0.5
"""Seconds between two looks at the other processes."""
_BROKEN: Final = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "ProcessGroup", "gloo", "NCCL", "Timed out")
"""What PyTorch's backends say when another process of the group has gone."""


def process_died(number: int, code: int) -> Fault:
    """E0808: a process of the run ended before the others; `code` is negative for a signal, as Python counts them."""
    with suppress(ValueError):
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return Fault("E0808", f"process {number} of the run {how}", help="its own message is above, if it could give one")
    return Fault("E0808", f"process {number} of the run ended with exit code {code}")


@contextmanager
def watched(trainer: Trainer, report: Any) -> Iterator[None]:
    """Around training: if a process that this one started dies, report a `Fault` E0808 and end all of them with exit code 1.

    This process may wait in a collective operation for ever, where no signal handler of Python runs; so the watcher is a
    thread, and ends the process itself. What is on the disk is whole, since every file is replaced in one step.
    """
    finished = threading.Event()

    def watch() -> None:
        while not finished.wait(_PAUSE):
            processes: Sequence[Popen[Any]] = getattr(trainer.strategy.launcher, "procs", [])
            died = next(((number, process.returncode) for number, process in enumerate(processes, 1) if process.poll()), None)
            if died is not None and not finished.is_set():
                report(process_died(*died))
                for process in processes:
                    with suppress(OSError):
                        process.kill()
                sys.stderr.flush()
                os._exit(1)

    watcher = threading.Thread(target=watch, name="process-watcher", daemon=True)
    watcher.start()
    try:
        yield
    except RuntimeError as error:
        if trainer.world_size > 1 and any(word in str(error) for word in _BROKEN):
            time.sleep(4 * _PAUSE)  # the watcher knows which process it was
            raise Fault("E0808", f"the connection to another process of the run broke: {str(error).splitlines()[0]}") from error
        raise
    finally:
        finished.set()
