"""The networks that come with archdsl: checked, and built beside torchvision's constructors where it has them.

    PYTHONPATH=.references python benchmarks/zoo.py [--quick]
"""

from __future__ import annotations

import statistics
import sys
from collections import defaultdict
from dataclasses import dataclass
from functools import partial

import torch

import archdsl
from archdsl import driver
from benchmarks.measure import Section, paired, print_sections, ratios, seconds, verdict
from benchmarks.modules import BUILD_TARGET, constructor, torchvision_models


@dataclass(frozen=True)
class Times:
    """Of one network, in milliseconds: medians of the rounds; `constructor` and `ratio` where torchvision has it."""

    ops: int
    check: float
    build: float
    constructor: float | None = None
    ratio: float | None = None


def measured(name: str, rounds: int) -> Times:
    """One network's times. It is built on the meta device, where weights need no memory."""

    def check() -> float:
        return seconds(lambda: driver.compile_address(name).require())

    ops = len(archdsl.load(name).graph.nodes)
    [checks] = paired(check, rounds=rounds)
    sides = ["archdsl", "torchvision"] if hasattr(torchvision_models(), name) else ["archdsl"]
    with torch.device("meta"):
        builds = paired(*[partial(seconds, constructor(side, name)) for side in sides], rounds=rounds)
    check_time, *medians = (1e3 * statistics.median(times) for times in (checks, *builds))
    if len(sides) == 1:
        return Times(ops, check_time, medians[0])
    return Times(ops, check_time, *medians, statistics.median(ratios(*builds)))


def zoo(rounds: int, names: list[str] | None = None) -> Section:
    """A row for each family, and their sums."""
    families: defaultdict[str, list[Times]] = defaultdict(list)
    for name, path in driver.shipped_networks().items():
        if names is None or name in names:
            families[path.stem].append(measured(name, rounds))
    section = Section(
        "The whole zoo",
        f"Each family's networks, one after the other: checked, from a file that is parsed already, and built on the meta device, by `Network.build()`. Where torchvision has "
        f"them, its constructors take turns with ours; the ratio is the median of the networks'. Medians of {rounds} rounds, summed.",
        ["family", "networks", "ops", "check, ms", "build, ms", "in torchvision", "archdsl, ms", "torchvision, ms", "ratio", "target", "verdict"],
    )
    everything = [time for family in families.values() for time in family]
    for family, times in [*families.items(), ("all", everything)]:
        peers = [time for time in times if time.ratio is not None]
        row = [family, f"{len(times)}", f"{sum(t.ops for t in times):,}", f"{sum(t.check for t in times):.1f}", f"{sum(t.build for t in times):.1f}"]
        if peers:
            ratio = statistics.median(time.ratio for time in peers if time.ratio is not None)
            sums = (sum(time.build for time in peers), sum(time.constructor for time in peers if time.constructor is not None))
            row += [f"{len(peers)}", *(f"{total:.1f}" for total in sums), f"{ratio:.3f}", f"≤ {BUILD_TARGET}", verdict(ratio, BUILD_TARGET)]
        section.rows.append(row + [""] * (len(section.head) - len(row)))
    return section


def measure(*, quick: bool) -> list[Section]:
    """Everything."""
    return [zoo(2, ["resnet18", "lenet5"])] if quick else [zoo(5)]


if __name__ == "__main__":
    print_sections(measure(quick="--quick" in sys.argv), as_json="--json" in sys.argv)
