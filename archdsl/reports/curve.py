"""Curves over depth or time, as SVG that follows the colours of the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from math import log10
from typing import Final, NamedTuple

WIDTH, HEIGHT = 720, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 12, 10, 26
_POINTS: Final = 600
"""More values than this are drawn as the largest of each stretch."""


class Curve(NamedTuple):
    """Values from left to right, None where there is none. `mark` is a value with a dashed line, and its name.

    `caption` says what is shown, also to those who do not see it. Values of very different sizes are on a logarithmic axis.
    """

    caption: str
    values: Sequence[float | None]
    axis: str
    written: Callable[[float], str]
    mark: tuple[float, str] | None = None
    linear: bool = False
    """Whether the axis is linear however different the values are."""


def curve_svg(curve: Curve) -> str:
    """Return a figure."""
    values = _thinned(curve.values)
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    marked = [curve.mark[0]] if curve.mark is not None else []
    low, high = min(known), max(*known, *marked)
    logarithmic = not curve.linear and low > 0 and high / low > 200
    bottom = low if logarithmic else min(low, 0.0)
    height = _height(bottom, high, logarithmic)
    step = (WIDTH - _LEFT - _RIGHT) / max(len(values) - 1, 1)
    runs: list[list[str]] = [[]]
    for i, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(f"{_LEFT + i * step:.1f},{height(value):.1f}")
    lines = "".join(f'<polyline points="{" ".join(run)}"/>' for run in runs if run)
    scale = "".join(_tick(height(value), curve.written(value)) for value in _ticks(bottom, high, logarithmic))
    mark = _mark(height(curve.mark[0]), curve.mark[1]) if curve.mark is not None else ""
    shown = f"{curve.caption} From {curve.written(known[0])} to {curve.written(known[-1])}, at most {curve.written(max(known))}."
    about = " The vertical axis is logarithmic." if logarithmic else ""
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(shown, quote=True)}" font-size="12" '
        f'fill="var(--faint)">{scale}<g fill="none" stroke="var(--accent)" stroke-width="1.5">{lines}</g>{mark}'
        f'<text x="{WIDTH - _RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{escape(curve.axis)}</text></svg>'
        f"<figcaption>{escape(curve.caption)}{about}</figcaption></figure>"
    )


def _thinned(values: Sequence[float | None]) -> Sequence[float | None]:
    size = -(-len(values) // _POINTS)
    if size < 2:
        return values
    parts = [[value for value in values[i : i + size] if value is not None] for i in range(0, len(values), size)]
    return [max(part, default=None) for part in parts]


def _height(low: float, high: float, logarithmic: bool) -> Callable[[float], float]:
    span = HEIGHT - _TOP - _BOTTOM
    if logarithmic:
        return lambda value: _TOP + span * (1 - log10(value / low) / log10(high / low))
    return lambda value: _TOP + span * (1 - (value - low) / ((high - low) or 1.0))


def _ticks(low: float, high: float, logarithmic: bool) -> list[float]:
    middle = (low * high) ** 0.5 if logarithmic else (low + high) / 2
    return list(dict.fromkeys([low, middle, high]))


def _tick(y: float, text: str) -> str:
    line = f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="var(--line)"/>'
    return f'{line}<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>'


def _mark(y: float, text: str) -> str:
    line = f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="var(--removed)" stroke-dasharray="5 4"/>'
    return f'{line}<text x="{_LEFT + 4}" y="{y - 4:.1f}" fill="var(--removed)">{escape(text)}</text>'
