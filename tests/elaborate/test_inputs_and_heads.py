"""Where inputs stand, and heads that are no heads."""

import pytest

from archdsl.driver import compile_text


def codes(body: str) -> list[str]:
    return [d.code for d in compile_text(f"network net {{ {body} }}").diagnostics]


@pytest.mark.parametrize(
    "early",
    [
        "conv(8, 3)",
        "stem: conv(8, 3) -> bn",
        "aux a: conv(8, 3)",
        "output o: gap",
        "expect x.channels == 3",
        "let c = x.channels",
    ],
)
def test_what_needs_the_input_stands_after_it(early: str) -> None:
    assert codes(f"{early}; input image [3, 32, 32]; conv(8, 3)") == ["E0503"]


def test_the_rest_may_stand_before_the_input() -> None:
    assert (
        codes(
            "init { conv = zeros }; let c = 8; expect c == 8; input image [3, 32, 32]; conv(c, 3); input other [3, 32, 32]; "
            "add { x; other -> conv(c, 3) }"
        )
        == []
    )


def test_a_head_that_the_result_needs() -> None:
    assert codes("input image [3, 32, 32]; conv(8, 3); aux early: conv(8, 3); add { early; x }") == ["W0104"]
    assert codes("input image [3, 32, 32]; early: conv(8, 3); aux head: { gap; flatten; linear(10) }; conv(8, 3)") == []
