"""Training images in many files: memory, and speed beside decoding them and nothing else.

    python benchmarks/data.py [--quick] [--images N]

The images are generated: photographs would have to be downloaded. The workers' memory is counted with this process's,
what they share once (the kernel's proportional set size).
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.measure import Section, paired, print_sections, ratios, seconds, spread

SIDE, CLASSES, BATCH = 64, 10, 256
MEMORY, SHARE = 2048, 0.8
"""Targets: MiB, and the share of the speed of decoding alone."""
WORKERS = max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)


def generate(folder: Path, count: int, ending: str) -> None:
    """Smooth images with noise, about as large in their files as photographs of the size."""
    random = np.random.default_rng(0)
    for number in range(count):
        coarse = Image.fromarray(random.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize(
            (SIDE, SIDE), Image.Resampling.BICUBIC
        )
        pixels = np.asarray(coarse, np.int16) + random.integers(-6, 7, (SIDE, SIDE, 3))
        path = folder / ("train" if number % 20 else "test") / str(number // 20 % CLASSES) / f"{number}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)


def decode_all(paths: list[str]) -> int:
    """What no program that decodes these files can do without."""
    total = 0
    for path in paths:
        with Image.open(path) as image:
            total += np.asarray(image.convert("RGB")).shape[0]
    return total


def raw(paths: list[str], pool: ProcessPoolExecutor) -> None:
    """Decode all files with as many processes."""
    list(pool.map(decode_all, [paths[start : start + BATCH] for start in range(0, len(paths), BATCH)]))


def proportional_mib() -> float:
    """The memory of this process and its children."""
    children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    ids = [os.getpid(), *(int(child) for file in children for child in file.read_text().split())]
    total = 0
    for number in ids:
        try:
            text = Path(f"/proc/{number}/smaps_rollup").read_text()
        except OSError:  # it has just ended
            continue
        total += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total / 1024


def peak_mib(action: Callable[[], Any]) -> float:
    """The most memory during a call, looked at ten times a second."""
    found, done = [proportional_mib()], threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            found.append(proportional_mib())

    watcher = threading.Thread(target=watch)
    watcher.start()
    action()
    done.set()
    watcher.join()
    return max(found)


def exhaust(batches: Iterable[Any]) -> None:
    """An epoch."""
    for _ in batches:
        pass


def files(count: int, ending: str, rounds: int) -> Section:
    """Epochs over a folder, in turn with decoding alone."""
    from archdsl.data import Input
    from archdsl.recipe import Dataset, Recipe
    from archdsl.train.data import load

    section = Section(
        f"{count:,} images in {ending.upper()} files",
        f"One epoch in batches of {BATCH}, 3 x {SIDE} x {SIDE}, {WORKERS} workers, "
        f"beside as many processes that decode the same files to arrays and nothing else; {rounds} rounds in turn. "
        "The memory is that of all processes together.",
        ["", "images/s", "share of decoding alone", "target", "peak memory, MiB", "target"],
    )
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(WORKERS, get_context("fork")) as pool:
        folder = Path(name)
        generate(folder, count, ending)
        paths = [str(path) for path in sorted((folder / "train").glob("*/*"))]
        pool.submit(decode_all, paths[:10]).result()  # the processes begin before PyTorch is there
        source = Dataset.registry.get("imagefolder")
        assert source is not None
        recipe = Recipe.create({"data": source.create({"path": name}), "workers": WORKERS})
        start = time.perf_counter()
        data = load(recipe, Path(), (Input("image", (3, SIDE, SIDE)),))
        opening = time.perf_counter() - start
        batches = data.training_batches(BATCH, 0, lambda: 0)
        ours, theirs = paired(
            partial(seconds, partial(exhaust, batches)), partial(seconds, partial(raw, paths, pool)), rounds=rounds
        )
        peak = peak_mib(partial(exhaust, batches))
    speeds = [[len(paths) / time for time in side] for side in (ours, theirs)]
    shares = ratios(theirs, ours)
    section.rows.append(["archdsl", spread(speeds[0], ",.0f"), spread(shares), f"≥ {SHARE}", f"{peak:.0f}", f"≤ {MEMORY}"])
    section.rows.append(["decoding alone", spread(speeds[1], ",.0f"), "", "", "", ""])
    section.about += f" Opening the folder, with the headers of 4,000 files at most, took {opening:.1f} s."
    return section


def measure(*, quick: bool, count: int) -> list[Section]:
    """Everything."""
    return [files(1_000 if quick else count, ending, 1 if quick else 3) for ending in ("jpg", "png")]


if __name__ == "__main__":
    given = int(sys.argv[sys.argv.index("--images") + 1]) if "--images" in sys.argv else 100_000
    print_sections(measure(quick="--quick" in sys.argv, count=given), as_json="--json" in sys.argv)
