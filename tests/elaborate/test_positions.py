"""What takes a position among the stages of a scope, and what counts as a consumer for `bias = auto`."""

from __future__ import annotations

import pytest

from archdsl.driver import compile_text
from archdsl.ir import state


def keys(body: str, before: str = "") -> list[str]:
    found = compile_text(f"{before}\nnetwork n {{ input a [3, 8, 8]; {body} }}")
    assert found.graph is not None, found.diagnostics
    return [key for key in state(found.graph) if key.endswith((".weight", ".bias"))]


@pytest.mark.parametrize(("between", "position"), [
    ("before: x", 1), ("x", 1), ("a", 1), ("{ x }", 1), ("relu", 2), ("before: x; relu", 2),
    ("g: { x }", 2), ("g: { }", 2), ("g: { if false { relu } }", 2), ("g: repeat 0 { relu }", 2),
    ("g[0]: { if false { relu } }", 2), ("b: rel_bias(1, 2)", 2),
    ('"g": { x }', 2), ("empty", 2), ("g: empty", 2), ("if false { relu }", 1), ("repeat 0 { relu }", 1),
])  # fmt: skip
def test_what_takes_a_position(between: str, position: int) -> None:
    found = keys(f"conv(3, 3); {between}; conv(3, 1)", "block empty { if false { relu } }")
    assert found == ["0.weight", "0.bias", f"{position}.weight", f"{position}.bias"]


@pytest.mark.parametrize(("further", "biased"), [
    ("", False), ("; relu", False), ("; expect c.c == 4", False), ("; conv(c.c, 1)", False), ("; crop_like(c)", True),
    ("; resize_like(c)", True),
    ("; add { x; c }", True), ("; aux h: c", True), ("; output o: c", True), ("; c", True), ("; aux h: x", False),
])  # fmt: skip
def test_what_counts_as_a_consumer(further: str, biased: bool) -> None:
    assert ("c.bias" in keys(f"c: conv(4, 3); bn{further}")) == biased
