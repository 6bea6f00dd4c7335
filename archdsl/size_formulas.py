"""Polynomials of symbolic sizes as text, such as `H/16*W/16 + 1`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import gcd
from typing import TypeAlias

from archdsl.shapes import LinearSize
from archdsl.size_pieces import Factors

Linear: TypeAlias = tuple[int, int, int]
"""`slope, scale, shift` for `(slope * n + shift) / scale`."""


def formula(terms: Mapping[Factors, int], linear: Callable[[LinearSize], Linear | None] = lambda factor: None) -> str:
    """Return products with their coefficients as a sum. `linear` gives a factor as a linear function, where it is one."""
    found: dict[tuple[str, ...], int] = {}
    for factors, coefficient in terms.items():
        coefficient, texts = _product(coefficient, factors, linear)
        found[tuple(texts)] = found.get(tuple(texts), 0) + coefficient
    parts: list[str] = []
    for texts_, c in found.items():
        if c == 0:
            continue
        powers = [_power(text, texts_.count(text)) for text in dict.fromkeys(texts_)]
        whole = "*".join(([str(abs(c))] if abs(c) != 1 or not powers else []) + powers)
        parts += ["+" if c > 0 else "-", whole] if parts else [whole if c > 0 else f"-{whole}"]
    return " ".join(parts) or "0"


def linear_text(symbol: str, slope: int, scale: int, shift: int) -> str:
    """Return `(slope * n + shift) / scale` as text."""
    if slope == 0:
        return str(shift)
    whole, rest = divmod(shift, scale)
    top = symbol if slope == 1 else f"{slope}*{symbol}"
    if rest:
        return f"({top} {'+' if shift > 0 else '-'} {abs(shift)})/{scale}"
    text = top if scale == 1 else f"{top}/{scale}"
    return text + (f" + {whole}" if whole > 0 else f" - {-whole}" if whole < 0 else "")


def _product(coefficient: int, factors: Factors, linear: Callable[[LinearSize], Linear | None]) -> tuple[int, list[str]]:
    """Return the coefficient that is left, and the text of each factor. A coefficient cancels divisors: `49*H/7*W/7` is `H*W`."""
    functions = [linear(factor) for factor in factors]
    for slope, _, shift in filter(None, functions):
        coefficient *= (slope or shift) if 0 in (slope, shift) else 1
    texts = []
    for factor, function in zip(factors, functions, strict=True):
        if function is None:
            texts.append(str(factor))
        elif function[2] and function[0]:
            texts.append(linear_text(factor.symbol, *function))
        elif function[0]:
            common = gcd(coefficient, function[1])
            coefficient //= common
            texts.append(linear_text(factor.symbol, 1, function[1] // common, 0))
    return coefficient, texts


def _power(text: str, times: int) -> str:
    return _bracketed(text, " ") if times == 1 else f"{_bracketed(text, ' */')}^{times}"


def _bracketed(text: str, signs: str) -> str:
    """Return a factor, in brackets if one of these signs is outside of any; a space is part of a sum."""
    depth = 0
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter in signs and depth == 0:
            return f"({text})"
    return text
