"""Habits of other frameworks are reported in every spelling, and what people mean is not."""

from __future__ import annotations

import pytest

from archdsl.diagnostics.fixes import edited
from archdsl.driver import check_text


def network(shape: str, body: str) -> str:
    """A network with one input."""
    return f"network n {{\n  input i {shape}\n  {body}\n}}\n"


@pytest.mark.parametrize(("code", "shape", "before", "after"), [
    ("W0115", "[3, 224, 224]", "conv(3, 64, 7, pad = 3)", "conv(64, 7, pad = 3)"),
    ("W0115", "[3, 32, 32]", "conv(3, 16, 3, pad = 1)", "conv(16, 3, pad = 1)"),
    ("W0115", "[3, 32, 32]", "conv(3, 8, 3, pad = 1)", "conv(8, 3, pad = 1)"),
    ("W0115", "[1, 28, 28]", "conv(1, 6, 5, pad = 0)", "conv(6, 5, pad = 0)"),
    ("W0115", "[64, 280, 280]", "conv(64, 128, 3, 2, 1)", "conv(128, 3, 2, 1)"),
    ("W0115", "[64, 28, 28]", "conv(64, 1, 3)", "conv(1, 3)"),
    ("W0115", "[3, 500]", "conv(3, 64, 7, pad = 3)", "conv(64, 7, pad = 3)"),
    ("W0115", "[3, 80, 80, 80]", "conv(3, 64, 3, pad = 1)", "conv(64, 3, pad = 1)"),
    ("W0115", "[3, H, W]", "conv(3, 64, 7, pad = 3)", "conv(64, 7, pad = 3)"),
    ("W0115", "[64, 56, 56]", "upconv(64, 32, 2)", "upconv(32, 2)"),
    ("W0115", "[33, 32, 32]", "depthwise(33, 3)", "depthwise(3)"),
    ("W0115", "[33, 32, 32]", "depthwise(33, 3, 1)", "depthwise(3)"),
    ("W0115", "[64, 100, 100]", "maxpool(64, 2)", "maxpool(2)"),
    ("W0116", "[64, 8, 8]", "gn(64, 32)", "gn(32)"),
    ("W0116", "[64, 8, 8]", "gn(8, 16)", "gn(8)"),
    ("W0116", "[64, 8, 8]", "bn(0.9)", "bn(momentum = 0.1)"),
    ("W0116", "[32, 8, 8]", "bn(64, 0.01)", "bn(0.01)"),
    ("W0105", "[64, 8, 8]", "gn(32, 64)", "gn(32)"),
    ("W0105", "[64, 8, 8]", "instance_norm(64, true)", "instance_norm(affine = true)"),
    ("W0117", "[8, 8, 8]", "bn(momentum = 0.99)", "bn(momentum = 0.01)"),
    ("W0117", "[8, 8, 8]", "bn(1e-3, 0.9)", "bn(1e-3, 0.1)"),
    ("W0118", "[8, 8, 8]", "softmax(1)", "softmax(0)"),
    ("W0118", "[8, 8]", "ln(axis = 1)", "ln(axis = 0)"),
    ("W0118", "[8, 8, 8]", "concat( axis = 1 ) { x; relu }", "concat( axis = 0 ) { x; relu }"),
    ("W0118", "[6272]", "reshape([-1, 128, 7, 7])", "reshape([128, 7, 7])"),
    ("W0118", "[64, 7, 7]", "reshape([-1, 3136])", "flatten"),
    ("W0119", "[8, 8, 8]", "dropout(0.8)", "dropout(0.2)"),
    ("W0119", "[8, 8, 8]", "droppath(p = 0.75)", "droppath(p = 0.25)"),
    ("W0120", "[8, 8, 8]", "leaky_relu(-0.2)", "leaky_relu(0.2)"),
    ("W0120", "[8, 8, 8]", "leaky_relu(slope = 5.5)", "leaky_relu(slope = 0.182)"),
    ("W0122", "[8, 56, 56]", "upsample(224)", "upsample(4)"),
    ("W0122", "[8, 7, 14]", "upsample([7, 56])", "upsample([7, 56])"),
    ("W0123", "[8, 8, 8]", "add { bn -> relu }", "add { x; bn -> relu }"),
    ("W0124", "[8, 8, 8]", "concat { x; conv(8, 3); relu }", "concat { x; conv(8, 3) -> relu }"),
    ("W0124", "[8, 8, 8]", "add { x; for k in [3] { conv(8, k); bn } }", "add { x; for k in [3] { conv(8, k) -> bn } }"),
    ("W0125", "[8, 8, 8]", "let w = 2; for i in 0..2 { let w = w * 2; conv(w, 3) }",
     "let w = 2; for i in 0..2 { let w = w * 2; conv(w, 3) }"),
    ("W0121", "[8, 8, 8]", "a: relu; b: bn; sub: { a; b }", "a: relu; b: bn; sub: { b }"),
    ("W0128", "[16, 64]", "linear(64) -> ln", "linear(64) -> ln(axis = -1)"),
    ("W0128", "[16, 64]", "ln(1e-6) -> mha(4)", "ln(1e-6, axis = -1) -> mha(4)"),
    ("W0128", "[8, 8]", "matmul(x, x) -> softmax", "matmul(x, x) -> softmax(axis = -1)"),
    ("W0129", "[8, 8, 8]", "relu: conv(8, 3) -> relu; add { x; relu }", "relu: conv(8, 3) -> relu; add { x; relu() }"),
    ("W0126", "[16, 64]", "q: linear(64); k: linear(64); attend(q, k, k)", "q: linear(64); k: linear(64); attend(q, k, k)"),
])  # fmt: skip
def test_the_edit_writes_what_is_meant(code: str, shape: str, before: str, after: str) -> None:
    text = network(shape, before)
    finding = next(found for found in check_text(text) if found.code == code)
    fix = finding.fix
    rewritten = edited(text, fix.edits) if fix is not None else text
    assert rewritten == network(shape, after)
    if before != after:
        assert check_text(rewritten) == []


