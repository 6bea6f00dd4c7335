"""Networks that are optimized for inference: equal outputs over the whole zoo, and their speed on the CPU.

    PYTHONPATH=.references python benchmarks/optimized.py [--quick] [--only equality|speed|agreement]

The speed is that of resnet50 at batch 32 with `optimize=True` under `torch.compile`, beside torchvision's in eager mode, with the
same allocator. `agreement` compares `archdsl bench` with a measurement by hand. On a processor without instructions for
bfloat16, that row says so.
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
from collections import defaultdict
from contextlib import suppress
from functools import partial

import torch
from torch import Tensor

import archdsl
from archdsl import addresses
from archdsl.bench import Options, bench
from archdsl.network import Network
from benchmarks.measure import ALLOCATOR, Section, paired, print_sections, ratios, seconds, spread, verdict
from benchmarks.modules import constructor
from tests.backends.torch.folding import TOLERANCE, folding_error

BATCH, SMALL, FP32_TARGET, BF16_TARGET, AGREEMENT = 32, 96, 1.6, 2.7, 0.03


def equality(names: list[str] | None = None) -> Section:
    """The largest error of each family, with random statistics, scales and shifts."""
    torch.set_num_threads(1)
    section = Section(
        "Optimized networks against plain ones",
        "The largest difference of the outputs in evaluation, in fp32, as a fraction of the largest value; batch norm has random "
        "statistics, scales and shifts. `layers` are those into which it is folded.",
        ["family", "networks", "layers", "largest error", "target", "verdict"],
    )
    families: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for name, path in addresses.shipped_networks().items():
        if names is None or name in names:
            network = _small(name)
            found = len(network.optimized_graph.folded), folding_error(network, batch=1)
            families[path.stem].append(found)
            print(name, *found, file=sys.stderr, flush=True)
            gc.collect()
    for family, found in families.items():
        worst = max(error for _, error in found)
        layers = sum(count for count, _ in found)
        section.rows.append([
            family, f"{len(found)}", f"{layers:,}", f"{worst:.1e}", f"≤ {TOLERANCE:.0e}", verdict(worst, TOLERANCE)
        ])  # fmt: skip
    return section


def _small(name: str) -> archdsl.Network:
    """A network for small images, if it takes them: it has the same layers."""
    network = archdsl.load(name)
    image = network.graph.inputs[0].shape
    if not network.sizes.work and len(network.graph.inputs) == 1 and len(image) == 3 and image[1] > SMALL:
        with suppress(archdsl.SpecError):
            return archdsl.load(name, size=(image[0], SMALL, SMALL))
    return network


def speed(rounds: int, batch: int) -> Section:
    """resnet50 beside torchvision's."""
    torch.set_num_threads(2)
    allocator = ", ".join(f"{key}={value}" for key, value in ALLOCATOR.items() if os.environ.get(key) == value)
    section = Section(
        "resnet50 for inference on the CPU",
        f"Batch {batch}, {rounds} rounds in turn after two to warm up, on {torch.get_num_threads()} threads; allocator for both: "
        f"{allocator or 'glibc defaults'}. The speed is that of torchvision's module in eager mode in fp32, and above the target "
        "is better.",
        ["module", "archdsl, ms", "torchvision, ms", "times as fast", "target", "verdict"],
    )
    theirs = constructor("torchvision", "resnet50")().eval()
    network = archdsl.load("resnet50")
    images = torch.randn(batch, 3, 224, 224)
    optimized = network.build(optimize=True, weights=theirs.state_dict())
    sides = {"optimized": (optimized, None), "optimized, compiled": (torch.compile(optimized), FP32_TARGET)}
    if _has_bf16():
        narrow = network.build(optimize=True, weights=theirs.state_dict(), dtype=torch.bfloat16)
        sides["optimized, compiled, bf16"] = (torch.compile(narrow), BF16_TARGET)
    else:
        section.rows.append(["optimized, compiled, bf16", *["-"] * 3, f"≥ {BF16_TARGET}", "not measured: no such instructions"])
    with torch.inference_mode():
        for name, (module, target) in sides.items():
            given = images.bfloat16() if "bf16" in name else images
            ours, other = paired(
                partial(seconds, partial(module, given)), partial(seconds, partial(theirs, images)), rounds=rounds, warm_up=2
            )
            faster = ratios(other, ours)
            wanted = ["", ""] if target is None else [f"≥ {target}", _at_least(statistics.median(faster), target)]
            times = [f"{1e3 * statistics.median(side):.0f}" for side in (ours, other)]
            section.rows.append([name, *times, spread(faster), *wanted])
            print(section.rows[-1], file=sys.stderr, flush=True)
    return section


def agreement(rounds: int, batch: int, name: str = "resnet18") -> Section:
    """`archdsl bench` beside a loop by hand; each makes its module anew, since where tensors lie in memory changes the time."""
    section = Section(
        "`archdsl bench` and a measurement by hand",
        f"The median of the calls of {name} at batch {batch}, each measured {rounds} times in turn; on {torch.get_num_threads()} "
        "threads.",
        ["form", "archdsl bench, ms", "by hand, ms", "ratio", "target", "verdict"],
    )
    network = archdsl.load(name)
    images = torch.randn(batch, 3, 224, 224)
    for form, optimize in {"eager": False, "optimized": True}.items():
        options = Options(batch=[batch], forms=[form], seconds=2.0)
        ours, theirs = paired(
            lambda options=options: bench(network, options).rows[0].latency or 0.0,
            partial(_by_hand, network, images, optimize=optimize),
            rounds=rounds,
        )
        pairs = ratios(ours, theirs)
        error = abs(statistics.median(pairs) - 1)
        times = [f"{1e3 * statistics.median(side):.1f}" for side in (ours, theirs)]
        section.rows.append([form, *times, spread(pairs, ".3f"), f"within {AGREEMENT:.0%}", verdict(error, AGREEMENT)])
    return section


def _by_hand(network: Network, images: Tensor, *, optimize: bool) -> float:
    """The median of the calls of two seconds, and at least five."""
    module = network.build(optimize=optimize).eval()
    with torch.inference_mode():
        for _ in range(3):
            module(images)
        found: list[float] = []
        while len(found) < 5 or sum(found) < 2:
            found.append(seconds(partial(module, images)))
    return statistics.median(found)


def _has_bf16() -> bool:
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _at_least(value: float, target: float) -> str:
    return "met" if value >= target else f"missed by {(1 - value / target) * 100:.0f} %"


def measure(*, quick: bool, only: str | None = None) -> list[Section]:
    """Everything."""
    parts = {
        "equality": lambda: equality(["resnet18", "mobilenet_v2"] if quick else None),
        "speed": lambda: speed(2, 2) if quick else speed(10, BATCH),
        "agreement": lambda: agreement(2, 1) if quick else agreement(10, 8),
    }
    return [part() for name, part in parts.items() if only in (None, name)]


if __name__ == "__main__":
    chosen = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else None
    print_sections(measure(quick="--quick" in sys.argv, only=chosen), as_json="--json" in sys.argv)
