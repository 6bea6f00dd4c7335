"""Colours: one for each category that everyone can tell from the others, words that can be read on them."""

from collections.abc import Sequence
from itertools import combinations
from math import dist
from typing import get_args

import pytest

from archdsl.backends.diagram.theme import MARKS, THEMES, ThemeName
from archdsl.ops.base import Category

GREY = (0.2126, 0.7152, 0.0722)
SEEN_AS = {
    "all cones": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
    "grey": (GREY, GREY, GREY),
}
"""What becomes of linear red, green and blue: Machado, Oliveira & Fernandes 2009, severity 1.0, and a printer without colours."""
COMMON = {
    Category.CONVOLUTION, Category.DENSE, Category.NORMALIZATION, Category.ACTIVATION, Category.POOLING, Category.REGULARIZATION,
    Category.ATTENTION,
}  # fmt: skip
"""What most networks are made of, so that these are beside each other in most pictures."""


def linear(color: str) -> list[float]:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def product(weights: Sequence[float], values: Sequence[float]) -> float:
    return sum(weight * value for weight, value in zip(weights, values, strict=True))


def luminance(color: str) -> float:
    """WCAG 2.2, relative luminance."""
    return product(GREY, linear(color))


def lab(color: str, reader: str) -> tuple[float, float, float]:
    """CIELAB (white D65, IEC 61966-2-1) of what a reader sees of a colour; a distance of 2.3 is just noticeable."""
    seen = [min(max(product(row, linear(color)), 0.0), 1.0) for row in SEEN_AS[reader]]
    to_xyz = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
    white = (0.95047, 1.0, 1.08883)
    ratios = [product(row, seen) / whole for row, whole in zip(to_xyz, white, strict=True)]
    x, y, z = (ratio ** (1 / 3) if ratio > 216 / 24389 else (24389 / 27 * ratio + 16) / 116 for ratio in ratios)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def least_difference(name: ThemeName, reader: str, *, common: bool = False) -> float:
    """Of the fills of any two categories."""
    paints = THEMES[name].paints.items()
    fills = [p.fill for c, p in paints if (c in COMMON if common else c not in (Category.JOIN, Category.INPUT))]
    return min(dist(lab(a, reader), lab(b, reader)) for a, b in combinations(fills, 2))


@pytest.mark.parametrize("reader", [reader for reader in SEEN_AS if reader != "grey"])
@pytest.mark.parametrize("name", ["light", "dark"])
def test_every_reader_can_tell_the_fills_apart(name: ThemeName, reader: str) -> None:
    assert least_difference(name, reader) > 6.5
    assert least_difference(name, reader, common=True) >= 11


@pytest.mark.parametrize("name", get_args(ThemeName))
def test_no_two_fills_are_the_same_grey(name: ThemeName) -> None:
    assert least_difference(name, "grey") > 1.5
    assert least_difference(name, "grey", common=True) > 2.4


def test_the_simulation_finds_colours_that_look_alike() -> None:
    red, green = "#c05040", "#707a30"
    assert dist(lab(red, "all cones"), lab(green, "all cones")) > 50
    assert dist(lab(red, "deuteranopia"), lab(green, "deuteranopia")) < 15
    assert dist(lab("#808080", "grey"), lab("#808080", "all cones")) < 0.1
    assert lab("#ffffff", "deuteranopia") == pytest.approx((100.0, 0.0, 0.0), abs=0.1)


def test_marks_of_differences_can_be_told_apart() -> None:
    for reader in SEEN_AS:
        if reader != "grey":  # they have signs, too
            lines = [lab(paint.line, reader) for paint in MARKS.values()]
            assert min(dist(a, b) for a, b in combinations(lines, 2)) > 8


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", get_args(ThemeName))
def test_every_category_has_a_colour_of_its_own(name: ThemeName) -> None:
    paints = THEMES[name].paints
    assert set(paints) == set(Category)
    fills = [paint.fill for category, paint in paints.items() if category not in (Category.JOIN, Category.INPUT)]
    assert all(a != b for a, b in combinations(fills, 2))


@pytest.mark.parametrize("category", list(Category))
@pytest.mark.parametrize("name", get_args(ThemeName))
def test_contrast(name: ThemeName, category: Category) -> None:
    colors = THEMES[name]
    paint = colors.paints[category]
    assert contrast(colors.ink, paint.fill) > (9 if name == "light" else 7)
    assert contrast(paint.line, colors.page) > 3


@pytest.mark.parametrize("name", get_args(ThemeName))
def test_small_words_can_be_read(name: ThemeName) -> None:
    colors = THEMES[name]
    for frame in (colors.frame, colors.repeat, colors.head_frame):
        for color in (colors.faint, colors.skip, colors.error, colors.head, colors.size):
            assert contrast(color, frame.fill) > 4.5
    assert contrast(colors.faint, colors.band) > 4.5


@pytest.mark.parametrize("name", get_args(ThemeName))
def test_words_on_bars_can_be_read(name: ThemeName) -> None:
    colors = THEMES[name]
    assert contrast(colors.bar_ink, colors.paints[Category.JOIN].line) > 7
