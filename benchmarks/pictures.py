"""Drawing: networks as SVG by processes of their own, beside torchview's drawing of the same network.

python benchmarks/pictures.py [--quick]
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.edges import TEXTS, network
from benchmarks.measure import (
    ROOT,
    Process,
    Section,
    paired,
    plain_environment,
    print_sections,
    ratios,
    run_process,
    spread,
    verdict,
)
from benchmarks.peers import PEERS

_SHARE = 0.15
"""Of torchview's CPU time, which drawing resnet50 may take."""
TORCHVIEW = """
import sys
from importlib.util import find_spec
from pathlib import Path
import torch
try:
    torch.ops.load_library(Path(find_spec("torchvision").origin).with_name("_C.so"))
except OSError:  # beside another build of torch; classifiers need none of its operators, but its import names these
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from pygraphviz import AGraph
from torchvision.models import resnet50
from torchview import draw_graph
drawn = draw_graph(resnet50(), input_size=(1, 3, 224, 224), device="meta", expand_nested=True, depth=4)
AGraph(string=drawn.visual_graph.source).draw(sys.argv[1], format="svg", prog="dot")
"""
"""The same Graphviz, in the same process: torchview starts `dot` instead."""
RESIDUAL = "repeat 249 { skip { conv(3, 3); relu; conv(3, 3) } }; repeat 4 { relu }"
LARGE = {
    "resnet152": ("resnet152", "full", 3),
    "a network of 1,000 ops": (network(RESIDUAL), "full", 5),
    "120 joins of all before": (TEXTS["joins of all before"][0], "blocks", 2),
}
"""A network, the level at which it is drawn, and the CPU time that this may take, in seconds."""


def draw(address: str, level: str, folder: Path) -> Process:
    """What `archdsl render` takes."""
    command = [sys.executable, "-m", "archdsl", "render", address, "--level", level, "-o", str(folder / "drawn.svg")]
    return run_process(command, plain_environment(PYTHONPATH=str(ROOT)))


def beside_torchview(rounds: int, folder: Path) -> Section:
    """The CPU time of both for resnet50, in turn."""
    section = Section(
        "Drawing",
        f"resnet50 as SVG by `archdsl render`, from the text, and by torchview, from torchvision's module on the meta device; "
        f"{rounds} rounds, CPU time of whole processes in seconds. torchview folds nothing.",
        ["network", "archdsl", "torchview", "ratio", "target", "verdict"],
    )
    theirs = [str(PEERS / "python"), "-c", TORCHVIEW, str(folder / "torchview.svg")]
    references = plain_environment(PYTHONPATH=str(ROOT / ".references"))
    ours, other = paired(
        lambda: draw("resnet50", "blocks", folder).cpu, lambda: run_process(theirs, references).cpu, rounds=rounds
    )  # fmt: skip
    shares = ratios(ours, other)
    row = ["resnet50", spread(ours), spread(other), spread(shares), str(_SHARE), verdict(statistics.median(shares), _SHARE)]
    section.rows.append(row)
    return section


def large(rounds: int, folder: Path) -> Section:
    """Pictures that are large, or whose lines are many."""
    section = Section(
        "Large pictures",
        f"CPU time of `archdsl render -o net.svg` in seconds, {rounds} rounds.",
        ["network", "level", "archdsl", "target", "verdict"],
    )
    for name, (text, level, target) in LARGE.items():
        address = text
        if "{" in text:
            address = str(folder / "net.arch")
            Path(address).write_text(text, encoding="utf-8")
        took = [draw(address, level, folder).cpu for _ in range(rounds + 1)][1:]  # the first one fills caches
        section.rows.append([name, level, spread(took), f"{target} s", verdict(statistics.median(took), target)])
    return section


def measure(*, quick: bool) -> list[Section]:
    """Everything."""
    with TemporaryDirectory() as name:
        return [beside_torchview(1 if quick else 5, Path(name)), large(1 if quick else 5, Path(name))]


if __name__ == "__main__":
    print_sections(measure(quick="--quick" in sys.argv), as_json="--json" in sys.argv)
