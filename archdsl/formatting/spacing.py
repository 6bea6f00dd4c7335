"""Tokens, and the blanks between two of them on a line."""

from __future__ import annotations

from typing import Final, NamedTuple

from archdsl.syntax import nodes as ast

_TIGHT: Final = frozenset({".", "..", "^"})
_NONE_BEFORE: Final = frozenset({",", ":", ")", "]"})
_NONE_AFTER: Final = frozenset({"(", "["})


class Token(NamedTuple):
    """A token with the innermost node that it belongs to."""

    text: str
    node: ast.Node
    start: int


def blanks_between(before: Token, after: Token) -> int:
    """Return how many blanks stand between two tokens of one statement: none or one."""
    left, right = before.text, after.text
    if left in _TIGHT or right in _TIGHT or left in _NONE_AFTER or right in _NONE_BEFORE:
        return 0
    if isinstance(before.node, ast.Unary) and left in ("+", "-"):
        return 0
    if right == "(":
        return 1 if isinstance(after.node, ast.Parenthesized | ast.Label) else 0
    if right == "[":
        return 0 if _is_index(after) else 1
    return 1


def _is_index(bracket: Token) -> bool:
    """Whether a square bracket follows what it is an index of."""
    node = bracket.node
    return isinstance(node, ast.Index) or (isinstance(node, ast.Label) and bracket.start != node.span.start)
