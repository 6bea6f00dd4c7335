"""Blocks that a large picture draws once, and what the boxes for the others say."""

import pytest

from archdsl.backends.diagram import Diagram, Kind, build_diagram
from archdsl.backends.diagram.labels import box_lines
from archdsl.driver import compile_address, compile_text

LONG = "for i in 0..5 { conv(3, 3); conv(4, 3); conv(5, 3); conv(6, 3); conv(7, 3); conv(8, 3); conv(9, 3); conv(10 + i, 3) }\n"
"""Forty boxes that do not fold."""


def drawn(blocks: str, body: str) -> Diagram:
    text = f"{blocks}\nnetwork net {{\ninput image [8, 32, 32]\n{LONG}{body}\n}}"
    return build_diagram(compile_text(text, "net").require())


def closed(diagram: Diagram) -> list[str]:
    return [box.text for box in diagram.boxes if box.kind is Kind.BLOCK]


def opened(diagram: Diagram) -> list[str]:
    return [frame.title for frame in diagram.frames if frame.block]


UNIT = "block unit(width, k = 3, inner = 12) { conv(width, 1); conv(inner, k) -> bn; conv(width, 1) -> relu; conv(width, 3) }"


def test_a_box_says_in_what_a_block_differs() -> None:
    diagram = drawn(UNIT, "a: unit(8); maxpool(2); b: unit(16); conv(3, 3); c: unit(8, 5); maxpool(2); d: unit(8, inner = 9)")
    assert opened(diagram) == ["a · unit"]
    assert closed(diagram) == [
        "b · unit · as a · width 16",
        "c · unit · as a · k 5",
        "d · unit · as a · inner widths 9",
    ]
    (lines,) = [box_lines(box) for box in diagram.boxes if box.text.startswith("b ")]
    assert ["".join(part.text for part in line) for line in lines] == ["b · unit", "as a · width 16"]


def test_several_instances_are_a_box_with_their_number() -> None:
    many = drawn(UNIT, "a: unit(8); maxpool(2); for i in 0..3 { b[i]: unit(16, inner = 24) }")
    assert closed(many) == ["b ×3 · unit · as a · width 16"]


@pytest.mark.parametrize(
    ("block", "first", "second"),
    [
        ("block unit(more) { conv(8, 3); bn; conv(8, 1); if more { gelu } else { relu }; conv(9, 3) }", "true", "false"),
        ("block unit(act) { conv(8, 3); bn; conv(8, 1); act; conv(9, 3) }", "relu", "gelu"),
        (
            "block unit(first) { conv(8, 3); a: conv(8, 3); conv(8, 3); if first { add { x; a } } else { add { a; x } } }",
            "0",
            "1",
        ),
    ],
    ids=["structure", "activation", "connections"],
)
def test_what_differs_in_more_than_numbers_is_drawn(block: str, first: str, second: str) -> None:
    first, second = (value.replace("0", "false").replace("1", "true") for value in (first, second))
    diagram = drawn(block, f"a: unit({first}); maxpool(2); b: unit({second})")
    assert opened(diagram) == ["a · unit", "b · unit"]
    assert not closed(diagram)


def test_names_that_stand_twice_are_whole() -> None:
    outer = "block outer(width) { inner: unit(width); relu; inner2: conv(3, 3); gelu }"
    body = "a: outer(8); maxpool(2); b: { conv(3, 3); inner: unit(9) }"
    assert closed(drawn(f"{UNIT}\n{outer}", body)) == ["inner · unit · as a.inner · width 9"]


def test_names_do_not_begin_with_an_index() -> None:
    body = "for i in 0..2 { a[i]: { c: unit(8); b[0]: unit(6) }; maxpool(2) }; d: { b[0]: tiny(8); b[1]: tiny(9) }; last: unit(7)"
    tiny = "block tiny(width) { conv(width, 1); conv(4, 3) -> bn; conv(width, 5) }"
    names = [text.partition(" · as ")[2] for text in closed(drawn(f"{UNIT}\n{tiny}", body))]
    assert names and not any(name[0].isdecimal() for name in names)


def test_other_pictures_draw_all_blocks() -> None:
    text = f"{UNIT}\nnetwork net {{ input image [8, 32, 32]\na: unit(8); maxpool(2); b: unit(16) }}"
    assert opened(build_diagram(compile_text(text, "net").require())) == ["a · unit", "b · unit"]
    graph = compile_address("efficientnet_b0").require()
    assert closed(build_diagram(graph))
    assert not closed(build_diagram(graph, 9)) and not closed(build_diagram(graph, "full"))


def test_efficientnet() -> None:
    diagram = build_diagram(compile_address("efficientnet_b0").require())
    assert "3.1 · mbconv · as 2.1 · width 40, k 5" in closed(diagram)
    assert len(diagram.boxes) < 50


@pytest.mark.parametrize("name", ["swin_t", "yolov8n", "efficientnet_b0", "detr_r50"])
def test_every_op_is_on_a_box(name: str) -> None:
    graph = compile_address(name).require()
    once, each = ({id(node) for box in build_diagram(graph, level).boxes for node in box.nodes} for level in ("blocks", 99))
    assert once == each
