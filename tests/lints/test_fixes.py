"""What remedies of lints change: certain ones nothing about the network, and every one removes its finding."""

from __future__ import annotations

import pytest

from archdsl.diagnostics import Applicability
from archdsl.diagnostics.codes.table import CODES
from archdsl.diagnostics.fixes import edited
from archdsl.driver import check_text, compile_text
from archdsl.ir import state
from archdsl.lints import RULES

NET = "network n { input i [3, 8, 8]; "


def fixed(text: str, code: str) -> tuple[str, Applicability] | None:
    """The text after the edits of the first finding with a code; None if it has none."""
    fix = next(found.fix for found in check_text(text) if found.code == code)
    return None if fix is None else (edited(text, fix.edits), fix.applicability)


WITHOUT_EDITS = {"W0104", "W0109", "W0125", "W0126", "N0301"}


@pytest.mark.parametrize("code", [rule.code for rule in RULES if rule.code not in WITHOUT_EDITS])
def test_the_edits_of_the_example_remove_the_finding(code: str) -> None:
    text = CODES[code].bad
    after = fixed(text, code)
    if after is None:  # another use is at least as likely
        assert code in ("W0101", "W0102")
        return
    found = check_text(after[0])
    assert code not in {one.code for one in found} and not any(one.is_error for one in found)


@pytest.mark.parametrize(("before", "after"), [
    ("block b(a, k = 1) { conv(a, 3) }\n" + NET + "b(4) }", "block b(a) { conv(a, 3) }\n" + NET + "b(4) }"),
    ("block b(k = 1, a = 2) { conv(a, 3) }\n" + NET + "b(a = 4); b }", "block b(a = 2) { conv(a, 3) }\n" + NET + "b(a = 4); b }"),
    ("block b(k = 1) { conv(4, 3) }\n" + NET + "b }", "block b { conv(4, 3) }\n" + NET + "b }"),
    ("block b { let k = 3; conv(4, 3) }\n" + NET + "b }", "block b { conv(4, 3) }\n" + NET + "b }"),
    ("block b { conv(4, 3); let k = 3 }\n" + NET + "b }", "block b { conv(4, 3) }\n" + NET + "b }"),
    ("block b {\n  let k = 3\n  conv(4, 3)\n}\n" + NET + "b }", "block b {\n  conv(4, 3)\n}\n" + NET + "b }"),
    (NET + "let k = 3; relu }", NET + "relu }"),
])  # fmt: skip
def test_what_nothing_reads_is_deleted(before: str, after: str) -> None:
    assert fixed(before, "W0102") == (after, Applicability.CERTAIN)
    graphs = [compile_text(text, "n").require() for text in (before, after)]
    assert state(graphs[0]) == state(graphs[1])


@pytest.mark.parametrize("text", [
    "block b(a, k = 1) { conv(a, 3) }\n" + NET + "b(4, 2) }",
    "block b(a, k = 1) { conv(a, 3) }\n" + NET + "b(4, k = 2) }",
    "block b(k = 1, a = 2) { conv(a, 3) }\n" + NET + "b(4) }",
    "block b(a = 2, k = 1) { conv(a, 3) }\nblock c(of) { of(3) }\n" + NET + "c(of = b) }",
    "block b(\n  a = 2,  # wide\n  k = 1,\n) { conv(a, 3) }\n" + NET + "b }",
    "network n(k = 1) { input i [3, 8, 8]; relu }",
    NET + "if x.c > 2 { let k = 3 } }",
])  # fmt: skip
def test_where_a_deletion_may_matter_it_is_not_certain(text: str) -> None:
    after = fixed(text, "W0102")
    assert after is None or after[1] is Applicability.GUESS


@pytest.mark.parametrize(("code", "before", "after"), [
    ("W0105", NET + "conv(64, 3) -> bn(64) -> relu }", NET + "conv(64, 3) -> bn -> relu }"),
    ("W0108", NET + "bn -> lppool(2, p = 3) }", NET + "bn -> relu -> lppool(2, p = 3) }"),
    ("W0112", NET + "for i in 3..0 { conv(8 * i, 3) } }", NET + "for i in reversed(1..4) { conv(8 * i, 3) } }"),
    ("N0302", "network n { input i [224, 224, 3]; relu }", "network n { input i [3, 224, 224]; relu }"),
    ("W0101", "network n { input i [3]; input j [3]; relu }", "network n { input i [3]; relu }"),
    ("W0111", "block a { relu }\n\n" + NET + "relu }", "\n" + NET + "relu }"),
])  # fmt: skip
def test_what_changes_the_network_is_offered(code: str, before: str, after: str) -> None:
    assert fixed(before, code) == (after, Applicability.GUESS)
