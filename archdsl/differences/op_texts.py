"""Ops as words in a line of differences; of several instances with the numbers in which they differ: `conv(16|32|64, 1)`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from archdsl.analysis import describe
from archdsl.ops.base import Op

_MOST_VALUES = 4
_MOST_OPS = 7
_COMMA = re.compile(r", (?![^\[]*\])")
"""A comma between arguments, and not in a list."""


def one_text(ops: Iterable[Op]) -> str:
    """Return the text of an op in several instances."""
    texts = list(dict.fromkeys(map(describe, ops)))
    if len(texts) == 1:
        return texts[0]
    parts = [_parts(text) for text in texts]
    if len({(name, len(arguments)) for name, arguments in parts}) == 1:
        columns = [_column(column) for column in zip(*[arguments for _, arguments in parts], strict=True)]
        return f"{parts[0][0]}({', '.join(columns)})"
    return " or ".join(texts[:_MOST_VALUES] if len(texts) <= _MOST_VALUES else [*texts[: _MOST_VALUES - 1], "..."])


def listed_ops(columns: Sequence[Sequence[Op]]) -> str:
    """Return the texts of ops one after another, each in several instances; of many, the first ones and their number."""
    shown = [one_text(ops) for ops in columns[:_MOST_OPS]]
    if len(columns) > _MOST_OPS:
        shown = [*shown[: _MOST_OPS - 2], f"... ({len(columns)} ops)"]
    return ", ".join(shown)


def _parts(text: str) -> tuple[str, list[str]]:
    name, _, rest = text.partition("(")
    return name, _COMMA.split(rest[:-1]) if rest else []


def _column(texts: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(texts))
    if len(distinct) == 1:
        return distinct[0]
    names = {text.rpartition(" = ")[0] for text in distinct}
    if len(names) > 1:
        return "|".join(distinct)
    (name,) = names
    values = [text.rpartition(" = ")[2] for text in distinct]
    if len(values) > _MOST_VALUES:
        values = [*values[: _MOST_VALUES - 2], "...", values[-1]]
    return (f"{name} = " if name else "") + "|".join(values)
