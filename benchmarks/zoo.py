"""The networks that come with archdsl: checked, and built beside torchvision's constructors where it has them.

PYTHONPATH=.references python benchmarks/zoo.py [--quick]
"""

from __future__ import annotations

import statistics
import sys
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial

import torch

import archdsl
from archdsl import addresses, driver
from archdsl.ir import flatten
from benchmarks.measure import Section, paired, print_sections, ratios, seconds, verdict
from benchmarks.modules import BUILD_TARGET, constructor, torchvision_models


@dataclass(frozen=True)
class Times:
    """Of one network, in milliseconds: medians of the rounds. `build` is on the meta device, where no weight is filled.

    `filled`, `constructor` and `ratio` are where torchvision has the network: built with its weights, on the CPU.
    """

    ops: int
    check: float
    build: float
    filled: float = 0.0
    constructor: float = 0.0
    ratio: float | None = None


def measured(name: str, rounds: int) -> Times:
    """One network's times."""

    def check() -> float:
        return seconds(lambda: driver.compile_address(name).require())

    ops = len(flatten(archdsl.load(name).graph).nodes)
    [checks] = paired(check, rounds=rounds)
    with torch.device("meta"):
        [builds] = paired(partial(seconds, constructor("archdsl", name)), rounds=rounds)
    times = Times(ops, *(1e3 * statistics.median(found) for found in (checks, builds)))
    if not callable(getattr(torchvision_models(), name, None)):  # some families are modules there
        return times
    filled, constructed = paired(
        *[partial(seconds, constructor(side, name)) for side in ("archdsl", "torchvision")], rounds=min(rounds, 3)
    )
    of_both = {"filled": 1e3 * statistics.median(filled), "constructor": 1e3 * statistics.median(constructed)}
    return replace(times, **of_both, ratio=statistics.median(ratios(filled, constructed)))


def zoo(rounds: int, names: list[str] | None = None) -> Section:
    """A row for each family, and their sums."""
    families: defaultdict[str, list[Times]] = defaultdict(list)
    for name, path in addresses.shipped_networks().items():
        if names is None or name in names:
            families[path.stem].append(measured(name, rounds))
    section = Section(
        "The whole zoo",
        "Each family's networks, one after the other: checked, from a file that is parsed already, "
        "and built by `Network.build()` on the meta device, without weights. Those that "
        "torchvision has are built on the CPU, too, with their weights filled, in turn with its constructors; "
        f"the ratio is the median of the networks'. Medians of {rounds} "
        "rounds, and of 3 on the CPU, summed.",
        [
            "family",
            "networks",
            "ops",
            "check, ms",
            "build, ms",
            "in torchvision",
            "archdsl with weights, ms",
            "torchvision, ms",
            "ratio",
            "target",
            "verdict",
        ],
    )
    everything = [time for family in families.values() for time in family]
    for family, times in [*families.items(), ("all", everything)]:
        peers = [time for time in times if time.ratio is not None]
        row = [
            family,
            f"{len(times)}",
            f"{sum(t.ops for t in times):,}",
            f"{sum(t.check for t in times):.1f}",
            f"{sum(t.build for t in times):.1f}",
        ]
        if peers:
            ratio = statistics.median(time.ratio for time in peers if time.ratio is not None)
            sums = (sum(time.filled for time in peers), sum(time.constructor for time in peers))
            row += [
                f"{len(peers)}",
                *(f"{total:.1f}" for total in sums),
                f"{ratio:.3f}",
                f"≤ {BUILD_TARGET}",
                verdict(ratio, BUILD_TARGET),
            ]
        section.rows.append(row + [""] * (len(section.head) - len(row)))
    return section


def measure(*, quick: bool) -> list[Section]:
    """Everything."""
    return [zoo(2, ["resnet18", "lenet5"])] if quick else [zoo(5)]


if __name__ == "__main__":
    print_sections(measure(quick="--quick" in sys.argv), as_json="--json" in sys.argv)
