"""Texts at the edge of what the limits allow: what checking and drawing one may take.

python benchmarks/edges.py [--quick]
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

from archdsl.backends.diagram import Detail, build_diagram
from archdsl.diagnostics import SpecError
from archdsl.driver import check_text, compile_text
from archdsl.limits import DEFAULT
from benchmarks.measure import ROOT, Process, Section, plain_environment, print_sections, run_process, seconds, verdict

SECONDS, MEBIBYTES = 2, 500
"""What the checking of no text may take."""
DRAWING_SECONDS = 5
"""CPU time that no picture may take, or its refusal."""


def network(body: str, shape: str = "3, 32, 32") -> str:
    """A network of one body."""
    return f"network edge {{\n  input image [{shape}]\n  {body}\n}}\n"


def filled(line: str) -> str:
    """As many lines as a file may hold."""
    return network(line * ((DEFAULT.source_characters - 100) // len(line)))


UNIT = "block unit(width) { skip { conv(width, 3); bn; relu; conv(width, 3); bn }; relu }\n"
TEXTS = {
    "residual blocks, all alike": (UNIT + network("repeat 15_000 { unit(3) }"), 0),
    "blocks that call two, each of them two, ...": (
        "block b0 { relu }\n" + "".join(f"block b{i + 1} {{ b{i} -> b{i} }}\n" for i in range(50)) + network("b50"), 1,
    ),
    "convolutions, each of another width": (network("for i in 0..50_000 { conv(i + 1, 1) }"), 1),
    "convolutions that each leave less of a symbolic size": (network("repeat 6_000 { conv(3, 3, pad = 0) }", "3, H, W"), 0),
    "the same, at one size too small": (network("repeat 6_000 { conv(3, 3, pad = 0) }", "3, H, W"), 1),
    "skips between symbolic sizes": (network("repeat 8 { maxpool(2) }; repeat 8 { upsample(2) }; "
                                         "repeat 10_000 { skip { conv(3, 3) } }", "3, H, W"), 0),
    "symbolic sizes that repeat late": (network("maxpool(2049); upsample(2049); repeat 100 { skip { maxpool(2); upsample(2) } }",
                                            "3, H, W"), 0),
    "joins with a value far above": (network("e[0]: conv(3, 1); for i in 1..8_000 { e[i]: conv(3, 1); add { x; e[i - 1] } }"), 0),
    "heads": (network('for i in 0..7_000 { aux "head{i}": { gap; flatten; linear(3) } }'), 0),
    "loops that do nothing": (network("repeat 1000 { repeat 1000 { repeat 1000 { } } }"), 1),
    "sums of long lists": (network("for i in 0..50_000 { let a = sum(0..100_000) }"), 1),
    "expressions": (network("for i in 0..50_000 { let a = " + "i + " * 4_000 + "1 }"), 1),
    "plain ops in a family": (network("for i in 0..20_000 { f[i]: relu }"), 0),
    "plain ops in a pipeline": (network(" -> ".join(["relu"] * 9_000)), 0),
    "branches of one join": (network("concat { for i in 0..5_000 { conv(1, 1) } }"), 0),
    "a tree of labelled blocks": (
        "block b0 { relu }\n" + "".join(f"block b{i + 1} {{ l: b{i}; r: b{i} }}\n" for i in range(13)) + network("b13"), 0,
    ),
    "labels and heads": (network('for i in 0..5_000 { "h{i}": conv(16, 1); aux "g{i}": { gap; flatten; linear(3) } }'), 0),
    "joins of all before": (network("e[0]: conv(4, 3); for i in 1..121 { e[i]: { concat { for j in 0..i { e[j] } }; "
                                    "conv(4, 1) } }"), 0),
    "as many joins of all before as are drawn": (
        network("e[0]: conv(4, 3); for i in 1..76 { e[i]: { concat { for j in 0..i { e[j] } }; conv(4, 1) } }"), 0,
    ),
    "as many residual blocks as are drawn": (network("repeat 374 { skip { conv(3, 3); relu; conv(3, 3) } }"), 0),
    "groups that each take from two before": (
        network("e[0]: conv(3, 1); e[1]: conv(3, 1); for i in 2..480 { e[i]: { add { e[i - 1]; e[i // 2] }; "
                "conv(3, 3); relu } }"), 0,
    ),
    "as many lines as a file holds": (filled("conv(16, 3) -> bn; relu\n"), 0),
    "a mistake in each line": (filled("{ conv(16 3) -> bm; relo }\n"), 1),
    "names that nothing is called": (
        "".join(f"block long_name{i} {{ relu }}\n" for i in range(1_500))
        + network("".join(f"{{ longname{i} }}\n" for i in range(1_500))), 1,
    ),
    "brackets that nothing closes": (network("(" * 70_000), 1),
    "another file": ("\x7fELF" * 5_000_000, 1),
}  # fmt: skip
"""Texts, with the exit status of `archdsl check`."""
ARGUMENTS = {"the same, at one size too small": ["--size", "3x64x64"]}


def edges(texts: Mapping[str, tuple[str, int]], rounds: int) -> Section:
    """Each text checked, and drawn at each level of detail, by processes of their own."""
    levels = get_args(Detail)
    section = Section(
        "At the edge of the limits",
        f"Texts made to take long, {rounds} rounds each. With the default limits the check of none may take more than {SECONDS} "
        f"s and {MEBIBYTES} MiB; "
        "`archdsl check` also starts Python, and shows each layer. `archdsl render` may take "
        f"{DRAWING_SECONDS} s of CPU time, with Graphviz, to draw one or to say that it is too large.",
        ["text", "characters", "ends with", "check, s", "least, s", "`archdsl check`, s", "peak, MiB", "verdict",
         *(f"`render --level {detail}`, CPU s" for detail in levels), "verdict"],
    )  # fmt: skip
    processes = {
        name: as_process(name, text, status, rounds) for name, (text, status) in texts.items()
    }  # while this process is small
    for name, (text, status) in texts.items():
        took, peak = (
            statistics.median([process.wall for process in processes[name]]),
            max(process.peak_mib for process in processes[name]),
        )
        checked = [seconds(partial(check_text, f"{text}# {n}\n")) for n in range(rounds)]  # else it is parsed once
        share = max(statistics.median(checked) / SECONDS, peak / MEBIBYTES)
        drawn = {detail: as_picture(text, detail) for detail in levels}
        section.rows.append(
            [name, f"{len(text):,}", str(status), f"{statistics.median(checked):.2f}", f"{min(checked):.2f}", f"{took:.2f}",
             f"{peak:.0f}", verdict(share, 1),
             *(f"{process.cpu:.2f}{'' if status == 0 else ' (refused)'}" for process, status in drawn.values()),
             verdict(max(process.cpu for process, _ in drawn.values()) / DRAWING_SECONDS, 1)]
        )  # fmt: skip
    return section


def as_picture(text: str, detail: Detail) -> tuple[Process, int]:
    """What `archdsl render` takes, and the status that it ends with: 1 for what is wrong, or too large to draw."""
    graph = compile_text(text).graph
    status = 1
    if graph is not None:
        with suppress(SpecError):
            build_diagram(graph, detail)
            status = 0
    with TemporaryDirectory() as folder:
        path = Path(folder, "edge.arch")
        path.write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "archdsl", "render", str(path), "--level", detail, "-o", str(path.with_suffix(".svg"))]
        return run_process(command, plain_environment(PYTHONPATH=str(ROOT)), status=status), status


def as_process(name: str, text: str, status: int, rounds: int) -> list[Process]:
    """What `archdsl check` takes."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "edge.arch")
        path.write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "archdsl", "check", str(path), *ARGUMENTS.get(name, [])]
        return [run_process(command, plain_environment(PYTHONPATH=str(ROOT)), status=status) for _ in range(rounds)]


def measure(*, quick: bool) -> list[Section]:
    """Everything."""
    return [edges(dict(list(TEXTS.items())[:3]), 1)] if quick else [edges(TEXTS, 3)]


if __name__ == "__main__":
    print_sections(measure(quick="--quick" in sys.argv), as_json="--json" in sys.argv)
