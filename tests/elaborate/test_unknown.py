"""What depends on something unknown, after an error or in a block that nothing calls, gives no errors of its own."""

import pytest

from archdsl.driver import check_text, compile_text

BLOCKS = {
    "arms with one label": "block b(big) { if big { body: conv(8, 3) } else { body: conv(8, 1) } }",
    "arms of a join": "block b(big) { concat { if big { a: conv(4, 3) } else { a: conv(4, 1) } } }",
    "rounds with one label": "block b(n) { repeat n { a: conv(8, 3) } }",
    "a family": "block b(n) { for i in 0..n { enc[i]: conv(8, 3) }; concat { enc[0]; enc[n - 1] } }",
    "arms with heads": "block b(big) { if big { aux h: conv(3, 1) } else { aux h: conv(5, 1) } }",
    "a count": "block b { conv(8, 3); expect params == 224 and depth == 1 }",
    "arms that expect": "block b(big) { if big { expect x.c == 3 } else { expect x.c == 4 } }",
}


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_a_block_that_nothing_calls(block: str) -> None:
    found = compile_text(f"{block}\nnetwork net {{ input image [3, 8, 8]; conv(8, 3) }}", "net")
    assert found.ok and [diagnostic.code for diagnostic in found.diagnostics] == ["W0111"]


def test_a_mistake_in_such_a_block_is_found() -> None:
    block = "block b(big) { if big { conv(8, 3, strde = 2) } else { c: relu; c: relu } }"
    found = compile_text(f"{block}\nnetwork net {{ input image [3, 8, 8]; conv(8, 3) }}", "net")
    assert [d.code for d in found.diagnostics] == ["E0202", "E0203"]


@pytest.mark.parametrize("body", [
    "if k == 3 { a: conv(8, 3); expect x.c == 8 } else { a: conv(4, 3); expect x.c == 4 }",
    "if k == 3 { conv(8, 3) }; expect x.c == 5",
    "repeat k { maxpool(2) }; expect x.h == 1; linear(3)",
    "for i in 0..k { enc[i]: conv(9, 3) }; add { enc[0]; enc[1]; x }",
    "concat { if k > 2 { conv(8, 3); } else { conv(8, 5, stride = 2) }; x }; expect x.c == 99",
    "if k { aux a: conv(1, 1) } else { aux a: conv(2, 1) }; expect params == 1",
])  # fmt: skip
def test_one_error_has_no_followers(body: str) -> None:
    found = check_text(f"network net {{\n input image [3, 8, 8]\n let k = x.q\n {body}\n}}")
    assert [d.code for d in found] == ["E0408"]


def test_errors_are_reported_up_to_a_limit() -> None:
    body = "\n".join(f"{{ unheard{i}(8) }}" for i in range(70))
    found = check_text(f"network net {{ input image [3, 8, 8]\n{body}\n}}")
    assert [d.code for d in found] == ["E0201"] * 50


def test_errors_stand_in_the_order_of_their_files() -> None:
    found = check_text(
        "block b { rleu }\nnetwork m { input image [3, 8, 8]; b; gp }\nnetwork n { input image [3, 8, 8]; flaten }"
    )
    assert [d.mark.span.text for d in found if d.mark is not None] == ["rleu", "gp", "flaten"]
