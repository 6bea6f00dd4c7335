"""The projection that a skip lacks fits every call of its block."""

from __future__ import annotations

import pytest

from archdsl.diagnostics import Applicability, Diagnostic
from archdsl.driver import check_text, compile_text

CALLS = "basic(64); basic(32, 2); basic(32); basic(48); basic(48, 3)"
BODIES = [
    ("conv(width, 3, stride) -> bn -> relu -> conv(width, 3) -> bn",
     "if stride != 1 or x.c != width { conv(width, 1, stride) -> bn }"),
    ("conv(width, 3) -> norm -> relu -> conv(width, 3, stride = stride) -> norm",
     "if stride != 1 or x.c != width { conv(width, 1, stride) -> norm }"),
    ("bn -> relu -> conv(width, 3, stride) -> bn -> relu -> conv(width, 3)",
     "if stride != 1 or x.c != width { conv(width, 1, stride) }"),
    ("conv(width, 1) -> gn(2) -> relu -> conv(2 * width, 3, stride, dilation = 2) -> gn(2)",
     "if stride != 1 or x.c != 2 * width { conv(2 * width, 1, stride) -> gn(2) }"),
    ("a: conv(width, 3, stride); bn; relu; b: { conv: conv(width, 3) }", None),
    ("a: conv(width, 3, stride); bn; relu; b: conv(width, 3)", "if stride != 1 or x.c != width { conv(width, 1, stride) }"),
    ("conv(width, 3) -> conv(width, 3)", "if x.c != width { conv(width, 1) }"),
    ("conv(width, 3, stride) -> conv(width, 3, stride)",
     "if stride * stride != 1 or x.c != width { conv(width, 1, stride * stride) }"),
    ("conv(width, 3, stride) -> conv(width, 3, 2)", "conv(width, 1, 2 * stride)"),
    ("conv(width, 3, stride, pad = 0)", None),
    ("conv(x.c * 2, 3, stride)", None),
    ("conv(width, 3, stride) -> maxpool(2)", None),
    ("conv(width, 3, stride); if stride == 1 { conv(8, 3) }", None),
    ("let inner = 2 * width; conv(inner, 3, stride)", None),
]  # fmt: skip


def network(body: str, image: str = "[64, 36, 36]") -> str:
    return f"""block basic(width, stride = 1, norm = bn) {{
  skip {{ {body} }}
  relu
}}
network n {{ input image {image}; {CALLS} }}
"""


def mismatch(text: str) -> Diagnostic:
    """The error of the skip."""
    return next(found for found in check_text(text) if found.code == "E0301")


@pytest.mark.parametrize(("body", "shortcut"), BODIES)
def test_every_call_fits(body: str, shortcut: str | None) -> None:
    for image in ("[64, 36, 36]", "[64, H, W]"):
        text = network(body, image)
        fix = mismatch(text).fix
        certain = fix is not None and fix.applicability is Applicability.CERTAIN
        assert certain == (shortcut is not None)
        if fix is not None and certain:
            (edit,) = fix.edits
            assert edit.text == f" via {{ {shortcut} }}"
            fixed = text[: edit.span.start] + edit.text + text[edit.span.end :]
            assert [found.message for found in check_text(fixed) if found.is_error] == []


def test_a_skip_that_runs_once_needs_no_condition() -> None:
    fix = mismatch("network n { input image [3, 8, 8]; skip { conv(16, 3) -> bn } }").fix
    assert fix is not None and fix.edits[0].text == " via { conv(16, 1) -> bn }"
    fix = mismatch("network n { input image [3, 8, 8]; repeat 3 { skip { conv(16, 3) -> bn } } }").fix
    assert fix is not None and fix.edits[0].text == " via { if x.c != 16 { conv(16, 1) -> bn } }"
    fix = mismatch("network n { input image [3, 8, 8]; for w in [4, 8] { skip { conv(w, 3) -> bn } } }").fix
    assert fix is not None and fix.edits[0].text == " via { if x.c != w { conv(w, 1) -> bn } }"


def test_the_fixed_block_is_a_residual_network() -> None:
    text = network(BODIES[0][0])
    fix = mismatch(text).fix
    assert fix is not None
    (edit,) = fix.edits
    graph = compile_text(text[: edit.span.start] + edit.text + text[edit.span.end :]).require()
    assert graph.result.shape == (48, 6, 6)
