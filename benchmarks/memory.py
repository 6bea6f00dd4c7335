"""The most memory that training takes, beside torchvision.

    python benchmarks/memory.py [--quick]

This process stays small: a child's peak, as the kernel counts it, begins with what its parent held when it was made.
"""

from __future__ import annotations

import statistics
import sys
from functools import partial

from benchmarks.measure import (
    ALLOCATOR,
    ROOT,
    Section,
    paired,
    plain_environment,
    print_sections,
    ratios,
    run_process,
    spread,
    verdict,
)

CASES = {"resnet50": 4, "googlenet": 8, "densenet121": 4, "mobilenet_v2": 8}
"""Networks with their batch sizes."""
SIDES = ("archdsl", "torchvision")
TARGET = 1.02


def memory(cases: dict[str, int], rounds: int) -> Section:
    """The peak of a process that builds a network and takes two training steps."""
    section = Section(
        "Peak memory of training",
        "The most memory that a process held which builds the network and takes two training steps, PyTorch included; "
        f"each side in processes of its own, {rounds} rounds in turn.",
        ["network, batch", "archdsl, MiB", "torchvision, MiB", "ratio", "target", "verdict"],
    )
    env = plain_environment(**ALLOCATOR, PYTHONPATH=str(ROOT / ".references"))
    for name, batch in cases.items():
        commands = [[sys.executable, "benchmarks/modules.py", "--steps", side, name, str(batch)] for side in SIDES]
        columns = paired(*[partial(run_process, command, env) for command in commands], rounds=rounds, warm_up=0)
        ours, theirs = ([process.peak_mib for process in column] for column in columns)
        pairs = ratios(ours, theirs)
        medians = [f"{statistics.median(side):.0f}" for side in (ours, theirs)]
        section.rows.append(
            [f"{name}, {batch}", *medians, spread(pairs, ".3f"), f"≤ {TARGET}", verdict(statistics.median(pairs), TARGET)]
        )
    return section


def measure(*, quick: bool) -> list[Section]:
    """Everything."""
    return [memory({"mobilenet_v2": 1}, 1)] if quick else [memory(CASES, 3)]


if __name__ == "__main__":
    print_sections(measure(quick="--quick" in sys.argv), as_json="--json" in sys.argv)
