"""Colours: one for each category, words that can be read on them."""

from itertools import combinations
from typing import get_args

import pytest

from archdsl.backends.diagram.theme import THEMES, ThemeName
from archdsl.ops.base import Category


def luminance(color: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


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
