"""Whether two texts have the same tree, apart from places: what a formatter must keep."""

from __future__ import annotations

from typing import Any

from archdsl.source import Span
from archdsl.syntax import nodes as ast
from archdsl.syntax.damage import Damage


def differs(one: ast.File, other: ast.File) -> bool:
    """Return whether two files have different trees, documentation included, or different comments."""
    comments = [sorted(comment.text.rstrip() for comment in file.comments) for file in (one, other)]
    return comments[0] != comments[1] or _differ(one.items, other.items) or other.damaged


def _differ(one: Any, other: Any) -> bool:
    if isinstance(one, Span | Damage):
        return False
    if isinstance(one, ast.Node):
        fields = type(one).__dataclass_fields__
        return type(one) is not type(other) or any(_differ(getattr(one, name), getattr(other, name)) for name in fields)
    if isinstance(one, tuple):
        return len(one) != len(other) or any(_differ(a, b) for a, b in zip(one, other, strict=True))
    return bool(one != other or type(one) is not type(other))
