"""The memory that a call takes at its peak: as PyTorch counts it on a GPU, and as the system does for a process."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import torch

_STATUS: Final = Path("/proc/self/status")
_RESET: Final = Path("/proc/self/clear_refs")


def peak_of_call(call: Callable[[], object], device: torch.device) -> int | None:
    """Return by how many bytes memory grows at most during a call; None if the system does not say."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        return torch.cuda.max_memory_allocated(device) - before
    return _peak_of_process(call) if device.type == "cpu" and sys.platform == "linux" else None


def _peak_of_process(call: Callable[[], object]) -> int | None:
    """Return the growth of resident memory, once what is free has been returned to the system."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
        _RESET.write_text("5")  # from here on the peak is that of the call (proc(5))
        before = _kibibytes("VmRSS")
        call()
        return max(_kibibytes("VmHWM") - before, 0) * 1024
    except (AttributeError, OSError, StopIteration):
        return None


def _kibibytes(name: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])
