"""Domains of parameters and recipe keys: defaults, membership, settings, aliases, and the tree."""

from __future__ import annotations

import math
from typing import Any

import pytest

from archdsl.diagnostics import Diagnostic
from archdsl.driver import check_text, compile_text
from archdsl.elaborate import Elaboration, elaborate
from archdsl.source import SourceFile
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import parse
from archdsl.syntax.trivia import Trivia
from archdsl.syntax.unparse import unparse

SPACE = """
let acts = [relu, leaky_relu(0.1)]
network net(width: int in [16, 24, 32], depth in 2..6 = 3, act: op in acts, p in uniform(0.0, 0.5), factor in log(0.01, 1))
  where (macs < 600_000_000 and width * depth < 150) and x.shape == [10] and body.c < 40 and len(turns) > 1 {
  input image [3, 32, 32]
  let turns = [i for i in 0..depth]
  body: { for i in turns { conv(width, 3) -> bn -> act } }
  dropout(p) -> scale(factor)
  gap -> flatten -> linear(10)
}
"""


def arguments(text: str, name: str = "net", **settings: str) -> dict[str, Any]:
    compiled = compile_text(text, name, settings)
    return dict(compiled.require().main.arguments)


def codes_of(found: list[Diagnostic]) -> list[str]:
    return [one.code for one in found]


def test_the_default_is_the_first_value_the_middle_or_what_is_written() -> None:
    found = arguments(SPACE)
    assert (found["width"], found["depth"], str(found["act"])) == (16, 3, "relu")
    assert found["p"] == 0.25 and math.isclose(found["factor"], 0.1)


@pytest.mark.parametrize(
    ("name", "value", "ok"),
    [
        ("width", "24", True), ("width", "24.0", False), ("width", "20", False), ("depth", "5", True), ("depth", "6", False),
        ("depth", "2.5", False), ("depth", "true", False), ("act", "leaky_relu(0.1)", True), ("act", "leaky_relu(0.2)", False),
        ("act", "silu", False), ("p", "0", True), ("p", "0.5", True), ("p", "0.51", False), ("p", '"0.1"', False),
        ("factor", "1", True), ("factor", "0.001", False),
    ],
)  # fmt: skip
def test_a_setting_picks_a_value_of_the_domain(name: str, value: str, ok: bool) -> None:
    compiled = compile_text(SPACE, "net", {name: value})
    assert compiled.ok is ok
    if not ok:
        assert codes_of([one for one in compiled.diagnostics if one.is_error])[0] in ("E0415", "E0401", "E0406")


def test_an_alias_has_the_space_of_what_it_leaves_open() -> None:
    text = SPACE + "network small = net(24, depth = 4)\nnetwork wrong = net(20)\n"
    assert arguments(text, "small", p="0.1")["p"] == 0.1
    assert codes_of(compile_text(text, "small", {"width": "16"}).diagnostics) == ["E0607"]
    assert "E0415" in codes_of(compile_text(text, "wrong").diagnostics)


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ("params < 100", "E0702"), ("width < 10", "E0702"), ("params > 10 and width < 10", "E0702"), ("c1.c == 9", "E0702"),
        ("half == 9", "E0702"), ("x.shape == [9]", "E0702"), ("1 < 2", "E0702"), ("width", "E0401"), ("widht > 3", "E0201"),
        ("params > 10 or width < 10", None), ("not width < 10", None), ("c1.c == width and half == 8", None),
        ("depth == 2", None), ("x.rank == 1 and classes == 10", None),
    ],
)  # fmt: skip
def test_where(where: str, code: str | None) -> None:
    text = f"""
    network net(width in [16, 24], classes = 10) where {where} {{
      input image [3, 32, 32]
      let half = width // 2
      c1: conv(half * 2, 3)
      gap -> flatten -> linear(classes)
    }}
    """
    assert codes_of(check_text(text)) == ([] if code is None else [code])


def test_a_condition_of_parameters_is_judged_before_the_body() -> None:
    compiled = compile_text("network net(n in [200_000, 2]) where n < 100 { input i [3, 8, 8]; for j in 0..n { relu } }", "net")
    assert codes_of(compiled.diagnostics) == ["E0702"]  # and not that there are too many ops
    assert compiled.steps < 1_000


