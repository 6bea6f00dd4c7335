"""A value that many nested frames take: the fork of a frame is itself among what the frames around it take."""

from __future__ import annotations

from archdsl.backends.diagram.build import build_diagram
from archdsl.backends.diagram.model import Box, Kind
from archdsl.driver import compile_text

NESTED = """
block unit(t) { conv(8, 3) -> relu; add { x; t -> conv(8, 1) }; mul { x; t -> conv(8, 3) } }
network net {
  input image [8, 8, 8]; input other [8, 8, 8]
  t: other -> conv(8, 3)
  image
  outer: { inner: { a: { unit(t); conv(8, 3) }; b: { unit(t); conv(8, 5) } }; c: { unit(t); conv(8, 7) } }
  for i in 0..9 { conv(8 + i, 3) }
}
"""


def test_a_value_is_forked_in_each_block() -> None:
    diagram = build_diagram(compile_text(NESTED, "net").require())
    boxes = {box.key: box for box in diagram.root.boxes()}
    assert all(edge.source in boxes and edge.target in boxes for edge in diagram.edges)
    home = {box.key: frame.title for frame in (diagram.root, *diagram.frames) for box in frame.items if isinstance(box, Box)}
    ways = [(home[edge.source], home[edge.target]) for edge in diagram.edges if boxes[edge.target].kind is Kind.FORK]
    inner = [("inner", "a.0 · unit"), ("inner", "b.0 · unit"), ("outer", "c.0 · unit"), ("outer", "inner")]
    assert sorted(ways) == sorted([("", "outer"), *inner])
