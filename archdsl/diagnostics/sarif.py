"""Diagnostics as SARIF 2.1.0, which code hosts and editors read (docs.oasis-open.org/sarif/sarif/v2.1.0).

Columns count characters from 1, as in the other formats. A fix has the edits of a remedy for each file.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from archdsl.diagnostics.codes.table import CODES
from archdsl.diagnostics.record import Applicability, Diagnostic, Mark, Remedy, Severity
from archdsl.diagnostics.render import json_text
from archdsl.source import SourceFile, Span

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {"E": "error", "W": "warning", "N": "note"}


def render_sarif(diagnostics: Iterable[Diagnostic], version: str) -> str:
    """Return a log with one run of archdsl in this version."""
    found = list(diagnostics)
    rules = sorted({diagnostic.code for diagnostic in found})
    driver = {"name": "archdsl", "version": version, "rules": [_rule(code) for code in rules]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic, rules.index(diagnostic.code)) for diagnostic in found],
    }
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(code: str) -> dict[str, Any]:
    entry = CODES[code]
    return {
        "id": code,
        "shortDescription": {"text": entry.title},
        "fullDescription": {"text": entry.explanation},
        "defaultConfiguration": {"level": _LEVELS[code[0]]},
    }


def _result(diagnostic: Diagnostic, rule: int) -> dict[str, Any]:
    sentences = [diagnostic.message, *diagnostic.notes, *([f"help: {diagnostic.help}"] if diagnostic.help else [])]
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": "note" if diagnostic.severity is Severity.NOTE else diagnostic.severity.value,
        "message": {"text": "\n".join(sentences)},
        "locations": [_location(diagnostic.mark)] if diagnostic.mark is not None else [],
    }
    if diagnostic.related:
        result["relatedLocations"] = [{"id": number, **_location(mark)} for number, mark in enumerate(diagnostic.related)]
    if diagnostic.fix is not None:
        result["fixes"] = [_fix(diagnostic.fix)]
    return result


def _location(mark: Mark) -> dict[str, Any]:
    place = {"artifactLocation": _artifact(mark.span.file), "region": _region(mark.span)}
    return {"physicalLocation": place, **({"message": {"text": mark.text}} if mark.text else {})}


def _fix(remedy: Remedy) -> dict[str, Any]:
    by_file: dict[SourceFile, list[dict[str, Any]]] = {}
    for edit in remedy.edits:
        replacement = {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
        by_file.setdefault(edit.span.file, []).append(replacement)
    changes = [{"artifactLocation": _artifact(file), "replacements": edits} for file, edits in by_file.items()]
    certain = remedy.applicability is Applicability.CERTAIN
    return {"description": {"text": remedy.text}, "artifactChanges": changes, "properties": {"certain": certain}}


def _artifact(file: SourceFile) -> dict[str, str]:
    """Return the place of a file: relative to the current folder, as it was named, or absolute."""
    path = Path(file.name)
    return {"uri": path.as_uri() if path.is_absolute() else quote(path.as_posix())}


def _region(span: Span) -> dict[str, int]:
    line, column = span.line_column
    end_line, end_column = span.file.line_column(span.end)
    return {
        "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column,
        "charOffset": span.start, "charLength": span.end - span.start,
    }  # fmt: skip