@pytest.mark.parametrize(
    "text", [SPACE, "train { data = digits; optimizer in [sgd(lr in log(1e-3, 1) = 0.1)]; batch in [8, 16] = 8 }"]
)
def test_the_tree_is_lossless(text: str) -> None:
    file, errors = parse(SourceFile("net.arch", text))
    assert errors == []
    assert unparse(Trivia(file)) == text
    domains = [node for node in ast.walk(file) if isinstance(node, ast.Parameter | ast.Domain)]
    assert domains and all(one.span.text for one in domains)


def test_symbols_of_a_space() -> None:
    compiled = compile_text(SPACE, "net")
    table = compiled.symbols
    assert table is not None and table.unresolved == []
    uses = {
        symbol.name: (str(symbol.kind), len(symbol.uses))
        for symbol in table.symbols
        if symbol.name in ("acts", "body", "width", "uniform")
    }
    assert uses == {"acts": ("constant", 1), "body": ("label", 1), "width": ("parameter", 2), "uniform": ("function", 1)}
    where = SPACE.index("where")
    at = table.at(compiled.sources[0], SPACE.index("width * depth", where))
    assert at is not None and at.name == "width" and at.definitions[0].start == SPACE.index("width")


RECIPE = """
let rates = [0.1, 0.2]
network net { input image [1, 8, 8]; gap; flatten; linear(10) }
train {
  data = digits
  optimizer in [sgd(lr in log(1e-2, 1), momentum in [0.0, 0.9]), sgd(lr in rates, nesterov = true, momentum = 0.9), adamw]
  batch in 16..65 by 16 = 32
  schedule = cosine(warmup in 0..3)
}
"""


def test_a_recipe_takes_its_defaults() -> None:
    recipe = compile_text(RECIPE).recipe
    assert recipe is not None
    assert (str(recipe.optimizer), recipe.batch, str(recipe.schedule)) == (
        "sgd(lr = 0.1, momentum = 0.0)",
        32,
        "cosine(warmup = 0.0)",
    )


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("train.optimizer.lr", "5", "sgd(lr = 5.0, momentum = 0.0)"),
        ("train.optimizer", "adamw(lr = 0.3)", "adamw(lr = 0.3)"),
    ],
)
def test_a_setting_replaces_the_domain_of_a_recipe(setting: str, value: str, expected: str) -> None:
    recipe = compile_text(RECIPE, None, {setting: value}).recipe
    assert recipe is not None and str(recipe.optimizer) == expected


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("[0.0, 0.9]", "[0.0, -1]"), "E0402"), (("16..65 by 16 = 32", "[16, 0]"), "E0402"), (("adamw]", "adamm]"), "E0201"),
        (("log(1e-2, 1)", "log(0, 1)"), "E0414"), (("in rates", "in []"), "E0414"), (("in rates", "in rate"), "E0201"),
    ],
)  # fmt: skip
def test_every_choice_of_a_recipe_is_checked(change: tuple[str, str], code: str) -> None:
    text = RECIPE.replace(*change)
    assert text != RECIPE
    assert codes_of([one for one in check_text(text) if one.is_error]) == [code]


def test_every_value_of_a_domain_is_checked() -> None:
    text = """
    network net(width in [8, 10, 12, 14], k in 1..40) where width != 14 {
      input image [3, 32, 32]
      conv(width, 3)
      conv(8, k, groups = 4, pad = 0)
    }
    """
    found = check_text(text)
    assert [(one.code, one.message.split("`")[1]) for one in found] == [("W0127", "width = 10"), ("W0127", "k = 33")]
    assert [one.span.text for one in found if one.span is not None] == ["10", "1..40"]


def test_the_default_of_a_domain_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []

    def spy(*arguments: Any, member: dict[str, Any], **others: Any) -> Elaboration:
        tried.extend(member.items())
        return elaborate(*arguments, member=member, **others)

    monkeypatch.setattr("archdsl.lints.wrong_choices.elaborate", spy)
    text = "network net(width in [8, 12, 16] = 16, act: op in [relu, gelu]) { input image [3, 8, 8]; conv(width, 3); act }"
    assert codes_of(check_text(text)) == []
    assert [name if name == "act" else (name, value) for name, value in tried] == [("width", 8), ("width", 12), "act"]
