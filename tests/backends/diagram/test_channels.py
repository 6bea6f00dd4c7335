"""Wires in the channels of a tangle: one that comes down where another goes on turns before it, so that no two run as one."""

from __future__ import annotations

from itertools import pairwise

import pytest

from archdsl.backends.diagram import build_diagram, place
from archdsl.backends.diagram.blocks import tracks
from archdsl.backends.diagram.placed import Drawing
from archdsl.driver import compile_address


def test_tracks_in_an_order() -> None:
    spans = [(0.0, 4.0, "a"), (2.0, 6.0, "b"), (5.0, 9.0, "c")]
    assert tracks(spans) == {"a": 0, "b": 1, "c": 0}
    assert tracks(spans, [("b", "a")]) == {"b": 0, "a": 1, "c": 1}
    assert tracks(spans, [("c", "b"), ("b", "a")]) == {"c": 0, "b": 1, "a": 2}
    assert tracks([(0.0, 1.0, "a"), (5.0, 9.0, "b")], [("b", "a"), ("b", "other")]) == {"b": 0, "a": 1}


def test_contradictions_are_no_order() -> None:
    found = tracks([(0.0, 4.0, "a"), (2.0, 6.0, "b"), (3.0, 9.0, "c")], [("a", "b"), ("b", "a"), ("c", "a")])
    assert sorted(found.values()) == [0, 1, 2] and found["c"] == 0


def over_each_other(drawing: Drawing) -> list[tuple[str, str]]:
    """The ends of lines of different values that run over each other along the flow."""
    forks = {edge.target: edge.source for edge in drawing.diagram.edges if edge.target.startswith("fork_")}

    def origin(key: str) -> str:
        return origin(forks[key]) if key in forks else key

    pieces = [
        (round(a.x, 1), *sorted((a.y, b.y)), origin(line.edge.source), line.edge.target)
        for line in drawing.lines
        for a, b in pairwise(line.points)
        if abs(a.x - b.x) < 0.01
    ]
    return [
        (f"{source} {target}", f"{other} {end}")
        for i, (x, low, high, source, target) in enumerate(pieces)
        for at, begin, finish, other, end in pieces[:i]
        if x == at and other != source and end != target and min(high, finish) - max(low, begin) > 1
    ]


@pytest.mark.parametrize(
    "address", ["ddpm.arch:ddpm", "detr.arch:detr_r50", "deeplabv3.arch:deeplabv3_resnet50", "nas_bench_201.arch:nas_bench_201"]
)
def test_no_line_runs_over_another(address: str) -> None:
    for level in ("blocks", 1):
        assert not over_each_other(place(build_diagram(compile_address(f"specs/{address}").require(), level)))
