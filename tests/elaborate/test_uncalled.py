"""Blocks that a network does not call: what fails with some values is a warning, what the text alone shows an error."""

from __future__ import annotations

import pytest

from archdsl.diagnostics import Diagnostic, Severity
from archdsl.driver import check_text, compile_text

NETWORK = "network n { input image [3, 8, 8]; conv(4, 3) }"
UNIT = "block unit(k) { repeat x.c // 6 { conv(8, 3, stride = k - 1) } }\n"


def found(blocks: str) -> list[tuple[str, Severity]]:
    compiled = compile_text(f"{blocks}\n{NETWORK}")
    assert compiled.ok == (not any(d.is_error for d in compiled.diagnostics))
    return [(d.code, d.severity) for d in compiled.diagnostics]


@pytest.mark.parametrize("blocks", [
    UNIT + "block pair { unit(1) }", "block pair { unit(1) }\n" + UNIT,
    "block a(k) { if x.c > 100 { conv(8, 3, stride = k - 1) } }\nblock b { a(1) }",
    "block a(n) { let k = 0; if n > 3 and k > 0 { conv(8, 3, stride = k) } }",
    "block a(n) { let w = [1, 2]; if n { conv(w[2], 1) } }",
    "block a(n) { if n { e[0]: relu; add { e[1]; x } } }", "block a(n) { if n { repeat 2 { same: relu } } }",
    "block a(n) { repeat n { repeat 10^9 { relu } } }",
    "block a(n) { let k = 0; concat { if n { conv(k, 1) }; x } }",
    "block a(n, k = 2) { for i in 0..n { conv(1 // (k - 2), 1) } }\nblock b(n) { a(n) }",
])  # fmt: skip
def test_what_follows_from_values_is_a_warning(blocks: str) -> None:
    assert found(blocks) == [("W0107", Severity.WARNING)]


@pytest.mark.parametrize(("block", "code"), [
    ("if n { nope }", "E0201"), ("if n { conv(3, 3, strde = 1) }", "E0202"), ("if n { c: relu; c: relu }", "E0203"),
    ('if n { conv("a", 3) }', "E0401"),
    ("repeat n { conv(8, 3, stride = 0) }", "E0402"), ("if n { conv(8 // 0, 3) }", "E0405"), ("if n { y; y: relu }", "E0206"),
    ("if n { relu(1, 2) }", "E0404"),
    ("if n { conv }", "E0403"), ("let k = 0; conv(k, 3)", "E0402"), ("repeat 10^9 { relu }", "E0502"),
    ("if n { a(n - 1) }", "E0501"), ("if n { input y [3] }", "E0504"),
])  # fmt: skip
def test_what_the_text_shows_is_an_error(block: str, code: str) -> None:
    assert found(f"block a(n) {{ {block} }}") == [(code, Severity.ERROR)]


def test_what_fails_in_every_call_is_an_error() -> None:
    assert found("block a(k) { conv(8, 3, stride = k - 1) }\nblock b { a(1) }") == [("E0402", Severity.ERROR)]


def test_a_warning_states_what_it_assumes() -> None:
    [warning] = compile_text(f"{UNIT}block pair {{ unit(1) }}\n{NETWORK}").diagnostics
    assert (
        warning.message == "assuming k = 1 and that the loop over `x.c // 6` runs: `stride` of `conv` must be at least 1, found 0"
    )
    assert warning.notes[0] == "`n` does not call `pair`" and "unit(1)" in warning.notes[1]


def test_a_call_decides() -> None:
    def codes(diagnostics: list[Diagnostic]) -> list[str]:
        return [d.code for d in diagnostics]

    pair = UNIT + "block pair { unit(1) }\n"
    assert codes(check_text(pair + "network m { input image [3, 8, 8]; pair }\n" + NETWORK)) == []
    assert codes(check_text(pair + "network m { input image [6, 8, 8]; pair }\n" + NETWORK)) == ["E0402"]
    assert codes(check_text(pair + NETWORK)) == ["W0107"]


def test_a_claim_is_checked_after_a_warning() -> None:
    compiled = compile_text(
        "block a(n) { repeat n { for i in 0..10^9 { } } }\nnetwork n { input image [3, 8, 8]; conv(4, 1); expect params == 15 }"
    )
    assert [d.code for d in compiled.diagnostics] == ["W0107", "E0701"]
