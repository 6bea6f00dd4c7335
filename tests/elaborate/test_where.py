"""`where`: what it states, in each spelling of a size, against trying all sizes; and nothing of it is dropped."""

from __future__ import annotations

import random
import re

import pytest

from archdsl.driver import compile_text

REACH = 400
"""No condition below tells sizes beyond this apart: sizes are compared with less than 260, and remainders repeat after 60."""
SPELLINGS = {"name": ("H", "W"), "label": ("image.h", "image.w"), "x": ("x.h", "x.w")}


def term(draw: random.Random, size: str) -> str:
    k, c = draw.randint(2, 6), draw.randint(0, 20)
    return draw.choice(
        [
            size,
            size,
            f"{size} % {k}",
            f"{size} // {k}",
            f"({size} + {c}) % {k}",
            f"{k} * {size} - {c}",
            f"{c} - {size}",
            f"({size} - {c}) // {k}",
        ]
    )


def comparison(draw: random.Random, size: str) -> str:
    signs = ["==", "!=", "<", "<=", ">", ">="]
    if draw.random() < 0.15:
        return f"{draw.randint(0, 20)} < {term(draw, size)} <= {draw.randint(0, 39)}"
    left, right = term(draw, size), draw.choice([str(draw.randint(0, 39)), str(draw.randint(0, 5)), term(draw, size)])
    return f"{left} {draw.choice(signs)} {right}"


def condition(draw: random.Random, size: str, depth: int = 2) -> str:
    if depth == 0 or draw.random() < 0.3:
        return comparison(draw, size)
    if draw.random() < 0.2:
        return f"not ({condition(draw, size, depth - 1)})"
    parts = [condition(draw, size, depth - 1) for _ in range(2)]
    return f"({parts[0]}) {draw.choice(['and', 'or'])} ({parts[1]})"


def meeting(text: str, symbol: str) -> set[int]:
    """The sizes that meet a condition, by trying all."""
    return {n for n in range(1, REACH) if eval(text, {symbol: n})}


def spelled(text: str, draw: random.Random, spelling: str) -> str:
    """The condition with each size in one spelling, or each occurrence in another one."""

    def one(match: re.Match[str]) -> str:
        chosen = draw.choice(list(SPELLINGS)) if spelling == "mixed" else spelling
        return SPELLINGS[chosen]["HW".index(match[0])]

    return re.sub(r"\b[HW]\b", one, text)


@pytest.mark.parametrize("spelling", [*SPELLINGS, "mixed"])
def test_each_spelling_states_the_same(spelling: str) -> None:
    draw = random.Random(f"where {spelling}")
    never = 0
    for _ in range(60):
        of_h, of_w = condition(draw, "H"), condition(draw, "W", 1)
        expected = {"H": meeting(of_h, "H"), "W": meeting(of_w, "W")}
        text = spelled(f"({of_h}) and ({of_w})", draw, spelling)
        found = compile_text(f"network n {{ input image [3, H, W] where {text}; relu }}")
        if not all(expected.values()):
            never += 1
            assert {d.code for d in found.diagnostics if d.is_error} == {"E0701"}, text
            continue
        assert found.ok, (text, found.diagnostics)
        assert {symbol: {n for n in range(1, REACH) if n in found.sizes.work[symbol]} for symbol in "HW"} == expected, text
    assert 0 < never < 40


@pytest.mark.parametrize(("text", "code"), [
    ("x.h < 0", "E0701"), ("x.c == 99", "E0701"), ("x.shape == [1]", "E0408"), ("x.nope > 3", "E0408"), ("x", "E0401"),
    ("x.h > W", "E0307"),
    ("not x", "E0401"), ("H > 5 and x.c == 4", "E0701"), ("H > 5 and x", "E0401"), ("x.h / 2 > 3", "E0307"),
    ("64 % x.h == 0", "E0307"),
    ("nope > 3", "E0201"), ("x[0] > 3", "E0408"), ("x.h > 2.5", "E0408"),
])  # fmt: skip
def test_what_cannot_be_stated_is_an_error(text: str, code: str) -> None:
    found = compile_text(f"network n {{ input image [3, H, W] where {text}; conv(4, 3) }}")
    assert [d.code for d in found.diagnostics if d.is_error] == [code]


def test_at_a_further_input_x_is_the_tensor_that_flows() -> None:
    found = compile_text("network n { input a [3, H]; maxpool(2); input b [3, W] where x.l > 3 and b.l > 4; add { b; b } }")
    assert found.ok and {symbol: sizes.smallest() for symbol, sizes in found.sizes.work.items()} == {"H": 8, "W": 5}


ALWAYS = [
    "H == H", "H % 1 == 0", "a.c == 1", "true", "not false", "1 == 1", "H >= 1", "H - H == 0", "a.l % 1 == 0", "x.l // 1 == H",
    "H > 9 or H == H",
    "true if flag else H > 9", "H > 9 if not flag else H % 1 < 1", "H > 9 or true", "a.shape[1] % 1 == 0", "H > 9 or H // 1 <= 9",
    "min(3, 4) == 3",
]  # fmt: skip
"""Conditions that all values of `H` meet."""


@pytest.mark.parametrize("condition", ALWAYS)
def test_a_condition_that_always_holds_states_all_sizes(condition: str) -> None:
    """It is not enough where the network needs more, and enough where it does not."""
    text = "network n(flag = true) {{ input a [1, H] where {}; {} }}"
    found = compile_text(text.format(condition, "maxpool(7)"))
    assert [(d.code, "H = 1 meets it" in d.message) for d in found.diagnostics if d.is_error] == [("E0311", True)]
    assert {d.code for d in compile_text(text.format(condition, "conv(4, 3)")).diagnostics} <= {"W0102"}


@pytest.mark.parametrize(("inputs", "symbols"), [
    ("input a [1, H]; input b [1, 2 * H] where b.l % 2 == 0; concat(axis = 1) { a; b }", "H"),
    ("input a [1, H, W] where H == H", "H"), ("input a [1, H, W] where H == H and W % 1 == 0", "HW"),
    ("input a [1, H, W] where true", "HW"),
    ("input a [1, H, W] where H >= 7 and W % 1 == 0", "W"), ("input a [1, H, W] where H >= 7 and a.c == 1", ""),
    ("input a [1, H, W] where H >= 7; input b [1, W, H] where true; a", "W"),
    ("input a [1, H, W]; input b [1, 3, 3] where W == W; a", "W"),
])  # fmt: skip
def test_which_sizes_a_condition_is_about(inputs: str, symbols: str) -> None:
    """Those that it names; all of its input where it names none."""
    found = compile_text(f"network n {{ {inputs}; maxpool(7) }}")
    errors = [d for d in found.diagnostics if d.is_error]
    assert all(d.code == "E0311" for d in errors)
    assert "".join(sorted(d.message.partition(": ")[2][0] for d in errors)) == symbols


def test_a_condition_about_no_symbolic_size() -> None:
    found = compile_text("network n { input a [1, H]; input b [1, 3] where b.l == 3; a }")
    assert [d.code for d in found.diagnostics if d.is_error] == ["E0504"]


def test_a_condition_on_something_unknown_claims_nothing() -> None:
    found = compile_text("network n { input a [1, H] where nope == 3; maxpool(7) }")
    assert [d.code for d in found.diagnostics if d.is_error] == ["E0201"]
