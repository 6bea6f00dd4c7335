"""Expressions as text: on one line if they fit, else one item per line. Equal neighbours become a repetition."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from itertools import groupby
from typing import Final, NamedTuple, TypeAlias

WIDTH = 110
"""The longest line of generated source; hand-written code is set so, too."""
_NUMBERS: Final = re.compile(r"\(+[-+.,() \deinfa]+\)")
"""Nested tuples of numbers, which may break behind any comma."""


class Group(NamedTuple):
    """Items between an opening and a closing text."""

    opening: str
    items: tuple[Expression, ...]
    closing: str = ")"


Expression: TypeAlias = str | Group


def lines(expression: Expression, indent: int) -> list[str]:
    """Return the lines of an expression, indented by a number of spaces."""
    flat = one_line(expression)
    if indent + len(flat) > WIDTH and _NUMBERS.fullmatch(flat):
        return textwrap.wrap(flat, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + 1))
    if isinstance(expression, str) or indent + len(flat) <= WIDTH:
        return [" " * indent + flat]
    found = [" " * indent + expression.opening]
    for item in expression.items:
        *above, last = lines(item, indent + 4)
        found += [*above, last + ","]
    return [*found, " " * indent + expression.closing]


def one_line(expression: Expression) -> str:
    """Return the expression without a line break."""
    if isinstance(expression, str):
        return expression
    return expression.opening + ", ".join(one_line(item) for item in expression.items) + expression.closing


def repeated(items: Sequence[Expression]) -> tuple[Expression, ...]:
    """Return the items, with runs of three or more equal ones as `*(item for _ in range(n))`."""
    found: list[Expression] = []
    for item, run in groupby(items):
        count = len(list(run))
        if count < 3:
            found += [item] * count
        else:
            found.append(f"*({one_line(item)} for _ in range({count}))")
    return tuple(found)


def entry(before: str, expression: Expression, after: str = "") -> Expression:
    """Return an expression with a text around it, which stays on the lines of its brackets."""
    if isinstance(expression, str):
        return before + expression + after
    return Group(before + expression.opening, expression.items, expression.closing + after)
