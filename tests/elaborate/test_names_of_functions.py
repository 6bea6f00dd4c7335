"""Names that are functions of expressions and ops at once, and ops without an input among the statements."""

from __future__ import annotations

import pytest

from archdsl.driver import check_text, compile_text
from archdsl.ir import flatten, state


def ops_of(body: str, blocks: str = "") -> list[str]:
    graph = compile_text(f"{blocks}\nnetwork n {{ input image [4, 6, 6]; {body} }}").require()
    return [str(node.op) for node in flatten(graph).nodes]


@pytest.mark.parametrize(("body", "expected"), [
    ("abs", ["abs"]), ("max(0)", ["max(number = 0.0)"]), ("max(axis = -1)", ["max(axis = -1)"]), ("sqrt", ["sqrt"]),
    ("let n = max(3, 4); conv(n, 1, bias = true)", ["conv(bias = true, k = 1, out = 4)"]),
    ("repeat max(1, 2) { abs }", ["abs", "abs"]),
    ("let pool = max(axis = 0); pool", ["max(axis = 0)"]),
    ("let f = abs; f", ["abs"]),
    ("unit", ["abs", "max(axis = 0)"]),
    ("unit(relu, pool = mean(axis = 1))", ["relu", "mean(axis = 1)"]),
    ("let max = 2; repeat max { relu }", ["relu", "relu"]),
    ("if max(1, 2) == 2 { relu } else { abs }", ["relu"]),
    ("max { x; relu }", ["relu", "max"]), ("min{x; relu}", ["relu", "min"]),
    ("relu -> add(broadcast = true) { x; gap }", ["relu", "gap", "add(broadcast = true)"]),
    ("l: sub { x; relu }", ["relu", "sub"]),
])  # fmt: skip
def test_what_a_name_means(body: str, expected: list[str]) -> None:
    assert ops_of(body, "block unit(act: op = abs, pool: op = max(axis = 0)) { act -> pool }") == expected


def test_a_label_may_be_called_like_a_join() -> None:
    graph = compile_text(
        "network n { input image [4, 6, 6]; add: conv(4, 1); sub[0]: conv(4, 1); max: { conv(4, 1) } }"
    ).require()
    assert [key.rpartition(".")[0] for key in state(graph)] == ["add"] * 2 + ["sub.0"] * 2 + ["max.0"] * 2


@pytest.mark.parametrize(("body", "shape"), [
    ("p: param([2, 2])", (4, 6, 6)),
    ("p: param([2, 2]); p", (2, 2)),
    ("param([2, 2]) -> relu", (2, 2)),
    ("p: param([2, 2]) -> relu", (2, 2)),
    ("if true { p: param([2, 2]) }", (4, 6, 6)),
    ("for i in 0..2 { p[i]: param([2, 2]) }; p[1]", (2, 2)),
    ("g: { p: param([2, 2]) }", (4, 6, 6)),
    ("g: { p: param([2, 2]); p -> abs }", (2, 2)),
    ("add { x; const(1, [4, 6, 6]) }", (4, 6, 6)),
    ("output o: param([3]); relu", (4, 6, 6)),
    ("let shape = [3, 1]; p: param(shape + [2]); p", (3, 1, 2)),
    ("p: param([8]); matmul(x, x) -> relu", (4, 6, 6)),
])  # fmt: skip
def test_what_an_op_without_an_input_leaves(body: str, shape: tuple[int, ...]) -> None:
    text = f"network n {{ input image [4, 6, 6]; {body} }}"
    assert [found.code for found in check_text(text) if found.is_error] == []
    assert compile_text(text).require().result.shape == shape


def test_the_key_is_the_label() -> None:
    text = "network n { input a [4]; unit; w[0]: param([4]); k: const(1, [4]); add { x; w[0]; param([4]) } }"
    graph = compile_text(f"block unit {{ p: param([4]); add {{ x; p }} }}\n{text}").require()
    assert state(graph) == {"0.p": (4,), "w.0": (4,), "3": (4,)}


@pytest.mark.parametrize("detail", ["blocks", "full"])
def test_they_are_drawn(detail: str) -> None:
    from archdsl.backends.diagram.build import build_diagram

    text = (
        "network n { input image [4, 6, 6]; repeat 3 { mul { x; param([4, 1, 1]) }; max(0) }; k: const(2, [4, 6, 6]); "
        "sub { x; k }; m: reshape([6, 24]); matmul(m, m, transpose_b = true) -> mean(axis = 0); output p: param([3]) }"
    )
    diagram = build_diagram(compile_text(text).require(), detail)  # type: ignore[arg-type]
    drawn = [part.text for box in diagram.boxes for part in box.parts]
    assert sum("param" in text for text in drawn) >= 1 and any("matmul" in text for text in drawn)
