"""A shared module that several values go through, which is drawn once, behind a point where they meet."""

import pytest

from archdsl.backends.diagram import Diagram, Kind, build_diagram
from archdsl.driver import compile_address, compile_text

HEAD = "module head: { conv(8, 3) -> relu; conv(8, 3) -> relu; conv(6, 3) }\n"


def drawn(heads: str) -> Diagram:
    pyramid = "p0: conv(8, 3)\n" + "".join(f"p{i}: conv(8, 3, stride = 2) -> bn\n" for i in range(1, 4))
    text = f"network net {{\ninput image [3, 64, 64]\n{HEAD}{pyramid}{heads}\n}}"
    return build_diagram(compile_text(text, "net").require())


def titles(diagram: Diagram) -> list[str]:
    return [frame.title for frame in diagram.frames]


def test_a_shared_head_is_drawn_once() -> None:
    diagram = drawn("concat { for level in [p0, p1, p2, p3] { level -> head -> flatten } }")
    assert titles(diagram) == ["×4, each on its own input", "head, shared"]
    (point,) = [box for box in diagram.boxes if box.key.startswith("fork_n")]
    into = [edge for edge in diagram.edges if edge.target == point.key]
    assert [edge.shape for edge in into] == [(8, 64, 64), (8, 32, 32), (8, 16, 16), (8, 8, 8)]
    inside = {box.key for box in diagram.frames[0].boxes()}
    assert not any(edge.label for edge in diagram.edges if edge.source in inside and edge.target in inside)
    (bar,) = [box for box in diagram.boxes if box.kind is Kind.BAR]
    assert sum(edge.target == bar.key for edge in diagram.edges) == 1


def test_a_module_alone() -> None:
    diagram = drawn("concat { for level in [p0, p1, p2, p3] { level -> head -> upsample(64 // level.h) } }")
    assert "head, shared" in titles(diagram), "the ops behind it differ"
    diagram = drawn("q: p3 -> relu; r: p3 -> gelu; add { for level in [p3, q, r] { level -> head } }")
    assert "head ×3, each on its own input, shared" in titles(diagram)


@pytest.mark.parametrize(
    "heads",
    [
        "concat { for level in [p0, p1, p2, p3] { level -> { conv(8, 3) -> relu; conv(6, 3) } -> flatten } }",
        "concat { p0 -> head -> flatten; p1 -> head -> flatten }",
        "h0: p0 -> head -> gap; h1: p1 -> head -> gap; h2: p2 -> head -> gap; add { h0; h1 }; mul { x; h2 }",
        "concat { for level in [p0, p1, p2, p3] { level -> head -> flatten } }; output one: p1",
        "h0: p0 -> head -> gap; h1: p1 -> head -> gap; h2: p2 -> head -> gap; output one: h1; add { h0; h1; h2 }",
        "h0: p0 -> head; h1: p0 -> head; h2: p0 -> head; add { h0; h1; h2 }",
    ],
    ids=["weights of their own", "two", "results that part", "an output of a level", "a result that leaves", "one input"],
)
def test_what_stands_apart(heads: str) -> None:
    folded = [title for title in titles(drawn(heads)) if "own input" in title]
    assert bool(folded) == ("output one: p1" in heads)


def test_retinanet() -> None:
    diagram = build_diagram(compile_address("retinanet_resnet50_fpn").require())
    assert titles(diagram).count("×5, each on its own input") == 2
    points = [box for box in diagram.boxes if box.key.startswith("fork_n") and box.key.count("_") == 1]
    assert len(points) == 1 and sum(edge.target == points[0].key for edge in diagram.edges) == 5
