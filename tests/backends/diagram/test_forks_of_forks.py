"""A value that many nested frames take: the fork of a frame is itself among what the frames around it take."""

from __future__ import annotations

import archdsl
from archdsl.backends.diagram.build import build_diagram
from archdsl.backends.diagram.model import Kind


def test_the_time_step_of_ddpm_is_forked_in_each_block() -> None:
    diagram = build_diagram(archdsl.load("specs/ddpm.arch:ddpm").graph)
    boxes = {box.key: box for box in diagram.root.boxes()}
    forks = [key for key, box in boxes.items() if box.kind is Kind.FORK]
    assert len(forks) > 8
    assert all(edge.source in boxes and edge.target in boxes for edge in diagram.edges)
