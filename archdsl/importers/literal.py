"""Values of the language as text."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

_LARGEST = 64
"""A number with many digits is a fraction of integers for a person if the second is at most this."""


class Word(str):
    """A bare word: the name of an op or block, or a word such as `same`."""

    __slots__ = ()


def literal(value: Any) -> str:
    """Return a value as the language writes it."""
    if isinstance(value, Word):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "none"
    if isinstance(value, range):
        step = f" by {value.step}" if value.step != 1 else ""
        return f"{value.start}..{value.stop}{step}"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(literal, value))}]"
    return str(value)


def _number(value: float) -> str:
    text = f"{value:.10g}"
    if float(text) != value:
        share = Fraction(value).limit_denominator(_LARGEST) if math.isfinite(value) else Fraction()
        if share and share.numerator / share.denominator == value:
            return f"{share.numerator} / {share.denominator}"
        shorter = f"{value:.6g}"
        text = shorter if abs(float(shorter) - value) <= 1e-7 * abs(value) else repr(value)
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else text
