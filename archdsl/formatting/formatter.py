"""Format a text: the steps in order, and the lines of the result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archdsl.formatting.columns import align
from archdsl.formatting.layout import INDENT, NOWHERE, Layout
from archdsl.formatting.line_breaks import break_by_structure
from archdsl.formatting.long_lines import break_long_lines
from archdsl.formatting.positions import COMMENT_GAP
from archdsl.formatting.same_tree import differs
from archdsl.limits import DEFAULT, Limits
from archdsl.source import SourceFile
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import parse


class Line(NamedTuple):
    """A line of the result, and where its first token or comment stands in the text."""

    text: str
    start: int


def format_source(file: ast.File, limits: Limits = DEFAULT) -> str:
    """Return the text of a file without syntax errors in the one style."""
    return _checked(file, "".join(line.text + _ending(file) for line in _lines(file)), limits)


def format_lines(file: ast.File, lines: tuple[int, int], limits: Limits = DEFAULT) -> str:
    """Return the text of a file without syntax errors with some lines in the one style: the first and the last, from 1.

    Lines are formatted together if they lose a line end, or if what stands between them moves from one to the other.
    """
    source, result, ending = file.source, list(_lines(file)), _ending(file)
    old = source.text.split("\n")
    new: list[str] = []
    for first, after, formatted in _parts(source, result, len(old)):
        if first <= lines[1] and lines[0] < after:
            new += [line.text + ending for line in formatted]
        else:
            new += [old[number - 1] + ("\n" if number < len(old) else "") for number in range(first, after)]
    return _checked(file, "".join(new), limits)


def _parts(source: SourceFile, result: list[Line], count: int) -> Iterator[tuple[int, int, list[Line]]]:
    """Yield the smallest parts of the text that can be replaced alone: their first line, that behind them, and the new lines."""
    starts = [(1, 0)]
    for index, line in enumerate(result[1:], 1):
        if line.start != NOWHERE:
            number, column = source.line_column(line.start)
            if not source.line_text(number)[: column - 1].strip():
                starts.append((number, index))
    for (first, index), (after, end) in zip(starts, [*starts[1:], (count + 1, len(result))], strict=True):
        yield first, after, result[index:end]


def _ending(file: ast.File) -> str:
    """Return the line end of the first line, which all lines get."""
    return "\r\n" if file.source.text.partition("\n")[0].endswith("\r") else "\n"


def _checked(file: ast.File, formatted: str, limits: Limits) -> str:
    """Return a formatted text, which may be longer than a spec. Raise `RuntimeError` if it means something else."""
    if formatted == file.source.text:
        return formatted
    again, _ = parse(SourceFile(file.source.name, formatted), limits._replace(source_characters=len(formatted)))
    if differs(file, again):
        raise RuntimeError(f"{file.source.name}: formatting would change what the text means; this is a bug in archdsl")
    return formatted


def _lines(file: ast.File) -> Iterator[Line]:
    """Yield the lines of the result, empty ones included."""
    layout = Layout(file)
    break_by_structure(layout)
    break_long_lines(layout)
    comment_pads = align(layout)
    count = len(layout.tokens)
    start = 0
    yield from _comment_lines(layout, 0)
    while start < count:
        end = layout.line_end(start)
        if layout.is_below_blank(start):
            yield Line("", NOWHERE)
        pieces = [" " * layout.indent(start), layout.tokens[start].text]
        for index in range(start + 1, end):
            pieces += [layout.space(index), layout.tokens[index].text]
        comments = layout.gaps[end].comments
        if comments and comments[0].trailing:
            pieces += [" " * (COMMENT_GAP + comment_pads.get(end, 0)), comments[0].text]
        yield Line("".join(pieces), layout.tokens[start].start)
        yield from _comment_lines(layout, end)
        start = end


def _comment_lines(layout: Layout, index: int) -> Iterator[Line]:
    """Yield the comments on lines of their own before a token, or at the end of the file."""
    comments = layout.comments_above(index)
    if not comments:
        return
    indent = 0
    if index < len(layout.tokens):
        indent = layout.indent(index) + (INDENT if layout.closes.get(layout.groups[index]) == index else 0)
    for comment, below_blank in comments:
        if below_blank:
            yield Line("", NOWHERE)
        yield Line(" " * indent + comment.text, comment.start)
