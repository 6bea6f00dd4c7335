"""Nothing passes because it is unknown: `x` before there is an input, and what no error explains."""

from __future__ import annotations

from pathlib import Path

import pytest

from archdsl import driver
from archdsl.driver import compile_text
from archdsl.elaborate import Module, Program
from archdsl.ir import flatten
from archdsl.source import SourceFile

EARLY = [
    "let a = {}", "let a = [1, {}]", "expect {} == 3", "expect params == {}", "expect params > 0 if {} > 3",
    "expect 3 > 2 if {} == 3",
    "init {{ conv = constant({}) }}", "init {{ conv = normal(std = {}) }}", "aux(weight = {}) a: relu",
    "if {} > 3 {{ conv(4, 3) }}", "repeat {} {{ relu }}", "for i in 0..{} {{ relu }}", "conv({}, 3)", "e[{}]: relu",
    '"e{{{}}}": relu',
    "skip(drop = {}) {{ relu }}", "output o: conv({}, 1)", "concat(axis = {}) {{ relu; relu }}",
]  # fmt: skip


@pytest.mark.parametrize("statement", EARLY)
@pytest.mark.parametrize("value", ["x.c", "min(x.c, 3)", "(x.c if true else 3)", "x.shape[0]"])
def test_x_before_the_input(statement: str, value: str) -> None:
    found = compile_text(f"network n {{ {statement.format(value)}; input image [3, 8, 8]; conv(4, 3) }}")
    assert [d.code for d in found.diagnostics if d.is_error] == ["E0503"]


@pytest.mark.parametrize("sizes", ["[x.c, 8, 8]", "[3, x.h + 1, 8]", "[3, H, 2 * x.h]"])
def test_x_in_the_sizes_of_the_first_input(sizes: str) -> None:
    found = compile_text(f"network n {{ input image {sizes}; conv(4, 3) }}")
    assert [d.code for d in found.diagnostics if d.is_error] == ["E0503"]


def test_x_as_a_rule() -> None:
    found = compile_text("network n { init { conv = x.c }; input image [3, 8, 8]; conv(4, 3) }")
    assert [d.code for d in found.diagnostics if d.is_error] == ["E0503"]


def test_a_further_input_may_follow_the_first() -> None:
    assert compile_text("network n { input a [3, H]; input b [x.c, x.l]; add { a; b } }").ok


@pytest.mark.parametrize(
    "statement", ["conv(width, 3)", "if width > 3 { relu }", "expect width == 3", "skip(drop = width) { relu }", "width"]
)
def test_what_is_unknown_without_an_error_is_one(statement: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An earlier stage forgets to say what is wrong with a name."""

    class Forgetful(Program):
        def module(self, source: SourceFile, path: Path | None) -> Module:
            module = super().module(source, path)
            self.diagnostics.clear()
            return module

    text = f"block width {{ relu }}\nblock width {{ bn }}\nnetwork n {{ input image [3, 8, 8]; {statement}; conv(4, 3) }}"
    assert [d.code for d in compile_text(text).diagnostics if d.is_error] == ["E0204"]
    monkeypatch.setattr(driver, "Program", Forgetful)
    [found] = [d for d in compile_text(text).diagnostics if d.is_error]
    assert found.code == "E0401" and found.mark is not None and "width" in found.mark.span.text


@pytest.mark.parametrize("text", [
    "block b(x) { relu }\nnetwork n { input image [3, 8, 8]; b(3) }",
    "network n { input image [3, 8, 8]; for x in 0..3 { relu } }",
    "network n { input image [3, 8, 8]; for i, x in [1, 2] { relu } }",
    "network n { input image [3, 8, 8]; concat { for x in 0..3 { relu } } }",
    "network n(x = 3) { input image [3, 8, 8]; relu }",
])  # fmt: skip
def test_x_is_the_tensor_alone(text: str) -> None:
    assert [d.code for d in compile_text(text).diagnostics if d.is_error] == ["E0205"]


@pytest.mark.parametrize(("condition", "decided"), [
    ("x.h >= 1", True), ("image.h + 2 > x.h", True), ("x.h // 2 <= x.h", True), ("x.h < x.h", False), ("x.h > 4", None),
    ("x.h < image.w", None),
])  # fmt: skip
def test_comparisons_that_hold_always_or_never(condition: str, decided: bool | None) -> None:
    compiled = compile_text(f"network net {{ input image [3, H, W]\n if {condition} {{ relu }} else {{ tanh }} }}")
    assert [d.code for d in compiled.diagnostics] == ([] if decided is not None else ["E0307"])
    assert decided is None or flatten(compiled.require()).nodes[-1].op.name == ("relu" if decided else "tanh")
