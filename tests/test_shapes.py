"""Symbolic sizes as functions: the operators against their values, one form for each function, and formulas."""

from __future__ import annotations

from math import lcm
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.limits import DEFAULT
from archdsl.shapes import Dim, SizeError, SymbolicSize, numel, smallest_period, symbolic_size

N = symbolic_size("N")
STEPS = {
    "+": lambda a, k: a + k,
    "-": lambda a, k: k - a,
    "*": lambda a, k: a * k,
    "//": lambda a, k: a // max(k, 1),
    "%": lambda a, k: a % max(k, 1),
}


@st.composite
def recipes(draw: st.DrawFn) -> list[tuple[str, int]]:
    """Operators with their right sides, of which the periods stay small."""
    steps = draw(st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(-3, 6)), max_size=5))
    return [(sign, k if sign in "+-" else max(1, k)) for sign, k in steps]


def applied(value: Any, steps: list[tuple[str, int]]) -> Any:
    for sign, k in steps:
        value = STEPS[sign](value, k)
    return value


def at(size: Dim, n: int) -> int:
    return size.at(n) if isinstance(size, SymbolicSize) else size


@given(recipes(), recipes())
def test_operators_are_those_of_the_values(a: list[tuple[str, int]], b: list[tuple[str, int]]) -> None:
    """Functions made of others have the values that those make, and equal functions are equal objects."""
    left, right = applied(N, a), applied(N, b)
    total, difference = left + right, left - right
    same = True
    for n in range(1, 2 * lcm(*(len(s.offsets) for s in (left, right) if isinstance(s, SymbolicSize))) + 40):
        x, y = applied(n, a), applied(n, b)
        assert (at(left, n), at(right, n), at(total, n), at(difference, n)) == (x, y, x + y, x - y)
        same = same and x == y
    assert (left == right) == same


@given(recipes())
def test_a_formula_that_python_can_read_is_right(steps: list[tuple[str, int]]) -> None:
    size = applied(N, steps)
    text = str(size)
    if "[" in text:
        return
    text = text.replace("floor(", "(").replace("/", "//")
    if "ceil" not in text:
        for n in range(1, 50):
            assert eval(text, {"N": n}) == at(size, n), str(size)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=40), st.integers(1, 5))
def test_smallest_period(values: list[int], times: int) -> None:
    repeated = values * times
    naive = next(
        p for p in range(1, len(repeated) + 1) if len(repeated) % p == 0 and repeated == repeated[:p] * (len(repeated) // p)
    )
    assert smallest_period(repeated) == naive


@pytest.mark.parametrize(("size", "text"), [
    (N, "N"), (N * 3, "3*N"), (N - 2, "N - 2"), (N // 2, "floor(N/2)"), ((N + 1) // 2, "ceil(N/2)"),
    ((N - 1) // 2 + 1, "ceil(N/2)"),
    (N // 2 * 2, "2*floor(N/2)"), (N // 2 * 2 + 1, "2*floor(N/2) + 1"), ((3 * N) // 2, "floor(3*N/2)"),
    (N // 2 // 2, "floor(N/4)"),
    ((N + 5) // 16, "floor((N + 5)/16)"),
])  # fmt: skip
def test_formulas(size: Dim, text: str) -> None:
    assert str(size) == text


def test_a_constant_is_an_integer() -> None:
    assert N - N == 0 and isinstance(N - N, int)
    assert N * 0 == 0 and numel((N - N + 2, 3)) == 6


@pytest.mark.parametrize("wrong", [
    lambda: N // symbolic_size("M"), lambda: N % symbolic_size("M"), lambda: N // 0, lambda: N // -2, lambda: 5 // N,
    lambda: N // (DEFAULT.period + 1), lambda: N // 97 + N // 89,
])  # fmt: skip
def test_what_leaves_the_form(wrong: Any) -> None:
    with pytest.raises(SizeError):
        wrong()
