"""The trunk is straight, also into blocks that have a value of their own."""

from __future__ import annotations

from itertools import pairwise

from archdsl.backends.diagram import build_diagram, place
from archdsl.driver import compile_text
from tests.backends.diagram.geometry import faults

BIASED = """
block unit {
  skip { conv(8, 3); [q, k]: conv(16, 1) -> split(2); bias: param([8, 8, 8]); add { q; k; bias }; conv(8, 3) }
}
network net {
  input image [8, 8, 8]
  conv(8, 3); unit; relu; unit; gap; flatten; linear(4)
}
"""


def test_the_trunk_enters_a_block_straight() -> None:
    drawing = place(build_diagram(compile_text(BIASED, "net").require(), "full"))
    assert not faults(drawing)
    following = set(pairwise(drawing.diagram.trunk))
    lines = [line for line in drawing.lines if (line.edge.source, line.edge.target) in following and not line.edge.skip]
    assert len(lines) == len(following)
    assert all(len({round(point.x, 2) for point in line.points}) == 1 for line in lines)


def test_instances_of_a_block_are_drawn_alike() -> None:
    """A block that only leads into a join has a frame if another instance has one."""
    text = """block body { conv(8, 3) -> relu; conv(8, 3) -> gelu }
    network net { input image [8, 8, 8]; skip { BODY }; body; gap }"""
    alike = build_diagram(compile_text(text.replace("BODY", "body"), "net").require())
    assert [frame.block for frame in alike.frames] == ["body", "body"]
    alone = build_diagram(compile_text(text.replace("BODY", "body").replace("}; body;", "};"), "net").require())
    assert not alone.frames
