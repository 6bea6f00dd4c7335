"""Sets of sizes against plain sets of numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.shapes import Dim, SymbolicSize, symbolic_size
from archdsl.sizes import ALL, NONE, SizeSet, at_least, describe, equal, simplified

N = symbolic_size("N")
RANGE = range(1, 400)


@st.composite
def functions(draw: st.DrawFn) -> Dim:
    """What networks make of a size, and differences of that."""
    size: Dim = N
    for _ in range(draw(st.integers(0, 4))):
        a, b = draw(st.integers(1, 6)), draw(st.integers(-5, 5))
        size = draw(st.sampled_from([lambda s, a, b: (s + b) // a, lambda s, a, b: s * a + b, lambda s, a, b: s + N // a]))(
            size, a, b
        )
    return size


@st.composite
def sets(draw: st.DrawFn) -> SizeSet:
    found = draw(
        st.one_of(
            st.builds(equal, functions(), functions()),
            st.builds(lambda a, b, k: at_least(a - b, k), functions(), functions(), st.integers(-20, 20)),
        )
    )
    for _ in range(draw(st.integers(0, 2))):
        other = at_least(draw(functions()) - draw(functions()), draw(st.integers(-20, 20)))
        found = draw(st.sampled_from([lambda a, b: a & b, lambda a, b: a | b, lambda a, b: ~a]))(found, other)
    return found


def numbers(sizes: SizeSet) -> set[int]:
    return {n for n in RANGE if n in sizes}


def at(size: Dim, n: int) -> int:
    return size.at(n) if isinstance(size, SymbolicSize) else size


@given(functions(), functions(), st.integers(-30, 30))
def test_conditions(left: Dim, right: Dim, k: int) -> None:
    assert numbers(equal(left, right)) == {n for n in RANGE if at(left, n) == at(right, n)}
    assert numbers(at_least(left - right, k)) == {n for n in RANGE if at(left, n) - at(right, n) >= k}


@given(sets(), sets())
def test_operators(a: SizeSet, b: SizeSet) -> None:
    assert numbers(a & b) == numbers(a) & numbers(b)
    assert numbers(a | b) == numbers(a) | numbers(b)
    assert numbers(~a) == set(RANGE) - numbers(a)
    assert a & b == b & a and a | b == b | a and ~~a == a and (a & b) <= a <= (a | b)
    assert (a & ~a) == NONE and (a | ~a) == ALL
    assert ~(a & b) == ~a | ~b
    assert bool(a) == bool(numbers(a)) or not numbers(a)
    if numbers(a):
        assert a.smallest() == min(numbers(a))


@given(sets(), sets())
def test_equal_sets_have_one_form(a: SizeSet, b: SizeSet) -> None:
    """A set taken apart and put together again is the same object in every field."""
    assert (a & b) | (a & ~b) == a


@given(functions(), sets())
def test_simplified_formulas_are_right(size: Dim, sizes: SizeSet) -> None:
    text = simplified(size, {"N": sizes})
    for n in sorted(numbers(sizes))[:60]:
        if isinstance(size, SymbolicSize) and "floor" not in text and "ceil" not in text:
            assert eval(text, {"N": n}) == size.at(n), text


@pytest.mark.parametrize(("sizes", "words"), [
    (ALL, "anything"),
    (NONE, "nothing: no size works"),
    (at_least(N, 29), "at least 29"),
    (equal(N % 16, 0), "a multiple of 16"),
    (equal(N % 16, 0) & at_least(N, 40), "a multiple of 16, at least 48"),
    (equal(N % 16, 3), "3 more than a multiple of 16"),
    (equal(N % 4, 0) | equal(N % 4, 3), "3 or 4 more than a multiple of 4"),
    (~equal(N % 8, 1), "2 to 8 more than a multiple of 8"),
    (~at_least(N, 8), "at most 7"),
    (equal(N, 7), "7"),
    (equal(N, 7) | equal(N, 9), "one of 7 or 9"),
    (~equal(N, 3), "anything but 3"),
    (~equal(N, 3) & at_least(N, 2), "anything but 1 or 3"),
    (equal(N % 4, 0) & ~equal(N, 8), "4, or a multiple of 4, at least 12"),
    (equal(N % 4, 0) | equal(N, 5), "5, or a multiple of 4"),
])  # fmt: skip
def test_words(sizes: SizeSet, words: str) -> None:
    assert describe(sizes) == words


def test_words_for_several_symbols() -> None:
    assert describe(equal(N % 16, 0), many=True) == "multiples of 16"


@pytest.mark.parametrize(("size", "sizes", "text"), [
    (N // 16, equal(N % 16, 0), "N/16"),
    (N // 16 * 16, equal(N % 16, 0), "N"),
    ((N + 15) // 16, equal(N % 16, 0), "N/16"),
    (N // 2, equal(N % 2, 1), "(N - 1)/2"),
    (N // 2 + 3, equal(N % 4, 0), "N/2 + 3"),
    (N // 2, ALL, "floor(N/2)"),
    ((N + 1) // 2, ALL, "ceil(N/2)"),
    (N // 2, equal(N, 1) | equal(N, 2), "floor(N/2)"),
    (N // 2, equal(N, 2) | equal(N, 3), "1"),
    (2 * N + 1, ALL, "2*N + 1"),
])  # fmt: skip
def test_formulas(size: Dim, sizes: SizeSet, text: str) -> None:
    assert simplified(size, {"N": sizes}) == text
