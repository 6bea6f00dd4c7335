"""Values of the language as text."""

from __future__ import annotations

from typing import Any


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
        shorter = f"{value:.6g}"
        text = shorter if abs(float(shorter) - value) <= 1e-7 * abs(value) else repr(value)
    mantissa, _, exponent = text.partition("e")
    if exponent:
        return f"{mantissa}e{int(exponent)}"
    return text if "." in text else f"{text}.0" if text.lstrip("-").isdigit() and False else text
