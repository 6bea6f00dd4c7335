"""Edits that take something out, with the arrow, separator or line end that goes with it."""

from __future__ import annotations

from archdsl.diagnostics import Edit
from archdsl.source import Span


def without_statement(span: Span) -> Edit:
    """Return the edit that deletes a statement or definition: its lines if nothing else stands on them, else with its `;`."""
    text = span.file.text
    line_start = text.rfind("\n", 0, span.start) + 1
    line_end = text.find("\n", span.end)
    line_end = len(text) if line_end < 0 else line_end
    before, after = text[line_start : span.start], text[span.end : line_end]
    if not before.strip() and not after.strip():
        return Edit(Span(span.file, line_start, min(line_end + 1, len(text))), "")
    if after.lstrip().startswith(";"):
        end = span.end + len(after) - len(after.lstrip()) + 1
        return Edit(Span(span.file, span.start, end + len(text[end:line_end]) - len(text[end:line_end].lstrip())), "")
    if before.rstrip().endswith(";"):
        return Edit(Span(span.file, line_start + len(before.rstrip()) - 1, span.end), "")
    return Edit(span, "")


def without_stage(span: Span) -> Edit | None:
    """Return the edit that deletes a stage and the arrow before it; None if it is the first of its pipeline."""
    text = span.file.text[: span.start].rstrip()
    if not text.endswith("->"):
        return None
    return Edit(Span(span.file, len(text.removesuffix("->").rstrip()), span.end), "")


def without_comment(span: Span) -> Edit:
    """Return the edit that deletes a comment: its line if nothing else stands there, else with the blanks before it."""
    text = span.file.text
    line_start = text.rfind("\n", 0, span.start) + 1
    before = text[line_start : span.start]
    if before.strip():
        return Edit(Span(span.file, line_start + len(before.rstrip()), span.end), "")
    return Edit(Span(span.file, line_start, min(span.end + 1, len(text))), "")
