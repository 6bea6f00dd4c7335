"""What begins beside a way and leads into it, such as a tag, stands beside what takes it, and the way is straight."""

from __future__ import annotations

from typing import get_args

import pytest

from archdsl.backends.diagram import Diagram, Drawing, Kind, build_diagram, place
from archdsl.backends.diagram.placed import Direction, Line, Rectangle
from archdsl.driver import compile_address, compile_text
from tests.backends.diagram.geometry import faults


def test_the_time_embedding_enters_each_block_at_a_side() -> None:
    """The convolutions of a residual block of Ho et al. 2020 are a straight line, which the projection of the time joins."""
    drawing = place(build_diagram(compile_address("specs/ddpm.arch:ddpm").require()))
    joins = [box.key for box in drawing.diagram.boxes if box.text == "add" and box.name.startswith("down_blocks")]
    for key in joins:
        place_of = drawing.boxes[key]
        into = [line for line in drawing.lines if line.edge.target == key]
        assert any(_is_upright(line) for line in into), key
        others = [line for line in into if not _is_upright(line)]
        assert all(line.points[-1].x in (place_of.left, place_of.right) for line in others), key
    assert len(joins) > 3


def _is_upright(line: Line) -> bool:
    return len({point.x for point in line.points}) == 1


TAGS = """
block unit(signal) { conv(8, 3) -> relu; WHERE; conv(8, 3) }
network net {
  input image [3, 16, 16]
  input other [8, 16, 16]
  signal: other -> conv(8, 3) -> relu
  image -> conv(8, 3)
  unit(signal); unit(signal); unit(signal); unit(signal); unit(signal)
}
"""


def drawn(where: str, direction: Direction) -> tuple[Diagram, Drawing]:
    diagram = build_diagram(compile_text(TAGS.replace("WHERE", where), "net").require(), "full")
    drawing = place(diagram, direction)
    assert not faults(drawing)
    return diagram, drawing


@pytest.mark.parametrize("direction", get_args(Direction))
def test_a_tag_is_level_with_what_takes_it(direction: Direction) -> None:
    diagram, drawing = drawn("add { x; signal }", direction)
    tags = {box.key for box in diagram.boxes if box.kind is Kind.TAG}
    taken = [line for line in drawing.lines if line.edge.source in tags]
    assert len(taken) >= 5
    for line in taken:
        assert len(line.points) == 2
        tag, taker = drawing.boxes[line.edge.source], drawing.boxes[line.edge.target]
        assert _apart(tag, taker, direction) == 15


def _apart(tag: Rectangle, taker: Rectangle, direction: Direction) -> float:
    return round(tag.left - taker.right if direction == "down" else tag.top - taker.bottom)


def test_what_a_tag_passes_on_the_way_stands_beside_the_way() -> None:
    """Keys and values of another network's output come from one tag, and the way of the queries is straight."""
    diagram, drawing = drawn("mul { x; add { signal -> conv(8, 1); signal -> conv(8, 3) } }", "down")
    joins = [box.key for box in diagram.boxes if box.text == "mul"]
    for key in joins:
        into = [line for line in drawing.lines if line.edge.target == key]
        assert sorted(_is_upright(line) for line in into) == [False, True]
    assert len(joins) == 5


@pytest.mark.parametrize("direction", get_args(Direction))
@pytest.mark.parametrize(
    "where",
    [
        "add { x; { signal -> conv(8, 1) -> bn -> relu -> conv(8, 3) -> relu } }",
        "add { { conv(8, 3); conv(8, 3) }; { conv(8, 1) -> mul { x; signal } } }",
        "concat { x; { signal -> conv(8, 1) }; signal }",
        "mul { x; add { signal -> conv(8, 1); signal -> conv(8, 3) } }",
        "concat { x; signal -> conv(8, 1); signal -> conv(8, 3) }",
        "skip { concat { conv(4, 3); signal -> conv(2, 1); signal -> conv(2, 3) -> bn -> relu -> conv(2, 3) } }",
        "skip { add { x; signal -> conv(8, 1) }; conv(8, 3); mul { x; signal } }",
    ],
)
def test_tags_in_other_places(where: str, direction: Direction) -> None:
    diagram, drawing = drawn(where, direction)
    assert sum(box.kind is Kind.TAG for box in diagram.boxes) > 5
    assert drawing.lines
