"""Parts of lists: `layers[0..i]`."""

from __future__ import annotations

import pytest

from archdsl.driver import check_text

CLAIMS = [
    "layers[0..4] == layers",
    "layers[1..3] == [4, 6]",
    "len(layers[2..2]) == 0",
    "sum(layers[0..3]) == 13",
    "sum((0..9)[2..5]) == 9",
]


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_part_holds_the_elements_from_the_first_up_to_the_last(claim: str) -> None:
    text = f"network t(layers = [3, 4, 6, 3]) {{\n  input image [3, 8, 8]\n  expect {claim}\n  conv(sum(layers), 3)\n}}"
    assert check_text(text) == []


def test_a_word_of_the_language_is_a_key_in_quotes() -> None:
    assert check_text('network t {\n  input image [3, 8, 8]\n  "block": conv(4, 3)\n}') == []
