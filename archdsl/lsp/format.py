"""Formatting: the edits that bring a text, or some of its lines, into the one style."""

from __future__ import annotations

from lsprotocol import types

from archdsl.formatting import format_lines, format_source
from archdsl.limits import Limits
from archdsl.lsp.analysis import Analysis
from archdsl.lsp.positions import range_of
from archdsl.source import Span, common_start


def format_edits(analysis: Analysis, limits: Limits, range_: types.Range | None = None) -> list[types.TextEdit]:
    """Return the edits that format a text, or the lines of a range; none if it has syntax errors.

    What is equal before and after the changes is left alone, so that an editor keeps its cursor and folds.
    """
    file = analysis.file
    if file.damaged or not file.items:
        return []
    old = analysis.source.text
    if range_ is None:
        new = format_source(file, limits)
    else:
        last = range_.end.line + (range_.end.character > 0 or range_.end.line == range_.start.line)
        new = format_lines(file, (range_.start.line + 1, min(last, len(analysis.source.line_starts))), limits)
    if new == old:
        return []
    start = common_start(old, new)
    end = common_start(old[start:][::-1], new[start:][::-1])
    return [types.TextEdit(range_of(Span(analysis.source, start, len(old) - end)), new[start : len(new) - end])]
