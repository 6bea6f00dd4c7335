"""Polynomials of symbolic sizes: the operators against the values, equality of functions, quotients, sets and formulas."""

from __future__ import annotations

import pickle
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.limits import DEFAULT
from archdsl.shapes import Dim, SizeError, SymbolicSize, numel, symbolic_size
from archdsl.size_pieces import sign_runs
from archdsl.size_polynomials import SizePolynomial
from archdsl.sizes import ALL, NONE, SizeSet, at_least, compared, equal

H, W, N = map(symbolic_size, "HWN")
AT = list(product((1, 2, 3, 4, 5, 6, 7, 12, 25, 96), repeat=2))


def at(size: Any, h: int, w: int) -> int:
    return size.value({"H": h, "W": w}) if isinstance(size, SymbolicSize) else size


class Expression:
    """A random expression, as a size and as a function of numbers."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def of(self, h: Any, w: Any) -> Any:
        return eval(self.text, {"H": h, "W": w})


def expressions(symbols: str = "HW") -> st.SearchStrategy[Expression]:
    """Return sums, differences and products of quasi-linear functions, with divisors of 2, 3 and 4."""
    linear = st.builds(
        lambda symbol, a, b, c, d: f"(({a}*{symbol} + {b})//{c} + {d})",
        st.sampled_from(symbols), st.integers(1, 3), st.integers(-2, 3), st.sampled_from((1, 1, 2, 3, 4)), st.integers(-1, 2),
    )  # fmt: skip
    periodic = st.builds(lambda symbol, c: f"({symbol} % {c})", st.sampled_from(symbols), st.sampled_from((2, 3)))
    leaves = st.one_of(linear, linear, periodic, st.integers(-2, 3).map(lambda k: f"({k})"))
    whole = st.recursive(
        leaves,
        lambda inner: st.builds(lambda a, sign, b: f"({a} {sign} {b})", inner, st.sampled_from("++-**"), inner),
        max_leaves=6,
    )
    return whole.map(Expression)


@settings(deadline=None, max_examples=80)
@given(expressions())
def test_values(expression: Expression) -> None:
    size = expression.of(H, W)
    for h, w in AT:
        assert at(size, h, w) == expression.of(h, w)
    seen = {expression.of(h, w) for h, w in product(range(1, 26), repeat=2)}
    assert isinstance(size, int) == (len(seen) == 1), size


@settings(deadline=None, max_examples=150)
@given(expressions(), expressions(), expressions())
def test_equal_functions_are_equal_however_they_are_written(a: Expression, b: Expression, c: Expression) -> None:
    """Laws of arithmetic, which hold for functions."""
    x, y, z = a.of(H, W), b.of(H, W), c.of(H, W)
    try:
        pairs = [((x + y) * z, x * z + y * z), (x * (y * z), z * (x * y)), ((x - y) + y, x), (x - z - (y - z), x - y)]
    except SizeError as error:
        assert "more than" in str(error) or "many" in str(error)
        return
    for left, right in pairs:
        assert left == right and hash(left) == hash(right)
        assert left - right == 0
    if isinstance(x, SymbolicSize):
        assert x + 1 != x and x * 2 != x


@settings(deadline=None, max_examples=80)
@given(expressions(), expressions())
def test_unequal_functions_differ_somewhere(a: Expression, b: Expression) -> None:
    same = all(a.of(h, w) == b.of(h, w) for h, w in product(range(1, 40), repeat=2))
    assert (a.of(H, W) == b.of(H, W)) == same


@settings(deadline=None, max_examples=80)
@given(expressions("H"), expressions("H"))
def test_sets_of_one_symbol(a: Expression, b: Expression) -> None:
    left, right = a.of(H, W), b.of(H, W)
    for sign, python in (("==", "=="), (">=", ">="), ("<", "<"), ("!=", "!=")):
        sizes = compared(sign, left, right)
        for h in (*range(1, 80), 1000, 12_345, 10**9 + 7):
            assert (h in sizes) == eval(f"x {python} y", {"x": a.of(h, 1), "y": b.of(h, 1)}), (sign, sizes)


@given(st.lists(st.integers(-40, 40), min_size=1, max_size=5), st.integers(0, 3))
def test_sign_runs(polynomial: list[int], start: int) -> None:
    def sign(q: int) -> int:
        value = sum(c * q**k for k, c in enumerate(polynomial))
        return (value > 0) - (value < 0)

    runs = sign_runs(polynomial, start)
    assert runs[0][0] == start and all(a[1] != b[1] and a[0] < b[0] for a, b in pairwise(runs))
    for q in range(start, 300):
        assert sign(q) == [s for first, s in runs if first <= q][-1]


@settings(deadline=None, max_examples=80)
@given(expressions(), expressions(), st.integers(1, 4))
def test_quotients_are_exact_or_refused(a: Expression, b: Expression, k: int) -> None:
    x, y = a.of(H, W), b.of(H, W)
    for size, divisor in ((x * y, y), (k * x, k), (x, k), (x, y)):
        if isinstance(divisor, int) and divisor < 1:
            continue
        try:
            found = size // divisor
        except SizeError:
            continue
        for h, w in AT:
            by = at(divisor, h, w)
            if isinstance(divisor, int):
                assert at(found, h, w) == at(size, h, w) // by
            else:
                assert at(found, h, w) * by == at(size, h, w)


@pytest.mark.parametrize(("size", "divisor", "expected"), [
    (H * W, H, W), (3 * H * W, 3, H * W), (3 * H * W, W, 3 * H), (N * N, N, N), (N * N * N, N * N, N),
    (49 * (H // 7) * (W // 7) * 96, H // 7, 49 * 96 * (W // 7)), (49 * (H // 7) * (W // 7), 49, (H // 7) * (W // 7)),
    (768 * ((H // 16) * (W // 16) + 1), (H // 16) * (W // 16) + 1, 768), ((H + 1) * (W + 1), W + 1, H + 1),
    (768 * ((H // 16) * (W // 16) + 1), 768, (H // 16) * (W // 16) + 1),
    (2 * H * W + 1, 2, H * W), (2 * H * W + H, 2, H * W + H // 2),
    (H * W, H * W, 1), (8 * H, 2 * H, 4), (H, H, 1), ((H // 2 + (H + 1) // 2) * W, H, W),
])  # fmt: skip
def test_quotients(size: Dim, divisor: Dim, expected: Dim) -> None:
    assert size // divisor == expected and size % divisor == size - size // divisor * divisor


@pytest.mark.parametrize("wrong", [
    lambda: H * W // 2, lambda: H * W // N, lambda: (H * W + 1) // H, lambda: 3 // (H * W), lambda: 3 % (H * W),
    lambda: H * W // 0,
    lambda: H // W, lambda: N**17, lambda: numel([N] * 40), lambda: N * N // (N + 1),
    lambda: ((N // 97 + 1) * (N // 89 + 1)) - (N // 97) * (N // 89) == 0,
])  # fmt: skip
def test_what_has_no_formula(wrong: Any) -> None:
    with pytest.raises(SizeError):
        wrong()


@pytest.mark.parametrize(("size", "text"), [
    (H * W, "H*W"), (W * H * 3, "3*H*W"), (N * N, "N^2"), ((H // 16) * (W // 16) + 1, "floor(H/16)*floor(W/16) + 1"),
    ((H + 1) * (W + 1), "(H + 1)*(W + 1)"), (H + W, "H + W"), (H - W, "H - W"), (2 * H * W - 3, "2*H*W - 3"), (-(H * W), "-H*W"),
    ((H // 16) * (W // 16) * (H // 16) * (W // 16), "floor(H/16)^2*floor(W/16)^2"), ((N + 1) * (N + 1), "(N + 1)^2"),
    ((2 * (H // 2)) * W, "2*floor(H/2)*W"), (H * W + 2 * H + 5, "H*W + 2*H + 5"),
])  # fmt: skip
def test_formulas(size: Dim, text: str) -> None:
    assert str(size) == text


@pytest.mark.parametrize("size", [(H + 1) * W - H * W - W, (H // 2 + (H + 1) // 2) * W - H * W, (H % 2) * ((H + 1) % 2)])
def test_zero_is_an_integer(size: Dim) -> None:
    assert size == 0 and isinstance(size, int)


def test_what_is_linear_is_no_polynomial() -> None:
    assert (H + 1) * W - H * W == W and isinstance((H % 2) * (H % 2), type(H)) and (H % 2) * (H % 2) == H % 2
    assert H * W - W * H + N == N and type(H + W - W) is type(H)


def test_sets() -> None:
    assert equal(N * N, 196) == SizeSet((None,), frozenset({14})) and equal(N * N, 195) == NONE
    assert at_least(N * N, 17) == at_least(N, 5) and at_least(N * N, 1) == ALL and equal(N * N, N * N) == ALL
    assert compared("<=", N * N, 1_000_000) == compared("<=", N, 1000)
    with pytest.raises(SizeError, match="each symbolic size has its own"):
        equal(H * W, 12)
    with pytest.raises(SizeError, match="single sizes"):
        compared("<=", N * N, (DEFAULT.single_sizes + 1) ** 2)


def test_pickled() -> None:
    size = (H // 16) * (W // 16) + 1
    assert isinstance(size, SizePolynomial) and pickle.loads(pickle.dumps(size)) == size
    assert pickle.loads(pickle.dumps(size.with_text("H/16*W/16 + 1"))).text == "H/16*W/16 + 1"
