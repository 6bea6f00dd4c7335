"""Remedies of syntax errors: a certain edit removes its error and makes no other."""

from __future__ import annotations

import pytest

from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.fixes import edited
from archdsl.diagnostics.record import Applicability
from archdsl.source import SourceFile
from archdsl.syntax.parser import parse
from tests.syntax.texts import ALL


def errors(text: str) -> list[Diagnostic]:
    return parse(SourceFile("net.arch", text))[1]


def fixed(text: str, error: Diagnostic) -> str:
    assert error.fix is not None
    return edited(text, error.fix.edits)


@pytest.mark.parametrize("group", ["golden", "examples", "mutants", "unfinished"])
def test_a_certain_edit_removes_its_error_and_adds_none(group: str) -> None:
    tried = 0
    for text in ALL[group]:
        before = errors(text)
        for error in before:
            if error.fix is not None and error.fix.applicability is Applicability.CERTAIN:
                tried += 1
                after = errors(fixed(text, error))
                # one that it hid may come up
                assert len(after) < len(before) or group in ("golden", "examples"), (text, error, after)
                assert len(after) <= len(before) and str(error) not in map(str, after), (text, error, after)
    assert tried


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("conv(8, 3 -> relu", "conv(8, 3) -> relu"),
        ("if (n > 1 { relu }", "if (n > 1) { relu }"),
        ("conv(8, 3) => relu", "conv(8, 3) -> relu"),
        ("conv(2**3, 3)", "conv(2^3, 3)"),
        ("conv(8, k: 3)", "conv(8, k= 3)"),
        ("conv((3, 3), 3)", "conv([3, 3], 3)"),
        ("expect x.c = 3", "expect x.c == 3"),
        ("n = 3", "let n = 3"),
        ("const n = 3", "let n = 3"),
        ("conv 64, 3", "conv(64, 3)"),
        ("conv { 64, 3 } -> relu", "conv(64, 3) -> relu"),
        ("add(relu, bn)", "add { relu; bn }"),
        ("concat(axis = 1, relu, [bn, gelu])", "concat(axis = 1) { relu; bn; gelu }"),
        ("if a { relu } elif b { bn }", "if a { relu } else if b { bn }"),
        ("relu // twice", "relu # twice"),
        ("conv('same')", 'conv("same")'),
        ("conv(8) → relu", "conv(8)  ->  relu"),
        ("expect a && b", "expect a  and  b"),
        ("assert x.c == 3", "expect x.c == 3"),
        ("slice(0:4)", "slice(0..4)"),
    ],
)
def test_slips_with_one_reading(text: str, right: str) -> None:
    around = "block b {{\n  {}\n}}"
    (error,) = errors(around.format(text))
    assert error.fix is not None and error.fix.applicability is Applicability.CERTAIN
    assert fixed(around.format(text), error) == around.format(right)
    assert not errors(around.format(right))


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("block b {\n  relu\n\nblock c { bn }", "block b {\n  relu\n}\n\nblock c { bn }"),
        ("network n {\n  relu\n", "network n {\n  relu\n}\n"),
        ("train { data = ./flowers }", 'train { data = "./flowers" }'),
        ("train { lr: 3 }", "train { lr= 3 }"),
        ("train { a = 1, b = 2 }", "train { a = 1; b = 2 }"),
    ],
)
def test_slips_outside_of_statements(text: str, right: str) -> None:
    (error,) = errors(text)
    assert error.fix is not None and error.fix.applicability is Applicability.CERTAIN
    assert fixed(text, error) == right and not errors(right)


@pytest.mark.parametrize("text", ["conv(\n  8, 3\n  relu", "conv1 = conv(8)", "bn relu", "skip { conv(8 }\n relu", "relu }"])
def test_what_may_mean_several_things_is_no_certain_edit(text: str) -> None:
    for error in errors(f"block b {{\n  {text}\n}}"):
        if "(8 }" not in text:
            assert error.fix is None or error.fix.applicability is Applicability.GUESS
