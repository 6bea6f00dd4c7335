"""`expect` on counts: each is held to the counts of the function in which it stands, as it is called."""

from __future__ import annotations

import pytest

from archdsl.driver import compile_text


def codes(body: str, before: str = "") -> list[str]:
    found = compile_text(f"{before}\nnetwork n {{ input image [8, 16, 16]; {body} }}")
    return [diagnostic.code for diagnostic in found.diagnostics if diagnostic.is_error]


BLOCK = "block f(w, n) { conv(w, 1); expect params == n }"


@pytest.mark.parametrize(("body", "before", "expected"), [
    ("f(8, 72); f(8, 72)", BLOCK, []), ("f(8, 72); f(8, 71)", BLOCK, ["E0701"]), ("f(8, 71); f(8, 71)", BLOCK, ["E0701"]),
    ("f(8, 72); f(4, 36); f(4, 20)", BLOCK, []), ("g: { f(8, 72) -> conv(1, 1); expect params == 81 }", BLOCK, []),
    ("for i in 1..3 { g[i]: { conv(8 * i, 1); expect depth == 1; expect params == i * 8 * 9 if i == 1 } }", "", []),
    ("g: { expect params == 0 }; conv(1, 1); expect params == 9", "", []), ("g: { expect params == 1 }", "", ["E0701"]),
    ("f", "block f { expect macs == 1 }", ["E0701"]),
    ("a: f; relu; expect params == 99; expect params_eval == 72",
     "block f { conv(8, 1); aux h: { gap; flatten; linear(3) }; expect params_eval == 72 }", []),
    ("conv(8, 1); expect macs == 8 * 8 * 256 and depth == 1", "", []), ("conv(8, 1); expect params", "", ["E0401"]),
    ("relu; expect params + nope == 0", "", ["E0201"]),
])  # fmt: skip
def test_counts(body: str, before: str, expected: list[str]) -> None:
    assert codes(body, before) == expected


def test_a_block_that_a_head_alone_calls_counts_as_one_that_only_training_needs() -> None:
    before = "block f(n) { conv(8, 1); expect params_eval == n }"
    assert codes("f(72); aux h: f(0)", before) == []
    assert codes("f(72); aux h: f(72)", before) == ["E0701"]
