"""Apply the edits of remedies to texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl.diagnostics.record import Applicability, Diagnostic, Edit
from archdsl.source import SourceFile, Span


def certain_fixes(diagnostics: Iterable[Diagnostic], files: Iterable[SourceFile]) -> list[Diagnostic]:
    """Return the diagnostics whose certain edits can be applied together: all in these files, and none that meets another.

    A remedy is taken whole or not at all. What is left out comes up again when the result is checked.
    """
    known = {id(file) for file in files}
    chosen: list[Diagnostic] = []
    taken: list[Edit] = []
    for diagnostic in diagnostics:
        fix = diagnostic.fix
        if fix is None or fix.applicability is not Applicability.CERTAIN:
            continue
        if any(id(edit.span.file) not in known or any(_meet(edit.span, other.span) for other in taken) for edit in fix.edits):
            continue
        chosen.append(diagnostic)
        taken += fix.edits
    return chosen


def edits_of(diagnostics: Iterable[Diagnostic]) -> dict[SourceFile, list[Edit]]:
    """Return the edits of the diagnostics' remedies, by file."""
    found: dict[SourceFile, list[Edit]] = {}
    for diagnostic in diagnostics:
        for edit in diagnostic.fix.edits if diagnostic.fix is not None else ():
            found.setdefault(edit.span.file, []).append(edit)
    return found


def edited(text: str, edits: Sequence[Edit]) -> str:
    """Return the text with edits that do not meet."""
    for edit in sorted(edits, key=lambda edit: edit.span.start, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def _meet(one: Span, other: Span) -> bool:
    """Whether two places overlap, or an empty one touches the other, so that the order of the two edits would matter."""
    if one.file is not other.file:
        return False
    if one.start == one.end or other.start == other.end:
        return one.start <= other.end and other.start <= one.end
    return one.start < other.end and other.start < one.end
