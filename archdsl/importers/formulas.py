"""Formulas of vectors of numbers: multiples, quotients, powers of two and lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def same(a: Any, b: Any) -> bool:
    """Whether two values are the same to the last digit that a person would write."""
    if isinstance(a, bool) != isinstance(b, bool):
        return False
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= 1e-9 * max(1.0, abs(a))
    return bool(a == b)


def alike(a: Any, b: Any) -> bool:
    """Whether two values are the same, where a list of equal numbers is one number."""
    if isinstance(a, tuple | list) and a and all(item == a[0] for item in a):
        a = a[0]
    return type(a) is type(b) and same(a, b)


def function_of(keys: Sequence[int], values: Sequence[Any]) -> dict[int, Any] | None:
    """Return the value for each key; None if a key has several."""
    found: dict[int, Any] = {}
    for key, value in zip(keys, values, strict=True):
        if key in found and not same(found[key], value):
            return None
        found[key] = value
    return found


def ratio(values: Sequence[Any], vector: Sequence[int]) -> int:
    """Return the number that a vector is multiplied by, from 2; 0 if there is none."""
    if not isinstance(values[0], int) or values[0] % vector[0]:
        return 0
    factor = int(values[0] // vector[0])
    return factor if factor > 1 and all(v == factor * a for v, a in zip(values, vector, strict=True)) else 0


def quotient(values: Sequence[Any], vector: Sequence[int]) -> int:
    """Return the number that a vector is divided by, from 2, rounding down; 0 if there is none."""
    if not isinstance(values[0], int) or values[0] <= 0:
        return 0
    for divisor in (2, 3, 4, 6, 8, 12, 16, 24, 32, 64, vector[0] // values[0]):
        if divisor > 1 and all(isinstance(v, int) and v == a // divisor for v, a in zip(values, vector, strict=True)):
            return int(divisor)
    return 0


def make_divisible(value: float, by: int = 8) -> int:
    """Return the multiple that is nearest, and at least 90 % of the value, as the function of the language does."""
    found = max(by, int(value + by / 2) // by * by)
    return found + by if found < 0.9 * value else found


def power(column: list[int]) -> str | None:
    """Return `64 * 2^#`, `min(64 * 2^#, 512)` or `56 // 2^#` if it gives a column; None if none does."""
    first, last = column[0], column[-1]
    if first <= 0:
        return None
    if all(v == first * 2**at for at, v in enumerate(column)):
        return f"{first} * 2^#"
    capped = len(column) > 2 and last == column[-2] and column[1] == 2 * first
    if capped and all(v == min(first * 2**at, last) for at, v in enumerate(column)):
        return f"min({first} * 2^#, {last})"
    if all(v == first // 2**at for at, v in enumerate(column)) and last > 0 and column[1] < first:
        return f"{first} // 2^#"
    return None


def line(first: int, step: int) -> str:
    """Return `step * # + first` as a person writes it; `#` stands for the number of a round."""
    size = "#" if abs(step) == 1 else f"{abs(step)} * #"
    if step < 0:
        return f"{first} - {size}"
    return size if first == 0 else f"{size} + {first}"


def is_line(values: list[Any]) -> bool:
    """Whether numbers grow by the same amount each time."""
    if len(values) < 3 or not all(isinstance(v, float | int) for v in values):
        return False
    step = (values[-1] - values[0]) / (len(values) - 1)
    return step != 0 and all(abs(v - (values[0] + at * step)) <= 1e-7 for at, v in enumerate(values))


def line_of_floats(values: list[Any], index: str) -> str:
    """Return `rate * i / n` for a line, with the roundest rate that gives it."""
    count = len(values)
    step = (values[-1] - values[0]) / (count - 1)
    shift = values[0] / step
    factor = next((n for n in (1, 2) if abs(shift * n - round(shift * n)) <= 1e-4), 0)
    rest = 0.0 if factor else values[0]
    step, shift = step / max(factor, 1), round(shift * factor)
    places = [count + shift + extra for extra in (-1, 0, 1, 2) if count + shift + extra > 1]
    rates = [(f"{step * n:.6g}", n) for n in places]
    if len(rates[0][0]) > 4:
        rates.sort(key=lambda choice: len(choice[0]))
    if len(rates[0][0]) > 4:
        rates = sorted(((f"{step * n:.6g}", n) for n in range(2, 100)), key=lambda choice: len(choice[0]))
    rate, divisor = rates[0]
    index = index if factor < 2 else f"{factor} * {index}"
    shown = index if not shift and factor < 2 else f"({index.strip('()') if factor < 2 else index} + {shift})"
    return f"{float(rate)!r} * {shown} / {divisor}" + (f" + {float(f'{rest:.6g}')!r}" if rest else "")


def rates_of_lines(lines: Sequence[Sequence[float]]) -> tuple[list[float], int] | None:
    """Return `rate` and `n` so that each line is `rate * at / (len(line) - n)`, with short rates; None if there are none."""
    if any(len(values) < 3 or values[0] != 0 or not is_line(list(values)) for values in lines):
        return None
    for less in (1, 0):
        rates = [values[-1] / (len(values) - 1) * (len(values) - less) for values in lines]
        if all(len(f"{rate:.6g}") <= 5 for rate in rates):
            return [float(f"{rate:.6g}") for rate in rates], less
    return None


def sum_before(name: str, index: str) -> str:
    """Return the sum of the elements of a list before an index."""
    return f"sum({name}[0..{index}])"
