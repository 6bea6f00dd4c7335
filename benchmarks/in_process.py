"""Checking within one process that is warm: ResNet-152, deep networks, and how the time grows with the layers.

python benchmarks/in_process.py [--quick]
"""

from __future__ import annotations

import gc
import itertools
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from archdsl import driver
from archdsl.ir import Graph, flatten
from archdsl.limits import Limits
from archdsl.session import Session
from benchmarks.measure import ROOT, Section, fit_line, print_sections, seconds, verdict

RESNET152 = str(ROOT / "specs" / "resnet.arch") + ":resnet152"
DEEP = """
block unit(width) {{
  skip {{ conv(width, 3); bn; relu; conv(width, 3); bn }}
  relu
}}
network deep {{
  input image [16, 32, 32]
  for i in 0..{blocks} {{ unit(16) }}
  gap; flatten; linear(10)
}}
"""
SIZES = (100, 300, 1_000, 3_000, 10_000, 30_000)


def deep(layers: int) -> str:
    """A residual network with so many convolutions, in blocks of two that a loop calls."""
    return DEEP.format(blocks=layers // 2)


def written_out(layers: int) -> str:
    """The same with every block in lines of its own."""
    lines = "  skip { conv(16, 3); bn; relu\n    conv(16, 3); bn }\n  relu\n" * (layers // 2)
    return "network deep {\n  input image [16, 32, 32]\n" + lines + "  gap; flatten; linear(10)\n}\n"


def compiled(text: str, name: str | None = None) -> Graph:
    """Check a text."""
    return driver.compile_text(text, name).require()


def beyond(text: str) -> Graph:
    """Check a text that is longer than one may be by default."""
    return driver.compile_text(text, session=Session(Limits(source_characters=len(text)))).require()


def ops(graph: Graph) -> int:
    """Return the number of ops without the inputs; those of a function count once for each of its calls."""
    return len(flatten(graph).nodes)


def timed(action: Callable[[], Any], rounds: int) -> tuple[list[float], list[float]]:
    """Wall and CPU times of several rounds after one to warm up; garbage of one round is collected before the next.

    What was there before the rounds is left out of that: to walk over it would empty the processor's caches.
    """
    action()
    gc.collect()
    gc.freeze()
    wall, cpu = [], []
    for _ in range(rounds):
        gc.collect()
        start = time.process_time()
        wall.append(seconds(action))
        cpu.append(time.process_time() - start)
    gc.unfreeze()
    return wall, cpu


def shares(action: Callable[[], Any]) -> dict[str, float]:
    """The fraction of the time that each stage of the driver takes."""
    stages = {
        "parsing": (driver.Program, "module"),
        "elaboration": (driver, "elaborate"),
        "passes": (driver, "run_passes"),
        "symbolic sizes": (driver, "_decide_sizes"),
        "claims": (driver, "check_claims"),
    }
    spent = dict.fromkeys(stages, 0.0)
    before = {stage: getattr(*place) for stage, place in stages.items()}

    def watched(stage: str) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return before[stage](*args, **kwargs)
            finally:
                spent[stage] += time.perf_counter() - start

        return run

    try:
        for stage, place in stages.items():
            setattr(*place, watched(stage))
        total = seconds(action)
    finally:
        for stage, place in stages.items():
            setattr(*place, before[stage])
    return {stage: part / total for stage, part in spent.items()}


def checks(rounds: int) -> Section:
    """Single networks, with the shares of the stages."""
    section = Section(
        "Checking, in process",
        "Text to checked graph, through `archdsl.driver`, after one round to warm up. "
        "In one session, a text that did not change is parsed once; the first row's changes in each round. "
        f"{rounds} rounds for ResNet-152, 5 for 10,000 layers, 3 for those written out; a layer is a convolution, "
        "and the deep networks are residual blocks of two.",
        [
            "network",
            "ops",
            "median, ms",
            "least, ms",
            "CPU, ms",
            "target, ms",
            "verdict",
            "parsing",
            "elaboration",
            "passes",
            "symbolic sizes",
            "claims",
        ],
    )
    session = Session()
    resnet, changes = (ROOT / "specs" / "resnet.arch").read_text(encoding="utf-8"), itertools.count()
    cases: list[tuple[str, Callable[[], Graph], int, float | None]] = [
        ("ResNet-152, a text that changed", lambda: compiled(f"{resnet}# {next(changes)}\n", "resnet152"), rounds, 15),
        (
            "ResNet-152, the same text",
            lambda: driver.compile_address(RESNET152, session=session).require(),
            rounds,
            12,
        ),
        ("10,000 layers", partial(compiled, deep(10_000)), 5, 350),
        ("10,000 layers written out in 15,004 lines", partial(beyond, written_out(10_000)), 3, None),
    ]
    for name, action, times, target in cases:
        wall, cpu = [[1e3 * t for t in column] for column in timed(action, times)]
        median = statistics.median(wall)
        parts = shares(action)
        section.rows.append(
            [name, f"{ops(action()):,}", f"{median:.1f}", f"{min(wall):.1f}", f"{statistics.median(cpu):.1f}",
             "" if target is None else f"≤ {target:.0f}",
             "" if target is None else verdict(median, target), *(f"{100 * part:.0f} %" for part in parts.values())]
        )  # fmt: skip
    return section


def growth(sizes: tuple[int, ...], rounds: int) -> Section:
    """The time by the number of layers, with a straight line through it."""
    section = Section(
        "How the time grows with the layers", "", ["layers", "ops", "median, ms", "CPU, ms", "least CPU, ms", "µs a layer"]
    )
    least = []
    for layers in sizes:
        text = deep(layers)
        wall, cpu = timed(partial(compiled, text), rounds)
        least.append(min(cpu))
        times = [statistics.median(wall), statistics.median(cpu), min(cpu)]
        section.rows.append(
            [f"{layers:,}", f"{ops(compiled(text)):,}", *(f"{1e3 * t:.1f}" for t in times), f"{1e6 * min(cpu) / layers:.1f}"]
        )
    line = fit_line(sizes, least)
    ratio = (least[-1] / sizes[-1]) / (least[0] / sizes[0])
    section.about = (
        f"The least CPU time of {rounds} rounds for each size lies on a line of {1e6 * line.slope:.1f} "
        f"µs a layer with R² = {line.r_squared:.5f}. "
        f"A layer of the largest takes {ratio:.2f} times what one of the smallest does (at most 1 where the cost is linear)."
    )
    return section


def measure(*, quick: bool) -> list[Section]:
    """Everything."""
    return [checks(5), growth(SIZES[:3], 2)] if quick else [checks(60), growth(SIZES, 5)]


if __name__ == "__main__":
    print_sections(measure(quick="--quick" in sys.argv), as_json="--json" in sys.argv)
