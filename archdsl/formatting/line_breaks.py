"""Line breaks that the text asks for: those between statements, stages and rows, and those of trailing commas and comments.

Statements stay on the lines where they were written. A body is on one line, or its braces stand on lines of their own; a
statement of several lines shares none with others.
"""

from __future__ import annotations

from typing import Final

from archdsl.formatting.layout import ROW, STATEMENT, TOP, Layout
from archdsl.syntax import nodes as ast

_OPERATORS: Final = {
    "or": 4, "and": 5, "==": 6, "!=": 6, "<=": 6, ">=": 6, "<": 6, ">": 6, "+": 7, "-": 7, "*": 8, "/": 8, "//": 8, "%": 8,
}  # fmt: skip


def break_by_structure(layout: Layout) -> None:
    """Set the breaks between statements, stages and rows, and behind the trailing commas of calls."""
    for index in range(1, len(layout.tokens)):
        if _begins_line(layout, index):
            layout.breaks[index] = STATEMENT
    _open_brackets(layout)
    _open_bodies(layout)
    _part_statements(layout)


def _begins_line(layout: Layout, index: int) -> bool:
    """Return whether a statement, a stage or a claim stands on a line of its own in the text; so does what follows a comment."""
    gap, token = layout.gaps[index], layout.tokens[index]
    if gap.comments:
        return True
    if token.text == "->":
        return gap.newline or layout.gaps[index + 1].newline
    claim = token.text == "expect" and isinstance(token.node, ast.Expect)
    return gap.newline and (layout.begins[index] or claim) and layout.is_body(layout.groups[index])


def _open_brackets(layout: Layout) -> None:
    """Give the items of round and square brackets lines of their own if a comma trails, if there are comments, or for rows."""
    commented = [0]
    for gap in layout.gaps:
        commented.append(commented[-1] + bool(gap.comments))
    for opening, close in layout.closes.items():
        if layout.is_body(opening) or close == opening + 1:
            continue
        exploded = layout.is_exploded(opening)
        if exploded or commented[close + 1] > commented[opening + 1]:
            layout.breaks[opening + 1] = layout.breaks[close] = STATEMENT
        elif isinstance(layout.tokens[opening].node, ast.ListExpr) and layout.gaps[opening + 1].newline:
            layout.breaks[opening + 1] = layout.breaks[close] = ROW
    for index in range(1, len(layout.tokens)):
        group = layout.groups[index]
        if layout.breaks[index] or layout.is_body(group) or not behind_comma(layout, index):
            continue
        if layout.is_exploded(group):
            layout.breaks[index] = STATEMENT
        elif layout.gaps[index].newline and isinstance(layout.tokens[group].node, ast.ListExpr):
            layout.breaks[index] = ROW


def _open_bodies(layout: Layout) -> None:
    """Open each body that does not stay on one line, from the innermost."""
    broken = set[int]()
    for index in range(len(layout.tokens)):
        group = layout.groups[index]
        if layout.breaks[index]:
            broken.add(group)
        if layout.closes.get(group) == index:
            body = layout.tokens[group].text == "{" and index > group + 1
            if body and (group in broken or layout.gaps[group + 1].newline or layout.gaps[index].newline):
                open_body(layout, group)
                broken.add(group)
            if group in broken:
                broken.add(layout.groups[group])


def _part_statements(layout: Layout) -> None:
    """Give a statement of several lines lines of its own."""
    before = [0]
    for broken in layout.breaks:
        before.append(before[-1] + bool(broken))
    count, last = len(layout.tokens), dict[int, int]()
    for index in range(count + 1):
        group = layout.groups[index] if index < count else TOP
        if index < count and not layout.begins[index] and layout.closes.get(group) != index:
            continue
        start = last.get(group)
        if start is not None and before[index] > before[start + 1]:  # the statement before has several lines
            for place in (start, index):
                if place < count and layout.separated(place) and layout.is_open_body(group):
                    layout.breaks[place] = STATEMENT
        last[group] = index


def open_body(layout: Layout, opening: int) -> None:
    """Put the braces of a body on lines of their own, and those of the other arms of an `if`."""
    for brace in layout.arms.get(opening, [opening]):
        if layout.closes[brace] > brace + 1:
            layout.breaks[brace + 1] = layout.breaks[layout.closes[brace]] = STATEMENT


def behind_comma(layout: Layout, index: int) -> bool:
    """Return whether a token is the first of an item in brackets, behind a comma."""
    group = layout.groups[index]
    inside = layout.tokens[index - 1].text == "," and layout.closes.get(group) != index
    return inside and layout.has_items(group)


def looseness(layout: Layout, index: int) -> int | None:
    """Return how loosely a token inside round or square brackets is tied to the one before; None if no line may begin there.

    Lines are broken where that is least: between items, then at the words of conditions, then at operators.
    """
    token, group = layout.tokens[index], layout.groups[index]
    if layout.is_body(group) or layout.closes.get(group) == index:
        return None
    if behind_comma(layout, index):
        return 1
    if isinstance(token.node, ast.Comprehension) and token.text in ("for", "if"):
        return 2
    if isinstance(token.node, ast.Choice) and token.text in ("if", "else"):
        return 3
    return _OPERATORS.get(token.text) if isinstance(token.node, ast.Chain) else None
