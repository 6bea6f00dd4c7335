"""Format a text: the steps in order, and the lines of the result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archdsl.formatting.columns import align
from archdsl.formatting.layout import INDENT, Layout
from archdsl.formatting.line_breaks import break_by_structure
from archdsl.formatting.long_lines import break_long_lines
from archdsl.formatting.same_tree import differs
from archdsl.source import SourceFile
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import parse


class Line(NamedTuple):
    """A line of the result, and where its first token or comment stands in the text."""

    text: str
    start: int


def format_source(file: ast.File) -> str:
    """Return the text of a file without syntax errors in the one style."""
    return format_lines(file, None)


def format_lines(file: ast.File, lines: tuple[int, int] | None) -> str:
    """Return the text of a file without syntax errors, with some of its lines in the one style.

    `lines` is the first and the last line, from 1; None formats all. A line end that is no longer one takes the line behind it
    along.
    """
    layout = Layout(file)
    break_by_structure(layout)
    break_long_lines(layout)
    comment_pads = align(layout)
    result = list(_lines(layout, comment_pads))
    text = file.source.text
    ending = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    formatted = "".join(line.text + ending for line in result)
    if formatted != text and differs(file, parse(SourceFile(file.source.name, formatted))[0]):
        raise RuntimeError(f"{file.source.name}: formatting would change what the text means; this is a bug in archdsl")
    return formatted


def _lines(layout: Layout, comment_pads: dict[int, int]) -> Iterator[Line]:
    """Yield the lines of the result, empty ones included."""
    count = len(layout.tokens)
    start = 0
    yield from _comment_lines(layout, 0)
    while start < count:
        end = layout.line_end(start)
        if _is_below_blank(layout, start):
            yield Line("", -1)
        pieces = [" " * layout.indent(start), layout.tokens[start].text]
        for index in range(start + 1, end):
            pieces += [layout.space(index), layout.tokens[index].text]
        comments = layout.gaps[end].comments
        if comments and comments[0].trailing:
            pieces += [" " * (2 + comment_pads.get(end, 0)), comments[0].text]
        yield Line("".join(pieces), layout.tokens[start].start)
        yield from _comment_lines(layout, end)
        start = end


def _is_below_blank(layout: Layout, index: int) -> bool:
    """Whether an empty line stands above the line that begins with a token."""
    gap, group = layout.gaps[index], layout.groups[index]
    if not gap.below_blank or layout.closes.get(group) == index or (index == group + 1 and not gap.comments):
        return False
    return layout.begins[index] or not layout.is_body(group)


def _comment_lines(layout: Layout, index: int) -> Iterator[Line]:
    """Yield the comments on lines of their own before a token, or at the end of the file."""
    comments = layout.gaps[index].comments
    if not comments:
        return
    if index == len(layout.tokens):
        indent, opened = 0, False
    else:
        closing = layout.closes.get(layout.groups[index]) == index
        indent, opened = layout.indent(index) + (INDENT if closing else 0), layout.groups[index] == index - 1
    for number, comment in enumerate(comments):
        if number == 0 and comment.trailing:
            continue
        if comment.below_blank and not (number == 0 and (opened or index == 0)):
            yield Line("", -1)
        yield Line(" " * indent + comment.text, comment.start)
