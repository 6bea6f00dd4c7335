"""Paired measurements, their summaries, and the tables that show them."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(4 << 30), "MALLOC_TOP_PAD_": str(64 << 20)}
"""glibc then keeps what it has for both sides, instead of handing it back to the kernel after each layer."""


@dataclass
class Section:
    """A part of the results: what was measured, and a table of it, all as text."""

    title: str
    about: str
    head: list[str]
    rows: list[list[str]] = field(default_factory=list)

    def markdown(self) -> str:
        """The section as the results file shows it; the first column is words, the others numbers."""
        lines = [f"| {' | '.join(row)} |" for row in (self.head, ["---", *["---:"] * (len(self.head) - 1)], *self.rows)]
        return "\n".join([f"## {self.title}", "", self.about, "", *lines])


@dataclass(frozen=True)
class Process:
    """What one process took."""

    wall: float
    cpu: float
    peak_mib: float


def run_process(command: Sequence[str], env: Mapping[str, str], *, status: int = 0) -> Process:
    """Run a command from the repository's root to its end; raises where it does not end with that status.

    The system counts the memory of this process as the command's until that begins: measure memory from a small one.
    """
    start = time.perf_counter()
    child = subprocess.Popen(command, cwd=ROOT, env=dict(env), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, ended, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(ended)
    if child.returncode != status:
        raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}, and not with {status}")
    return Process(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def plain_environment(**extra: str) -> dict[str, str]:
    """This environment, with bytecode kept as Python keeps it by default."""
    unusual = ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONPATH", "PYTHONUNBUFFERED")
    return {key: value for key, value in os.environ.items() if key not in unusual} | extra


def paired(*sides: Callable[[], Any], rounds: int, warm_up: int = 1) -> list[list[Any]]:
    """What each side gives in each round, in turn: A B A B ... A round's results stand beside each other."""
    for _ in range(warm_up):
        for side in sides:
            side()
    found = [[side() for side in sides] for _ in range(rounds)]
    return [list(column) for column in zip(*found, strict=True)]


def seconds(action: Callable[[], Any]) -> float:
    """The time that a call takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Pair by pair."""
    return [a / b for a, b in zip(ours, theirs, strict=True)]


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """The median, with the least and the largest."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def verdict(value: float, target: float) -> str:
    """Whether a value is at most its target."""
    return "met" if value <= target else f"missed by {(value / target - 1) * 100:.0f} %"


@dataclass(frozen=True)
class Fit:
    """A straight line through measurements."""

    slope: float
    intercept: float
    r_squared: float


def fit_line(xs: Sequence[float], ys: Sequence[float]) -> Fit:
    """The line of least squares, and the share of the variance that it explains."""
    line = statistics.linear_regression(xs, ys)
    mean = statistics.fmean(ys)
    rest = sum((y - line.intercept - line.slope * x) ** 2 for x, y in zip(xs, ys, strict=True))
    total = sum((y - mean) ** 2 for y in ys)
    return Fit(line.slope, line.intercept, 1 - rest / total if total else 1.0)


def print_sections(sections: Sequence[Section], *, as_json: bool) -> None:
    """To standard output, for a person or for `run.py`."""
    print(json.dumps([asdict(section) for section in sections]) if as_json else "\n\n".join(s.markdown() for s in sections))
