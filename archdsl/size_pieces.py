"""Functions of one symbol as polynomials for each remainder, and the signs of these polynomials."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from math import comb, lcm
from typing import TypeAlias

from archdsl.shapes import LinearSize

Factors: TypeAlias = tuple[LinearSize, ...]


def pieces(terms: Iterable[tuple[int, Factors]], symbol: str) -> list[list[int]]:
    """Return a function of one symbol as polynomials: for `n = P * q + r`, the coefficients of q, the constant first, by r."""
    given = list(terms)
    factors = {factor for _, factors in given for factor in factors}
    period = lcm(*[len(factor.offsets) for factor in factors]) if factors else 1
    for factor in factors:
        factor._bounded(period)
    spread = {factor: factor._at_period(period) for factor in factors}
    degree = max((len(factors) for _, factors in given), default=0)
    table = [[0] * (degree + 1) for _ in range(period)]
    for coefficient, factors_ in given:
        for r, row in enumerate(table):
            polynomial = [coefficient]
            for factor in factors_:
                slope, offsets = spread[factor]
                polynomial = [
                    offsets[r] * low + slope * high for low, high in zip([*polynomial, 0], [0, *polynomial], strict=True)
                ]
            for power, c in enumerate(polynomial):
                row[power] += c
    return table


def sign_runs(polynomial: Sequence[int], start: int) -> list[tuple[int, int]]:
    """Return where the sign of a polynomial changes at integers from `start` on: the first of each run, and its sign.

    Where the first difference, which has a lower degree, keeps its sign, the polynomial is monotone, and a binary search
    finds the changes.
    """
    if not any(polynomial[1:]):
        return [(start, _sign(polynomial[0]))]
    shifted = [sum([c * comb(k, j) for k, c in enumerate(polynomial) if k >= j]) for j in range(len(polynomial))]
    slopes = sign_runs([b - a for a, b in zip(polynomial, shifted, strict=True)][:-1], start)
    runs: list[tuple[int, int]] = []
    for (first, slope), (end, _) in zip(slopes, [*slopes[1:], (-1, 0)], strict=True):
        q = first
        while end < 0 or q < end:
            sign = _sign(_at(polynomial, q))
            if not runs or runs[-1][1] != sign:
                runs.append((q, sign))
            if slope in (0, sign):  # it stays
                break
            q = _first_change(polynomial, q, end if end >= 0 else None, sign)
    return runs


def _first_change(polynomial: Sequence[int], low: int, end: int | None, sign: int) -> int:
    """Return the first integer above `low` at which the sign is another one; `end` if there is none before it."""
    step = 1
    while (end is None or low + step < end) and _sign(_at(polynomial, low + step)) == sign:
        low, step = low + step, 2 * step
    high = low + step if end is None else min(low + step, end)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _sign(_at(polynomial, middle)) == sign else (low, middle)
    return high


def _at(polynomial: Sequence[int], q: int) -> int:
    return reduce(lambda found, c: found * q + c, reversed(polynomial), 0)


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)
