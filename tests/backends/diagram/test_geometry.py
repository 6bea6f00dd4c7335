"""Nothing in a picture overlaps, crosses or leaves what it belongs to: over every spec and over random networks.

python -m tests.backends.diagram.test_geometry --programs 1000 --seed 1 [--specs]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, get_args

import pytest

from archdsl.addresses import shipped_networks
from archdsl.backends.diagram import Detail, Diagram, Kind, Level, build_diagram, place
from archdsl.backends.diagram.placed import Direction, Drawing, Rectangle
from archdsl.diagnostics import SpecError
from archdsl.driver import compile_address, compile_text
from archdsl.ir import Graph
from tests.attack import text
from tests.attack.generate import generate
from tests.backends.diagram.geometry import faults, parser_of_seeds, seeds_of
from tests.fuzz.lookalikes import Lookalikes

SAMPLE = ("digits_resnet", "googlenet", "unet", "fpn", "yolov8", "detr")


def drawings(graph: Graph) -> Iterator[tuple[str, Drawing]]:
    """Each level in each direction, and one of them with bands."""
    for level, diagram in levels(graph):
        for direction in get_args(Direction):
            yield f"{level} {direction}", place(diagram, direction, bands=level == 1)


def levels(graph: Graph) -> Iterator[tuple[Level, Diagram]]:
    """The diagrams of all levels that differ."""
    drawn = -1
    for detail in get_args(Detail):
        try:
            diagram = build_diagram(graph, detail)
        except SpecError:
            continue  # too much to draw
        drawn = len(diagram.frames) if detail == "blocks" else drawn
        yield detail, diagram
    before = -1
    for number in count():
        diagram = build_diagram(graph, number)
        if len(diagram.frames) == before:
            break  # all is open
        before = len(diagram.frames)
        if before != drawn:
            yield number, diagram


def specs_to_draw() -> list[Any]:
    paths = sorted(set(shipped_networks().values()))
    assert {path.stem for path in paths} >= set(SAMPLE)
    return [pytest.param(path, id=path.stem, marks=() if path.stem in SAMPLE else (pytest.mark.exhaustive,)) for path in paths]


@pytest.mark.parametrize("path", specs_to_draw())
def test_specs(path: Path) -> None:
    name = next(name for name, where in shipped_networks().items() if where == path)
    for how, drawing in drawings(compile_address(f"{path}:{name}").require()):
        assert not faults(drawing), how


def test_labels_without_room() -> None:
    """Five values leave one frame for another beside each other: labels that would cover their lines are left out."""
    diagram = build_diagram(compile_address("specs/retinanet.arch:retinanet_resnet50_fpn_v2").require(), 2)
    for direction in get_args(Direction):
        assert not faults(place(diagram, direction)), direction


def program(seed: int) -> str:
    """A random network: of parts that are alike and nearly alike, or of all constructs of the language."""
    return Lookalikes(Random(f"geometry:{seed}")).text if seed % 2 else text.program(generate(seed))


def examined(seeds: range) -> Counter[str]:
    seen: Counter[str] = Counter()
    for seed in seeds:
        graph = compile_text(program(seed)).graph
        seen["refused"] += graph is None
        for how, drawing in drawings(graph) if graph is not None else ():
            seen["drawings"] += 1
            seen["lines"] += len(drawing.lines)
            wrong = faults(drawing)
            assert not wrong, f"seed {seed}, {how}: {wrong[:5]}\n{program(seed)}"
    return seen


def test_random_networks() -> None:
    assert examined(range(20))["drawings"] > 50


def small() -> Drawing:
    body = "a: { skip { conv(4, 3) -> bn; conv(4, 3) }; maxpool(2) }; conv(8, 1)"
    return place(build_diagram(compile_text(f"network n {{ input image [4, 8, 8]; {body} }}").require()))


def test_planted_faults_are_found() -> None:
    assert not faults(small())
    drawing = small()
    first, second = (box.key for box in drawing.diagram.boxes if box.kind is Kind.CARD and "3×3" in box.text)
    drawing.boxes[first] = drawing.boxes[second].moved(3, 3)
    assert any("overlaps" in fault for fault in faults(drawing))
    drawing = small()
    [frame] = drawing.frames
    drawing.frames[frame] = drawing.frames[frame]._replace(left=drawing.boxes[first].left + 5)
    assert any("does not contain" in fault for fault in faults(drawing))
    drawing = small()
    place_ = drawing.lines[1].points[0]
    drawing.captions[frame] = Rectangle(place_.x - 2, place_.y + 1, place_.x + 2, place_.y + 4)
    assert any("crosses title" in fault for fault in faults(drawing))
    drawing = small()
    drawing.boxes[second] = drawing.boxes[second]._replace(right=drawing.boxes[second].left + 10)
    assert any("words" in fault for fault in faults(drawing))


if __name__ == "__main__":
    arguments = parser_of_seeds()
    arguments.add_argument("--specs", action="store_true", help="draw every shipped network first")
    given = arguments.parse_args()
    total: Counter[str] = Counter()
    for network, where in shipped_networks().items() if given.specs else ():
        for how_, drawn in drawings(compile_address(f"{where}:{network}").require()):
            total["networks' drawings"] += 1
            if found := faults(drawn):
                total["wrong"] += 1
                print(network, how_, found[:3])
    print(dict(total + examined(seeds_of(given))))
