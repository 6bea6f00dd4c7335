"""What expressions compare, what joins of integers hold, and values where others belong."""

import pytest
import torch

import archdsl
from archdsl.driver import check_text, compile_text

OPEN = "input image [3, H, W]\n"


@pytest.mark.parametrize(("condition", "holds"), [
    ("x.shape == [3, x.h, x.w]", True), ("x.shape != [4, 1, 1]", True), ("x.shape == [3, 8]", False), ("x.h == 0", False),
    ("2 * x.h != 7", True), ("x.h != x.h + 1", True), ("[x.h, x.c] == [x.h, 3]", True), ("x.h == none", False),
    ("x.h == true", False),
    ("[conv, 1] == [conv, 1]", True),
])  # fmt: skip
def test_comparisons_of_symbolic_sizes_that_are_decided(condition: str, holds: bool) -> None:
    network = archdsl.loads(f"network net {{ {OPEN} if {condition} {{ conv(8, 1) }} else {{ conv(9, 1) }} }}")
    assert network.graph.result.shape[0] == (8 if holds else 9)


@pytest.mark.parametrize(
    "condition", ["x.shape == [3, 32, 32]", "x.shape != [3, x.w, x.w]", "x.h == 8", "[[x.h]] == [[4]]", "x.h == x.w"]
)
def test_comparisons_of_symbolic_sizes_that_are_not(condition: str) -> None:
    [found] = check_text(f"network net {{ {OPEN} if {condition} {{ conv(8, 1) }}; conv(4, 1) }}")
    assert found.code == "E0307" and found.mark is not None and found.mark.span.text == condition


def test_what_joins_integers_and_real_numbers_is_real() -> None:
    inputs = "input a [4, 8]\ninput b: int [4, 8]\n"
    module = archdsl.loads(f"network net {{ {inputs} concat {{ a; b }}; conv(3, 1) }}").build()
    assert module(torch.zeros(2, 4, 8), torch.zeros(2, 4, 8, dtype=torch.long)).shape == (2, 3, 8)
    [found] = check_text(f"network net {{ {inputs} concat {{ a; b }}; embedding(10, 4) }}")
    assert found.code == "E0308"
    both = inputs.replace("a [", "a: int [").replace("8]", "2, 2]")
    module = archdsl.loads(f"network net {{ {both} concat {{ a; b }}; flatten; embedding(10, 4) }}").build()
    assert module(*[torch.zeros(2, 4, 2, 2, dtype=torch.long)] * 2).shape == (2, 32, 4)


def test_of_an_operand_the_shape_is_taken_alone() -> None:
    inputs = "input a [4, 8, 8]\ninput b: int [4, 6, 6]\n"
    module = archdsl.loads(f"network net {{ {inputs} a; crop_like(b); conv(3, 1) }}").build()
    assert module(torch.zeros(2, 4, 8, 8), torch.zeros(2, 4, 6, 6, dtype=torch.long)).shape == (2, 3, 6, 6)


@pytest.mark.parametrize(("stage", "said"), [
    ("conv(enc, 3)", "found enc[...] (an indexed family)"), ("conv([enc], 3)", "found [enc[...]] (a list)"), ("permute(enc)",
     "found enc[...] (an indexed family)"),
    ("relu -> slice(enc.c..2)", "`.c` expected a tensor, found enc[...]"),
    ("let a = enc + 1", "found enc[...] (an indexed family)"),
])  # fmt: skip
def test_a_family_where_a_number_belongs(stage: str, said: str) -> None:
    [found] = check_text(f"network net {{\n input image [3, 8, 8]\n enc[0]: conv(8, 3)\n {stage}\n}}")
    assert said in found.message


def test_lists_are_gone_through_so_often() -> None:
    found = compile_text("network net { input image [3, 8, 8]; for i in 0..100 { let a = sum(0..100000) } }")
    assert [d.code for d in found.diagnostics if d.is_error] == ["E0502"] and "steps" in (found.diagnostics[0].help or "")


def test_a_slope_that_nothing_reads() -> None:
    rule = "init { conv = he(slope = 0.3NON) }"
    assert (
        check_text(f"network net {{ input image [3, 8, 8]; conv(8, 3); {rule.replace('NON', ', nonlinearity = leaky_relu')} }}")
        == []
    )
    [found] = check_text(f"network net {{ input image [3, 8, 8]; conv(8, 3); {rule.replace('NON', '')} }}")
    assert found.code == "E0402" and "`slope`" in found.message
