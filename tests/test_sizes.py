"""Sets of sizes against plain sets of numbers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.shapes import Dim, SymbolicSize, symbolic_size
from archdsl.size_words import describe, working
from archdsl.sizes import ALL, NONE, SizeSet, at_least, equal, nearest, simplified

N = symbolic_size("N")
RANGE = range(1, 400)
NEAR = equal((N + 7) // 32, (N + 31) // 32) | equal(N % 32, 0)


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
    (equal(N % 4, 0) | equal(N % 4, 3), "a multiple of 4, or one less"),
    (~equal(N % 8, 1), "anything but one more than a multiple of 8"),
    (~at_least(N, 8), "at most 7"),
    (equal(N, 7), "7"),
    (equal(N, 7) | equal(N, 9), "one of 7 or 9"),
    (~equal(N, 3), "anything but 3"),
    (~equal(N, 3) & at_least(N, 2), "anything but 1 or 3"),
    (equal(N % 4, 0) & ~equal(N, 8), "a multiple of 4, but not 8"),
    (equal(N % 4, 0) | equal(N, 5), "5, or a multiple of 4"),
    (equal(N % 2, 1), "odd"),
    (equal(N % 2, 0) & at_least(N, 4), "even, at least 4"),
    (NEAR, "a multiple of 32, or up to 7 less"),
    (NEAR & at_least(N, 40), "a multiple of 32, or up to 7 less; at least 57"),
    (equal(N % 8, 1), "one more than a multiple of 8"),
    (equal(N % 8, 7), "one less than a multiple of 8"),
    (equal(N % 8, 6), "2 less than a multiple of 8"),
    (~equal(N % 4, 0), "anything but a multiple of 4"),
    (~equal(N % 4, 0) & at_least(N, 9), "anything but a multiple of 4; at least 9"),
    (equal(N % 8, 0) | equal(N % 8, 1) | equal(N % 8, 7), "within 1 of a multiple of 8"),
    (equal(N % 8, 0) | equal(N % 8, 3), "a multiple of 8, or 3 more"),
    (equal(N % 16, 3) | equal(N % 16, 5), "3 or 5 more than a multiple of 16"),
])  # fmt: skip
def test_words(sizes: SizeSet, words: str) -> None:
    assert describe(sizes) == words
    assert {n for n in RANGE if holds(words, n)} == numbers(sizes)


@pytest.mark.parametrize(("sizes", "sentence"), [
    (equal(N % 32, 0), "multiples of 32 work"),
    (equal(N % 2, 1), "odd sizes work"),
    (NEAR, "the sizes must be multiples of 32, or up to 7 less"),
    (at_least(N, 7), "the sizes must be at least 7"),
])  # fmt: skip
def test_what_works(sizes: SizeSet, sentence: str) -> None:
    assert working(sizes) == sentence


@given(sets(), st.booleans())
def test_the_words_mean_the_set(sizes: SizeSet, many: bool) -> None:
    words = describe(sizes, many=many)
    if "..." not in words:
        assert {n for n in RANGE if holds(words, n)} == numbers(sizes), words


@given(sets(), st.integers(1, 300))
def test_nearest(sizes: SizeSet, n: int) -> None:
    above = [m for m in numbers(sizes) if m >= n]
    found = nearest(sizes, n)
    if above:
        assert found == min(above)
    elif found is not None and found in RANGE:
        assert found == max(numbers(sizes))


NUMBERS = r"\d+(?:(?:, | or | to )\d+)*"


def holds(words: str, n: int) -> bool:
    """Whether a phrase is true of a number: a reader of the phrases that knows nothing of how they are made."""
    if words in ("anything", "nothing: no size works"):
        return words == "anything"
    if found := re.fullmatch(r"at most (\d+)", words):
        return n <= int(found[1])
    if found := re.fullmatch(r"from (\d+) to (\d+)", words):
        return int(found[1]) <= n <= int(found[2])
    if found := re.fullmatch(rf"(?:one of )?({NUMBERS})", words):
        return n in listed(found[1])
    if found := re.fullmatch(rf"anything but ({NUMBERS})", words):
        return n not in listed(found[1])
    if found := re.fullmatch(rf"({NUMBERS}), or (.*)", words):
        return n in listed(found[1]) or holds(found[2], n)
    if found := re.fullmatch(rf"(.*)[,;] but not ({NUMBERS})", words):
        return n not in listed(found[2]) and holds(found[1], n)
    if found := re.fullmatch(r"(?:(.*)[,;] )?at least (\d+)", words):
        return n >= int(found[2]) and (found[1] is None or holds(found[1], n))
    return follows(words, n)


def follows(rule: str, n: int) -> bool:
    """Whether a number follows a rule about multiples, of which 0 is one."""
    if rule in ("odd", "even"):
        return n % 2 == (rule == "odd")
    if rule.startswith("anything but "):
        return not follows(rule.removeprefix("anything but "), n)
    if found := re.fullmatch(r"within (\d+) of (.*)", rule):
        return any(follows(found[2], m) for m in range(n - int(found[1]), n + int(found[1]) + 1))
    if found := re.fullmatch(rf"(one|{NUMBERS}) (more|less) than (.*)", rule):
        return any(follows(found[3], n - k if found[2] == "more" else n + k) for k in listed(found[1]))
    first, *others = rule.split(", or ")
    period = int(re.fullmatch(r"(?:a multiple|multiples) of (\d+)", first)[1])
    near = {0}
    for other in others:
        found = re.fullmatch(rf"(up to )?(one|{NUMBERS}) (more|less)", other)
        counts = listed(found[2]) if found[1] is None else set(range(1, int(found[2]) + 1))
        near |= {-k if found[3] == "less" else k for k in counts}
    return any((n - k) % period == 0 for k in near)


def listed(text: str) -> set[int]:
    """The numbers in `1, 3 to 5 or 9`."""
    runs = [run.split(" to ") for run in re.split(r", | or ", text.replace("one", "1"))]
    return {n for run in runs for n in range(int(run[0]), int(run[-1]) + 1)}


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
