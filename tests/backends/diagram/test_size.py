"""How much is drawn: counted before it is made, refused with advice that helps, and never more work than in proportion."""

from __future__ import annotations

import sys
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from archdsl.backends.diagram import Detail, build_diagram, render, size, to_dot
from archdsl.backends.diagram.layout import place
from archdsl.diagnostics import SpecError
from archdsl.driver import compile_text
from archdsl.ir import Graph

HEAD = "network net {\n  input image [4, 8, 8]\n"
GROWING = {
    "residual blocks": "block unit(w) { skip { conv(w, 3); bn; relu; conv(w, 3); bn }; relu }\n"
    + HEAD + "repeat {n} { unit(4) } }",
    "labels with heads": HEAD + 'for i in 0..{n} { "h{i}": conv(4, 1); aux "g{i}": { gap; flatten; linear(3) } } }',
    "branches": HEAD + "concat { for i in 0..{n} { conv(1, 1) } } }",
    "a family of plain ops": HEAD + "for i in 0..{n} { f[i]: relu } }",
    "parts that differ": HEAD + "for i in 0..{n} { e[i]: { conv(i % 97 + 1, 1) -> bn; conv(4, 1) } } }",
    "parts that take from two": HEAD + "a: conv(1, 1); b: relu; image -> conv(1, 1); for i in 0..{n} "
                                       "{ if i * i % 7 < 3 { concat { x; a } } else { concat { x; b } } } }",
    "skips": HEAD + "for i in 0..{n} { e[i]: conv(4, 1) }; for i in 0..{n} { add { x; e[{n} - 1 - i] } } }",
    "shared values in groups": HEAD + 'for i in 0..{n} { "g{i}": { a: conv(4, 3); add { { conv(4, 3) }; { conv(4, '
                                      '1) }; a } } } }',
}  # fmt: skip


def graph_of(text: str) -> Graph:
    return compile_text(text).require()


def calls(graph: Graph, detail: Detail) -> int:
    """How many functions are called to draw a network without layout, or to refuse that."""
    count = 0

    def called(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        with suppress(SpecError):
            diagram = build_diagram(graph, detail)
            to_dot(diagram)
            place(diagram)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("most", [size.MOST_BOXES, pytest.param(20, marks=pytest.mark.exhaustive)], ids=["drawn", "refused"])
@pytest.mark.parametrize("detail", ["blocks", pytest.param("full", marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("name", GROWING)
def test_the_work_grows_with_the_network(monkeypatch: pytest.MonkeyPatch, name: str, detail: Detail, most: int) -> None:
    monkeypatch.setattr(size, "MOST_BOXES", most)
    calls(graph_of(GROWING[name].replace("{n}", "40")), detail)  # fills what is computed once
    small, large, larger = (calls(graph_of(GROWING[name].replace("{n}", str(n))), detail) for n in (40, 150, 260))
    assert (larger - small) / (large - small) < 2.2


DENSE = HEAD + "e[0]: conv(4, 3); for i in 1..{n} { e[i]: { concat { for j in 0..i { e[j] } }; conv(4, 1) } } }"
UNLIKE = DENSE.replace("conv(4, 1) }", "conv(4 + i * i % 7, 1) }")


@pytest.mark.parametrize(
    ("text", "detail", "message", "help"),
    [
        (HEAD + "for i in 0..1600 { conv(4 + i, 1) } }", "blocks", "1602 boxes to draw, over the limit of 1500", "draw a part"),
        (HEAD + "for i in 0..1600 { conv(4 + i, 1) } }", "full", "1602 boxes to draw, over the limit of 1500", "draw a part"),
        (HEAD + "repeat 1600 { conv(4, 1) } }", "full", "1602 boxes to draw, over the limit of 1500", "`--level blocks` folds"),
        (DENSE.replace("{n}", "90"), "full", "4096 connections to draw, over the limit of 3000", "`--level blocks` folds"),
        (UNLIKE.replace("{n}", "90"), "blocks", "4096 connections to draw, over the limit of 3000", "draw a part"),
        (UNLIKE.replace("{n}", "90"), "full", "4096 connections to draw, over the limit of 3000", "draw a part"),
        (HEAD + "repeat 700 { add { x; x; x; x }; relu } }", "full", "3501 connections to draw", "`--level blocks` folds"),
    ],
)
def test_too_much_to_draw(text: str, detail: Detail, message: str, help: str) -> None:
    with pytest.raises(SpecError) as caught:
        render(graph_of(text), level=detail)
    assert caught.value.diagnostic.code == "E0904"
    assert message in caught.value.diagnostic.message
    assert caught.value.diagnostic.help is not None and caught.value.diagnostic.help.startswith(help)


@pytest.mark.parametrize("text", [HEAD + "repeat 1600 { conv(4, 1) } }", DENSE.replace("{n}", "90")], ids=["equal", "dense"])
def test_what_blocks_are_advised_for_is_drawn_with_them(text: str) -> None:
    assert render(graph_of(text), level="blocks").startswith(b"<?xml")


def test_skips_within_each_other_are_drawn_however_deep() -> None:
    drawing = place(build_diagram(graph_of(GROWING["skips"].replace("{n}", "350"))))
    assert len(drawing.lines) > 1000


@pytest.mark.parametrize(
    "body",
    [
        "->".join(["relu"] * 2500),
        "->".join(["relu", "sigmoid", "tanh", "bn", "silu"] * 500),
        "conv(4, 1)" + "; flatten; reshape([4, 8, 8])" * 9,
    ],
    ids=["one op", "five ops", "few ops"],
)
def test_a_run_of_plain_ops_is_several_cards(body: str) -> None:
    graph = graph_of(HEAD + body + " }")
    diagram = build_diagram(graph)
    assert max(len(box.parts) for box in diagram.boxes) <= 8
    assert b"<svg" in render(graph)


def test_long_names_and_many_inputs_are_shortened() -> None:
    inputs = "; ".join(f"input i{i} [4, 8, 8]" for i in range(200))
    graph = graph_of(
        f"## {'word ' * 5000}\nnetwork {'n' * 20_000} {{ {inputs}; add {{ {'; '.join(f'i{i}' for i in range(200))} }} }}"
    )
    assert b"and 197 more" in render(graph, "dot")
    assert b"<svg" in render(graph)
