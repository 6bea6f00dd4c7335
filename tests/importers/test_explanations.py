"""Expressions for vectors of numbers, and the lines that a person breaks."""

from __future__ import annotations

import pytest

from archdsl.importers.expressions import Explainer
from archdsl.importers.formulas import line_of_floats, make_divisible, power
from archdsl.importers.layout import Braces, Line, layout
from archdsl.importers.literal import Word, literal
from archdsl.importers.loop_text import _with_table
from archdsl.importers.naming import block_name, snake
from archdsl.importers.scope import Column, Scope


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ([64, 128, 256], "64 * 2^#"),
        ([64, 128, 256, 512, 512], "min(64 * 2^#, 512)"),
        ([56, 28, 14, 7], "56 // 2^#"),
        ([64, 128, 192], None),
        ([1, 2, 4, 9], None),
    ],
)
def test_powers_of_two(column: list[int], text: str | None) -> None:
    assert power(column) == text


def test_lines_have_round_rates() -> None:
    assert line_of_floats([0.0, 0.05, 0.1, 0.15], "i") == "0.15 * i / 3"
    assert line_of_floats([0.0125 * n for n in range(1, 16)], "i") == "0.2 * (i + 1) / 16"


@pytest.mark.parametrize("value", [3.0, 17.5, 22.0, 150.0, 7.9])
def test_make_divisible_is_that_of_the_language(value: float) -> None:
    from archdsl.elaborate.values import make_divisible as of_the_language

    assert make_divisible(value) == of_the_language(value, 8)


def block(arguments: dict[str, list[object]], **columns: list[object]) -> Scope:
    size = len(next(iter({**arguments, **columns}.values())))
    scope = Scope("block", size)
    scope.arguments = [{name: values[row] for name, values in arguments.items()} for row in range(size)]
    scope.columns = [Column(name, values, "channels") for name, values in columns.items()]
    scope.sizes = {"c": [16, 24, 32]}
    return scope


@pytest.mark.parametrize(
    ("values", "role", "text"),
    [
        ([8, 8, 8], "out", "8"),
        ([16, 24, 32], "out", "§c§"),
        ([64, 96, 128], "out", "4 * §c§"),
        ([8, 12, 16], "out", "§c§ // 2"),
        ([10, 30, 50], "out", "planes"),
        ([20, 60, 100], "out", "2 * planes"),
        ([1, 2, 2], "stride", "stride"),
        ([7, 9, 11], "out", "out"),
        ([7, 9, 11], "k", "k"),
        ([16**-0.5, 24**-0.5, 32**-0.5], "scale", "§c§^-0.5"),
    ],
)
def test_numbers_of_a_block(values: list[object], role: str, text: str) -> None:
    scope = block({"planes": [10, 30, 50], "stride": [1, 2, 2]})
    assert Explainer(scope, [0, 1, 2]).explain(values, role) == text


def test_a_condition_is_on_an_argument() -> None:
    scope = block({"expand": [1, 6, 6]})
    assert Explainer(scope, [0, 1, 2]).explain([False, True, True], "if") == "expand != 1"


def test_a_window_is_not_a_multiple_of_channels() -> None:
    assert Explainer(block({}, width=[1, 2, 3]), [0, 1, 2]).explain([2, 4, 6], "k") == "k"


def test_literals() -> None:
    assert literal([1, True, None, 0.5, Word("relu"), "same", range(0, 4)]) == '[1, true, none, 0.5, relu, "same", 0..4]'
    assert literal(1e-06) == "1e-6" and literal(0.1) == "0.1"


def test_a_table_with_lists_in_it_stays_in_its_loop() -> None:
    scope = Scope("network", 1)
    flat = f"for [a, b] in [{', '.join(['[123456, 789012]'] * 6)}]"
    before, header = _with_table(flat, scope)
    assert header == "for [a, b] in rows" and len(before) == 8
    deep = f"for [a, b] in [{', '.join(['[123456, [7, 8]]', '[123456, [7]]'] * 4)}]"
    assert _with_table(deep, scope) == ([], deep)
    lists = f"for i, widths in [[64], [128, 128], [{', '.join(['512'] * 20)}]]"
    assert _with_table(lists, scope) == ([], lists)


def test_names() -> None:
    taken: set[str] = set()
    assert snake("Conv2dNormActivation") == "conv2d_norm_activation" and snake("SEBlock") == "se_block"
    assert block_name("Bottleneck", taken) == "bottleneck_block"  # `bottleneck` is an op
    assert block_name("Unit", taken) == "unit" and block_name("Unit", taken) == "unit_block"
    assert block_name("Unit", taken, "gap") == "unit_with_gap" and snake("StarReLU") == "star_relu"


def test_lines_are_broken_before_layers() -> None:
    layers: list[Line | Braces] = [
        Line("conv(8, 3)", "conv1", True), Line("bn", "bn1"), Line("relu"), Line("conv(8, 3)", "conv2", True), Line("bn", "bn2"),
    ]  # fmt: skip
    assert layout(layers, 1) == ["  conv1: conv(8, 3); bn1: bn; relu", "  conv2: conv(8, 3); bn2: bn"]
    assert layout([Braces("skip", [Line("conv(8, 3)", None, True), Line("bn")])], 0) == ["skip { conv(8, 3) -> bn }"]
