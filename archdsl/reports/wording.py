"""Numbers of a report as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from archdsl.reports.memory import human, shown_bytes
from archdsl.shapes import Dim
from archdsl.sizes import SizeSet, simplified

if TYPE_CHECKING:
    from archdsl.reports.facts import Facts, Layer


def number(value: Fraction | int) -> str:
    """Return a number exactly if it is short, else rounded."""
    if isinstance(value, int):
        return f"{value:,}" if value < 10**12 else f"{_rounded(value)}"
    return str(value.numerator) if value.denominator == 1 else f"{float(value):g}"


def _rounded(value: int) -> str:
    digits = str(value)
    return f"{digits[0]}.{digits[1:4]}e{len(digits) - 1}"


def share(value: float) -> str:
    """Return a share as a percentage with as many digits as it needs."""
    percent = 100 * value
    return f"{percent:.1f} %" if percent >= 10 else f"{percent:.2f} %" if percent >= 0.01 or percent == 0 else f"{percent:.1e} %"


def ratio(less: Dim, more: Dim) -> str:
    """Return how many times as much the second number is; empty for formulas."""
    if not isinstance(less, int) or not isinstance(more, int) or not less:
        return ""
    return f"{more / less:.2f}×"


def size_text(size: Dim, valid: Mapping[str, SizeSet]) -> str:
    """Return a count: a number with separators, or a formula."""
    return f"{size:,}" if isinstance(size, int) else simplified(size, valid)


def variance_text(layer: Layer) -> str:
    """Return the expected variance of a layer; `?` if it is unknown."""
    return "?" if layer.moments is None else f"{layer.moments.variance:.3g}"


def kept_text(facts: Facts, numbers: Sequence[int]) -> str:
    """Return the memory that some ops keep for the backward pass, for each example; empty if it is nothing or unknown."""
    own = [facts.memory.kept_by[i] for i in numbers if i in facts.memory.kept_by]
    if not own:
        return ""
    total = own[0]
    for other in own[1:]:
        total = total.plus(other)
    each = total.of_example
    return ("" if each == 0 else human(each)) if isinstance(each, int) else shown_bytes(each, facts.graph.valid_sizes)


LISTED: Final = 12
"""Rows of a table of places; more are counted."""


def picked(rows: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Return the rows if they are few, else the first and the last ones with the number of those between."""
    if len(rows) <= LISTED:
        return list(rows)
    half = LISTED // 2
    between = ["...", f"{len(rows) - 2 * half} more", *[""] * (len(rows[0]) - 2)]
    return [*rows[:half], between, *rows[-half:]]