@pytest.mark.parametrize(("shape", "body"), [
    ("[3, 32, 32]", "conv(3, 9); conv(3, 3, 2); conv(3, 4, 4, pad = 0)"),
    ("[64, 32, 32]", "conv(64, 3, 1); conv(64, 1, 2); conv(64, 7, 4); conv(64, 31, groups = 64)"),
    ("[64, 256]", "conv(64, 16, stride = 2, pad = 7); conv(64, 65); conv(128, 80, 4, pad = 38)"),
    ("[21, 8, 8]", "upconv(21, 64, 32)"),
    ("[21, 8, 8]", "upconv(21, 16, 8); upconv(21, 4, 2); upconv(42, 64)"),
    ("[64, 64, 64]", "depthwise(7); depthwise(5, 2); avgpool(32)"),
    ("[8, 8, 8]", "bn(1e-3); bn(eps = 1e-2); gn(8); gn(4, 1e-6); ln(1e-6); bn(momentum = 0.5); bn(momentum = 0.03)"),
    ("[8, 8, 8]", "softmax; softmax(-2); softmax(2); concat(axis = -2) { x; relu }; slice(0..4, axis = 1)"),
    ("[8, 8, 8]", "reshape([-1, 8]); reshape([8, -1]); reshape([512])"),
    ("[8, 8, 8]", "dropout(0.7); dropout2d(0.5); droppath(0.2); skip(drop = 0.5) { relu }; dropout(0)"),
    ("[8, 8, 8]", "leaky_relu(0.3); prelu(0.5); leaky_relu(0)"),
    ("[8, 8, 8]", "upsample(32)"),
    ("[8, 8, 8]", "concat { for k in [3] { conv(8, k) } }; s: relu; if x.c > 2 { s } else { relu }; add { s; x }"),
    ("[8, 8, 8]", "relu: relu; relu; b: bn; early: b -> relu; add { early; b }"),
    ("[8, 8, 8]", "add { conv(8, 3) -> bn; conv(8, 1) -> bn; bn }; mul { conv(8, 1); sigmoid }; concat { conv(8, 1); n: bn }"),
    ("[16, 64]", "q: linear(64); k: i -> linear(64); v: i -> linear(64); attend(q, k, v); attend(x, x, x)"),
    ("[8, 8, 8]", "let w = 2; for i in 0..2 { let w = w * 2 ^ i; conv(w, 3) }; for w in [2, 4] { let w = w + 1; conv(w, 1) }"),
    ("[8, 8, 8]", "v: relu; p: param([8, 1, 1]); p; mul { x; v }"),
    ("[16, 64]", "ln; linear(64) -> ln(axis = 0); conv(16, 1); softmax(axis = 0)"),
    ("[16, 64]", "transpose(0, 1) -> linear(16) -> gelu -> transpose(0, 1) -> ln"),
    ("[8, 8, 8]", "conv(8, 3) -> ln -> permute([1, 2, 0]) -> linear(8, axis = -1) -> permute([2, 0, 1]) -> ln -> gap"),
    ("[8, 8, 8]", "relu: relu; bn: bn; { bn; relu }; add { x; { relu; bn } }; concat { x; relu() }"),
])  # fmt: skip
def test_what_is_meant_is_not_reported(shape: str, body: str) -> None:
    assert check_text(network(shape, body)) == []


@pytest.mark.parametrize(
    "code", ["W0115", "W0116", "W0117", "W0118", "W0119", "W0120", "W0121", "W0122", "W0123", "W0124", "W0125"]
)
def test_a_comment_suppresses_it(code: str) -> None:
    from archdsl.diagnostics.codes.table import CODES

    text = CODES[code].bad
    (finding,) = check_text(text)
    assert finding.span is not None
    start = text.rfind("\n", 0, finding.span.start) + 1
    assert check_text(f"{text[:start]}  # arch: allow({code}) meant\n{text[start:]}") == []


def test_a_block_reports_its_line_once() -> None:
    text = "block unit(p) { conv(8, 3) -> bn(momentum = p) }\n" + network("[3, 8, 8]", "unit(0.9); unit(0.99); unit(0.1)")
    assert [found.code for found in check_text(text)] == ["W0117"]


@pytest.mark.parametrize("op", ["leaky_relu(2)", "softplus(beta = 2.0)", "scale(1.5)", "prelu(init_value = 4)"])
def test_numbers_beside_a_single_number(op: str) -> None:
    """A value without axes has no channels that a number could be."""
    found = check_text(f"network n {{ input a [4]; mean(axis = 0) -> {op} }}")
    assert not {"W0105"} & {diagnostic.code for diagnostic in found}
