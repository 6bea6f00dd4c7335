"""Whatever the text: diagnostics or graphs, no exception, and every mark inside its source."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import archdsl.registry
from archdsl.diagnostics import Diagnostic, as_data, render_github, render_text
from archdsl.driver import check_text, compile_text

SPECS = Path(archdsl.registry.__file__).parent.parent / "specs"
TEXTS = [path.read_text(encoding="utf-8") for path in sorted(SPECS.glob("*.arch")) if path.stat().st_size < 3_000]
SMALL = """block unit(out, stride = 1) {
  skip(drop = 0.1) { conv1: conv(out, 3, stride) -> bn; relu } via { conv(out, 1, stride) }
}
network tiny(unit = unit, widths = [8, 16], classes: int = 10) {
  input image [3, 32, 32]
  for i, n in widths { "layer{i + 1}": unit(n, stride = 2 if i > 0 else 1); enc[i]: conv(n, 3) }
  concat { x; enc[1]; { gap; resize_like(enc[1]) } }
  aux(weight = 0.3) head: { gap; flatten; linear(classes) }
  output mask: conv(1, 1)
  gap; flatten; let n = x.c // 2; linear(min(n, classes) if n > 2 else 2^3)
  expect x.rank == 1 and params > 10 if classes == 10
  init { conv = he(mode = "fan_out") }
}
network wide = tiny(widths = [16, 32])
train { data = digits; optimizer = sgd(lr = 0.1); augment = [shift(1)] }
"""
TOKENS = re.findall(r"\w+|\"[^\"]*\"|->|\.\.|//|[=!<>]=|\s+|.", SMALL)
STRAY = ["\n", ";", "'", "def", "return", "9" * 90, "1e999", "0", "-1", "{{", "\0", "é"]
WORDS = [*sorted({token for token in TOKENS if token.strip()}), *STRAY]

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def examine(text: str) -> None:
    """Check a text, and everything about what is found."""
    examine_all(check_text(text))


def examine_all(found: list[Diagnostic]) -> None:
    """Everything about what is found."""
    for diagnostic in found:
        for mark in (diagnostic.mark, *diagnostic.related):
            assert mark is None or 0 <= mark.span.start < mark.span.end <= len(mark.span.file.text), diagnostic
        assert "\n" not in diagnostic.message and "Unknown" not in diagnostic.message, diagnostic
        as_data(diagnostic)
    render_text(found, color=True)
    render_github(found)


def test_the_small_text_is_right() -> None:
    assert check_text(SMALL) == []


@quick
@given(st.text(max_size=200))
def test_any_characters(text: str) -> None:
    examine(text)


@quick
@given(
    st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join),
    st.sampled_from(["classes", "unit", "train.data", "train.augment"]),
)
def test_any_setting(text: str, name: str) -> None:
    found = compile_text(SMALL, "tiny", {name: text})
    examine_all(found.diagnostics)
    assert found.ok == (not any(diagnostic.is_error for diagnostic in found.diagnostics))


@quick
@given(st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join))
def test_any_words(text: str) -> None:
    examine(text)


@quick
@given(st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join))
def test_any_words_in_a_network(text: str) -> None:
    examine("network t {\n  input image [3, 32, 32]\n  " + text + "\n}")


@st.composite
def changed_tokens(draw: st.DrawFn) -> str:
    """The small text with a few of its tokens deleted, doubled, swapped or replaced."""
    tokens = list(TOKENS)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(tokens) - 1))
        how = draw(st.sampled_from(["delete", "insert", "replace", "swap", "cut"]))
        if how == "delete":
            del tokens[at]
        elif how == "insert":
            tokens.insert(at, draw(st.sampled_from(WORDS)))
        elif how == "replace":
            tokens[at] = draw(st.sampled_from(WORDS))
        elif how == "swap":
            tokens[at], tokens[at - 1] = tokens[at - 1], tokens[at]
        else:
            del tokens[at : at + draw(st.integers(1, 40))]
        tokens = tokens or ["x"]
    return "".join(tokens)


@quick
@given(changed_tokens())
def test_changed_tokens(text: str) -> None:
    examine(text)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(TEXTS), st.integers(0, 3_000), st.integers(0, 12), st.text(max_size=4))
def test_changed_characters_of_specs(text: str, at: int, length: int, new: str) -> None:
    at %= len(text)
    examine(text[:at] + new + text[at + length :])
