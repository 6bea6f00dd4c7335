"""Hints as inlay hints of the protocol."""

from __future__ import annotations

from collections.abc import Mapping

from lsprotocol import types

from archdsl.lsp.analysis import Analysis
from archdsl.lsp.hints import applications_table, hints_of
from archdsl.lsp.positions import position_of


def inlay_hints(analysis: Analysis, range_: types.Range) -> list[types.InlayHint]:
    """Return the hints in a range. Their tooltips, which have the counts, are made on demand by `with_tooltip`."""
    made = []
    for hint in hints_of(analysis):
        position = position_of(analysis.source, hint.offset)
        if range_.start.line <= position.line <= range_.end.line:
            data = {"uri": analysis.text.uri, "offset": hint.offset}
            made.append(types.InlayHint(position, hint.text, padding_left=True, data=data))
    return made


def with_tooltip(analysis: Analysis, hint: types.InlayHint) -> types.InlayHint:
    """Return a hint with its counts: parameters and MACs of each application."""
    offset = hint.data.get("offset") if isinstance(hint.data, Mapping) else None
    meant = next((one for one in hints_of(analysis) if one.offset == offset), None)
    if meant is not None and meant.applications:
        hint.tooltip = types.MarkupContent(types.MarkupKind.Markdown, applications_table(meant.applications))
    return hint
