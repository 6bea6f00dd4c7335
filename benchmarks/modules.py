"""Built modules against torchvision's: construction, a forward pass, a training step.

    PYTHONPATH=.references python benchmarks/modules.py [--quick]

Both sides live in one process, with the same weights, the same images, the same threads and the same allocator,
and take turns. torchvision is on this process's path alone (see tests/parity/measuring.py).
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import archdsl
from benchmarks.measure import ALLOCATOR, Section, paired, print_sections, ratios, seconds, spread, verdict
from tests.parity.measuring import import_torchvision

THREADS = 2
SIDES = ("archdsl", "torchvision")
BUILD_TARGET, STEP_TARGET = 1.1, 1.03


@dataclass(frozen=True)
class Case:
    """A network with its batch sizes, small enough for two cores."""

    name: str
    forward: int
    step: int


CASES = (
    Case("resnet50", 4, 2),
    Case("googlenet", 4, 4),
    Case("densenet121", 4, 2),
    Case("mobilenet_v2", 8, 4),
    Case("vgg16", 2, 1),
)

torchvision_models = cache(import_torchvision)


def constructor(side: str, name: str) -> Callable[[], nn.Module]:
    """What makes a network's module; a spec is read and checked once, before."""
    if side == "torchvision":
        options = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
        make = getattr(torchvision_models(), name)
        return lambda: make(weights=None, **options)
    network = archdsl.load(name)
    return lambda: network.build()


def stepper(module: nn.Module, batch: int) -> Callable[[], None]:
    """One step of training with SGD: forward, loss of the result and of every head, backward, update."""
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-3, momentum=0.9)
    images, labels = torch.randn(batch, 3, 224, 224), torch.randint(0, 1000, (batch,))
    module.train()

    def step() -> None:
        optimizer.zero_grad()
        outputs: Any = module(images)
        losses = [F.cross_entropy(output, labels) for output in ([outputs] if isinstance(outputs, Tensor) else outputs)]
        torch.stack(losses).sum().backward()
        optimizer.step()

    return step


def building(rounds: int) -> Section:
    """Construction of ResNet-50."""
    section = Section(
        "Building ResNet-50",
        f"`Network.build()` (source written, executed, weights filled) beside torchvision's `resnet50()`; {rounds} "
        "rounds in turn.",
        ["device", "archdsl, ms", "torchvision, ms", "ratio", "target", "verdict"],
    )
    makers = [constructor(side, "resnet50") for side in SIDES]
    for device in ("cpu", "meta"):

        def made(make: Callable[[], nn.Module], device: str = device) -> float:
            with torch.device(device):
                return seconds(make)

        ours, theirs = paired(*[partial(made, make) for make in makers], rounds=rounds, warm_up=2)
        section.rows.append(_row(device, ours, theirs, BUILD_TARGET))
    return section


def running(cases: tuple[Case, ...], rounds: int) -> list[Section]:
    """Forward passes and training steps."""
    allocator = (
        ", ".join(f"{key}={value}" for key, value in ALLOCATOR.items() if os.environ.get(key) == value) or "glibc's defaults"
    )
    about = (
        f"{rounds} rounds in turn after two to warm up, on {THREADS} threads; allocator for both: {allocator}. "
        "Below the target is better."
    )
    forward = Section(
        "Forward pass, evaluation mode", about, ["network, batch", "archdsl, ms", "torchvision, ms", "ratio", "target", "verdict"]
    )
    training = Section("Training step, SGD with momentum", about, forward.head)
    for case in cases:
        torch.manual_seed(0)
        modules = [constructor(side, case.name)() for side in SIDES]
        modules[0].load_state_dict(modules[1].state_dict())
        images = torch.randn(case.forward, 3, 224, 224)
        for module in modules:
            module.eval()
        with torch.inference_mode():
            columns = paired(*[partial(seconds, partial(module, images)) for module in modules], rounds=2 * rounds, warm_up=2)
        forward.rows.append(_row(f"{case.name}, {case.forward}", columns[0], columns[1], STEP_TARGET))
        steps = [stepper(module, case.step) for module in modules]
        columns = paired(*[partial(seconds, step) for step in steps], rounds=rounds, warm_up=2)
        training.rows.append(_row(f"{case.name}, {case.step}", columns[0], columns[1], STEP_TARGET))
    return [forward, training]


def _row(name: str, ours: list[float], theirs: list[float], target: float) -> list[str]:
    pairs = ratios(ours, theirs)
    times = [f"{1e3 * statistics.median(side):.1f}" for side in (ours, theirs)]
    return [name, *times, spread(pairs, ".3f"), f"≤ {target}", verdict(statistics.median(pairs), target)]


def measure(*, quick: bool) -> list[Section]:
    """Everything."""
    if quick:
        return [building(2), *running(CASES[:1], 1)]
    return [building(15), *running(CASES, 10)]


if __name__ == "__main__":
    torch.set_num_threads(THREADS)
    if "--steps" in sys.argv:
        chosen, network_name, batch_size = sys.argv[2:5]  # by memory.py
        take = stepper(constructor(chosen, network_name)(), int(batch_size))
        take()
        take()
    else:
        print_sections(measure(quick="--quick" in sys.argv), as_json="--json" in sys.argv)
