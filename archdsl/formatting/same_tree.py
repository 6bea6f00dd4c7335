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
    pending = [(one, other)]
    while pending:
        one, other = pending.pop()
        if isinstance(one, Span | Damage):
            continue
        if type(one) is not type(other):
            return True
        if isinstance(one, ast.Node):
            pending += [(getattr(one, name), getattr(other, name)) for name in type(one).__dataclass_fields__]
        elif isinstance(one, tuple):
            if len(one) != len(other):
                return True
            pending += zip(one, other, strict=True)
        elif one != other:
            return True
    return False
