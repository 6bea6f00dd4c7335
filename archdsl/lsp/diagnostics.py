"""Findings of the checker as an editor shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lsprotocol import types

from archdsl.diagnostics import Diagnostic, Severity
from archdsl.lsp.analysis import Analysis
from archdsl.lsp.positions import range_of, uri_of
from archdsl.resources import resource_folder

_SEVERITIES: Final = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NOTE: types.DiagnosticSeverity.Information,
}
_UNUSED: Final = frozenset({"W0101", "W0111"})
"""Codes about text that has no effect, which editors show faded."""


def diagnostics_of(analysis: Analysis) -> dict[str, list[types.Diagnostic]]:
    """Return the findings by the address of the file that they are in: the text itself, or a file that it imports."""
    found: dict[str, list[types.Diagnostic]] = {analysis.text.uri: []}
    for diagnostic in analysis.diagnostics:
        span = diagnostic.span
        uri = analysis.uri(span.file) if span is not None else analysis.text.uri
        if uri is not None:
            found.setdefault(uri, []).append(_shown(diagnostic, analysis))
    return found


def _shown(diagnostic: Diagnostic, analysis: Analysis) -> types.Diagnostic:
    start = types.Position(0, 0)
    return types.Diagnostic(
        range=range_of(diagnostic.span) if diagnostic.span is not None else types.Range(start, start),
        message=message_of(diagnostic),
        severity=_SEVERITIES[diagnostic.severity],
        code=diagnostic.code,
        code_description=_description(diagnostic.code),
        source="archdsl",
        tags=[types.DiagnosticTag.Unnecessary] if diagnostic.code in _UNUSED else None,
        related_information=list(_related(diagnostic, analysis)) or None,
    )


def message_of(diagnostic: Diagnostic) -> str:
    """Return what an editor shows of a finding: the message, the label of its place, further sentences, and the remedy."""
    label = diagnostic.mark.text if diagnostic.mark is not None else ""
    lines = [diagnostic.message, *([label] if label else []), *diagnostic.notes]
    return "\n".join([*lines, *([f"help: {diagnostic.help}"] if diagnostic.help else [])])


def _description(code: str) -> types.CodeDescription | None:
    """Return the link to the page that explains a code."""
    page = resource_folder("docs") / "errors.md"
    return types.CodeDescription(f"{uri_of(page)}#{code.lower()}") if page.is_file() else None


def _related(diagnostic: Diagnostic, analysis: Analysis) -> Iterable[types.DiagnosticRelatedInformation]:
    for mark in diagnostic.related:
        uri = analysis.uri(mark.span.file)
        if uri is not None:
            yield types.DiagnosticRelatedInformation(types.Location(uri, range_of(mark.span)), mark.text or "see here")
