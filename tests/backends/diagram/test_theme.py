"""Colours: one for each category, words that can be read on them."""

from itertools import combinations

import pytest

from archdsl.backends.diagram import theme
from archdsl.ops.base import Category


def luminance(color: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_category_has_a_colour_of_its_own() -> None:
    assert set(theme.PAINTS) == set(Category)
    fills = [paint.fill for category, paint in theme.PAINTS.items() if category not in (Category.JOIN, Category.INPUT)]
    assert all(a != b for a, b in combinations(fills, 2))


@pytest.mark.parametrize("category", list(Category))
def test_contrast(category: Category) -> None:
    paint = theme.PAINTS[category]
    assert contrast(theme.INK, paint.fill) > 9
    assert contrast(paint.line, theme.PAGE) > 3


@pytest.mark.parametrize("frame", [theme.FRAME, theme.REPEAT, theme.HEAD_FRAME])
def test_small_words_can_be_read(frame: theme.Paint) -> None:
    assert contrast(theme.FAINT, frame.fill) > 4.5
    assert contrast(theme.SKIP, frame.fill) > 4.5
