"""Measure everything, print it, and write RESULTS.md.

    python benchmarks/run.py [--quick] [peers] [in_process] [edges] [pictures] [symbolic_sizes] [editing] [zoo] [modules]
                             [optimized] [memory] [training] [data] [expressible]

With `--quick` few rounds are run, to see that everything works; nothing is written then, nor when only some parts run.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import ALLOCATOR, ROOT, Section, plain_environment

RESULTS = ROOT / "benchmarks" / "RESULTS.md"
PARTS: dict[str, dict[str, str]] = {
    "peers": {},
    "in_process": {},
    "edges": {},
    "pictures": {},
    "symbolic_sizes": {},
    "editing": {},
    "zoo": {"PYTHONPATH": str(ROOT / ".references")},
    "modules": {"PYTHONPATH": str(ROOT / ".references"), **ALLOCATOR},
    "optimized": {"PYTHONPATH": str(ROOT / ".references"), **ALLOCATOR},
    "memory": {},
    "training": {"OMP_NUM_THREADS": "1"},
    "data": {"OMP_NUM_THREADS": "1"},
    "expressible": {},
}
"""Each part runs in a process of its own, with this added to its environment."""
METHOD = """\
Times of two sides come in pairs: they take turns (A B A B ...) after rounds that do not count, and the ratio is taken pair by
pair, so that a slow moment of the machine falls on both. Shown are medians, with the least and the largest in brackets, of wall
time unless a column says otherwise; a target is held against the median. `make bench` repeats all of it."""


def part(name: str, options: list[str]) -> list[Section]:
    """What one part measured."""
    command = [sys.executable, f"benchmarks/{name}.py", "--json", *options]
    done = subprocess.run(command, cwd=ROOT, env=plain_environment(**PARTS[name]), stdout=subprocess.PIPE, text=True, check=True)
    return [Section(**section) for section in json.loads(done.stdout)]


def machine() -> str:
    """The processor, its cores and the memory."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = [line.partition(":")[2].strip() for line in information.read_text().splitlines() if line.startswith("model name")]
        model = names[0] if names else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {cores} cores, {gib:.0f} GiB, {platform.system()}"


def versions() -> str:
    """What was measured, and what with."""
    packages = ["torch", "lark", "pydantic"]
    found = [
        f"Python {platform.python_version()}",
        f"archdsl {version('archdsl')}",
        *(f"{name} {version(name)}" for name in packages),
    ]
    references = sorted(path.name.removesuffix(".dist-info") for path in (ROOT / ".references").glob("torchvision-*.dist-info"))
    pinned = [
        line
        for line in (ROOT / "benchmarks" / "peers.txt").read_text().splitlines()
        if line and not line.startswith(("#", "torch"))
    ]
    return ", ".join([*found, *(name.replace("-", " ") for name in references), *(line.replace("==", " ") for line in pinned)])


def results(sections: list[Section]) -> str:
    """The whole file."""
    header = f"# Benchmarks\n\n{METHOD}\n\n- {datetime.now(UTC):%Y-%m-%d}\n- {machine()}\n- {versions()}\n"
    return "\n".join([header, *(section.markdown() + "\n" for section in sections)])


def main(arguments: list[str]) -> None:
    """Run the parts that are named, or all."""
    quick = [argument for argument in arguments if argument == "--quick"]
    chosen = [name for name in PARTS if name in arguments] or list(PARTS)
    text = results([section for name in chosen for section in part(name, quick)])
    print(text)
    if not quick and chosen == list(PARTS):
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
