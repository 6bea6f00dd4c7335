"""Changes of a single argument that are easy to miss, and texts that only seem to change one."""

from __future__ import annotations

import pytest

import archdsl

LONG = [str(number) for number in range(40)]
HEAD = "aux(weight = {}) early: {{ gap; flatten; linear(3) }}; gap"


def changes(before: str, after: str, shape: str, shape_after: str = "") -> list[str]:
    """Return what changes between two bodies, without the inputs and outputs."""
    one, other = (
        archdsl.loads(f"network n {{ input image {shape}\n{body} }}")
        for body, shape in ((before, shape), (after, shape_after or shape))
    )
    there, back = one.diff(other), other.diff(one)
    assert there.is_empty == back.is_empty and len(there.changes) == len(back.changes)
    return [change.text for change in there.changes if change.kind != "input" and not change.text.startswith("output:")]


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ("bn", "bn(eps = 1.0000001e-5)", "bn: eps 1e-05 -> 1.0000001e-05"),
        ("bn", "bn(momentum = 0.2)", "bn: momentum 0.1 -> 0.2"),
        ("maxpool(2, 2)", "maxpool(2, 2, ceil = true)", "maxpool(2, stride = 2): ceil false -> true"),
        ("layer_scale(0.1)", "layer_scale(0.2)", "layer_scale: init 0.1 -> 0.2"),
        ("dropout(0.5)", "dropout(0.50000001)", "dropout: p 0.5 -> 0.50000001"),
        ("act(leaky_relu(0.1))", "act(leaky_relu(0.2))",
         "act(leaky_relu(slope = 0.1)): f leaky_relu(slope = 0.1) -> leaky_relu(slope = 0.2)"),
        ("conv(8, 3); init { conv = normal(0.02) }", "conv(8, 3); init { conv = normal(0.0200001) }",
         "init: conv normal(std = 0.02) -> normal(std = 0.0200001)"),
        (HEAD.format("0.3"), HEAD.format("0.30000001"), "head early: weight 0.3 -> 0.30000001"),
        ("div { relu; sigmoid }", "div { sigmoid; relu }", "div: takes 0: relu, 1: sigmoid -> 0: sigmoid, 1: relu"),
    ],
)  # fmt: skip
def test_a_small_change_is_found(before: str, after: str, text: str) -> None:
    assert text in changes(before, after, "[8, 8, 8]")


def test_of_long_lists_the_element_that_differs_is_shown() -> None:
    text = "c: const([{}]); add {{ x; c }}"
    other = [*LONG[:30], "7", *LONG[31:]]
    assert changes(text.format(", ".join(LONG)), text.format(", ".join(other)), "[40]") == ["c: value[30] 30 -> 7"]
    nested = "c: const([[{0}], [{1}]]); add {{ x; c }}"
    lists = ", ".join(LONG), ", ".join(other)
    assert changes(nested.format(lists[0], lists[0]), nested.format(*lists), "[2, 40]") == ["c: value[1][30] 30 -> 7"]


def test_a_rule_of_the_network_is_as_good_as_one_of_the_op() -> None:
    own, rule = "conv(8, 3, init = he)", "conv(8, 3); init {{ conv = {} }}"
    assert changes(own, rule.format("he"), "[8, 8, 8]") == []
    assert changes(own, rule.format("xavier"), "[8, 8, 8]") == ["conv(8, 3, bias = true): init he -> xavier"]
    assert changes(own, "conv(8, 3)", "[8, 8, 8]") == ["conv(8, 3, bias = true): init he -> none"]
    assert changes(own, rule.format("he").replace("3", "5"), "[8, 8, 8]") == ["conv(8, 3, bias = true): k 3 -> 5"]


def test_a_summary_has_all_inputs_and_results() -> None:
    """Of networks with little in common, too, an input or head that is new or gone is listed, like one that changed."""
    text = str(archdsl.load("googlenet").diff(archdsl.load("inception_v3")))
    assert text.splitlines()[1].startswith("too different to list")
    assert "\n- head aux1 [1000]\n" in text and "\n~ head aux2: name aux2 -> AuxLogits; weight 0.3 -> 0.4\n" in text


@pytest.mark.parametrize(
    ("before", "after", "shape", "shape_after", "text"),
    [
        ("mean(axis = -1)", "mean(axis = 2)", "[8, 8, 8]", "[8, 8, 8, 8]", "mean(axis = -1): axis -1 -> 2"),
        ("reshape([8, 64])", "reshape([8, -1])", "[8, 8, 8]", "[8, 8, 16]", "reshape([8, 64]): sizes [8, 64] -> [8, -1]"),
        ("permute([1, 2, 0]); window_shift(-3, 4)", "permute([1, 2, 0]); window_shift(-2, 4)", "[8, 4, 4]", "[8, 4, 8]",
         "window_shift(-3, 4): shift -3 -> -2"),
    ],
)  # fmt: skip
def test_an_argument_that_makes_a_difference_for_the_new_size_alone(
    before: str, after: str, shape: str, shape_after: str, text: str
) -> None:
    assert changes(before, after, shape) == []
    assert changes(before, after, shape, shape_after) == [text]


def test_changes_that_read_the_same_are_one() -> None:
    """The data has all digits and all keys."""
    before, after = "dropout(1/3) -> conv(8, 3) -> dropout(1/3)", "dropout(2/7) -> conv(8, 3) -> dropout(2/7)"
    one, other = (archdsl.loads(f"network n {{ input image [8, 8, 8]\n{body} }}") for body in (before, after))
    (change,) = one.diff(other).changes
    assert change.text == "dropout(p = 0.3333): p 0.3333 -> 0.2857, 2 times"
    assert len(change.before) == 2 and change.arguments[0].values == (("0.3333333333333333", "0.2857142857142857"),)
