"""The one renderer of diagnostics: as text with carets, as JSON, and as annotations for GitHub."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from archdsl.diagnostics.record import Diagnostic, Mark, Remedy, Severity
from archdsl.source import SourceFile, Span

_COLORS = {Severity.ERROR: "1;31", Severity.WARNING: "1;33", Severity.NOTE: "1;36"}
_BLUE, _BOLD, _GREEN = "1;34", "1", "1;32"
_LONGEST_LINE = 160
_LONGEST_SENTENCE = 600


def render_text(diagnostics: Iterable[Diagnostic], *, color: bool = False) -> str:
    """Every diagnostic with the lines it speaks of, and a closing count."""
    found = list(diagnostics)
    parts = [_one(diagnostic, color) for diagnostic in found]
    errors = sum(d.severity is Severity.ERROR for d in found)
    warnings = sum(d.severity is Severity.WARNING for d in found)
    counts = [f"{n} {word}{'s' if n > 1 else ''}" for n, word in ((errors, "error"), (warnings, "warning")) if n]
    if counts and len(found) > 1:
        parts.append(", ".join(counts) + "\n")
    return "\n".join(parts)


def render_json(diagnostics: Iterable[Diagnostic]) -> str:
    """A JSON list; lines and columns count from 1, offsets from 0."""
    return json_text([as_data(diagnostic) for diagnostic in diagnostics])


def json_text(data: object) -> str:
    """Data as JSON to read: letters as they are, and escapes for what drives a terminal or turns its text around."""
    return _NOT_PLAIN.sub(_escaped, json.dumps(data, indent=2, ensure_ascii=False))


_NOT_PLAIN = re.compile(r"[^\n -~]")
"""Line ends are the layout's: those in strings are escapes already."""


def _escaped(found: re.Match[str]) -> str:
    if found[0].isprintable():
        return found[0]
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def render_github(diagnostics: Iterable[Diagnostic]) -> str:
    """Workflow commands that GitHub shows beside the line."""
    lines = []
    for d in diagnostics:
        level = "notice" if d.severity is Severity.NOTE else d.severity.value
        place = ""
        if d.mark is not None:
            line, column = d.mark.span.line_column
            end_line, end_column = d.mark.span.file.line_column(d.mark.span.end)
            place = (
                f" file={_property(d.mark.span.file.name)},line={line},col={column},endLine={end_line},endColumn={end_column},"
            )
        text = "\n".join([d.message, *d.notes, *([f"help: {d.help}"] if d.help else [])])
        lines.append(f"::{level}{place or ' '}title={d.code}::{_escape(text)}")
    return "\n".join(lines) + ("\n" if lines else "")


def as_data(diagnostic: Diagnostic) -> dict[str, Any]:
    """A diagnostic as plain data."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "place": _place(diagnostic.mark) if diagnostic.mark else None,
        "related": [_place(mark) for mark in diagnostic.related],
        "notes": list(diagnostic.notes),
        "help": diagnostic.help,
        "fix": _fix(diagnostic.fix) if diagnostic.fix else None,
    }


def _fix(remedy: Remedy) -> dict[str, Any]:
    return {
        "applicability": remedy.applicability.value,
        "edits": [{**_range(edit.span), "text": edit.text} for edit in remedy.edits],
    }


def _place(mark: Mark) -> dict[str, Any]:
    return {**_range(mark.span), "text": mark.text}


def _range(span: Span) -> dict[str, Any]:
    line, column = span.line_column
    end_line, end_column = span.file.line_column(span.end)
    return {
        "file": span.file.name, "line": line, "column": column, "end_line": end_line, "end_column": end_column,
        "start": span.start, "end": span.end,
    }  # fmt: skip


def _escape(text: str) -> str:
    return printable(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")


def printable(text: str) -> str:
    """The text with control characters and line ends made visible: no file can drive a terminal, and no name forge a line."""
    return "".join(c if c.isprintable() else " " if c == "\t" else f"\\x{ord(c):02x}" for c in text)


def _sentence(text: str) -> str:
    """A sentence for the terminal; a name of a thousand letters in it does not fill the screen."""
    return printable(text) if len(text) <= _LONGEST_SENTENCE else f"{printable(text[:_LONGEST_SENTENCE])} ..."


def _paint(text: str, style: str, color: bool) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if color and text else text


def _one(diagnostic: Diagnostic, color: bool) -> str:
    style = _COLORS[diagnostic.severity]
    head = _paint(f"{diagnostic.severity.value}[{diagnostic.code}]", style, color)
    lines = [f"{head}: {_paint(_sentence(diagnostic.message), _BOLD, color)}"]
    margin = 1
    if diagnostic.mark is not None:
        by_file: dict[SourceFile, list[tuple[Mark, str]]] = defaultdict(list)
        by_file[diagnostic.mark.span.file].append((diagnostic.mark, style))
        for mark in diagnostic.related:
            by_file[mark.span.file].append((mark, _BLUE))
        margin = max(len(str(mark.span.line_column[0])) for marks in by_file.values() for mark, _ in marks)
        for arrow, marks in zip(["-->", *[":::"] * len(by_file)], by_file.values(), strict=False):
            lines.append(f"{' ' * margin}{_paint(arrow, _BLUE, color)} {printable(marks[0][0].span.place)}")
            lines += _snippet(marks, margin, color)
    bar = _paint("=", _BLUE, color)
    lines += [f"{' ' * margin} {bar} {_sentence(note)}" for note in diagnostic.notes]
    if diagnostic.help:
        lines.append(f"{' ' * margin} {bar} {_paint('help', _GREEN, color)}: {_sentence(diagnostic.help)}")
    return "\n".join(lines) + "\n"


def _snippet(marks: list[tuple[Mark, str]], margin: int, color: bool) -> list[str]:
    """The marked lines of one file with their carets; gaps between them are dots."""
    bar = _paint("|", _BLUE, color)
    by_line: dict[int, list[tuple[Mark, str]]] = defaultdict(list)
    for mark, style in marks:
        by_line[mark.span.line_column[0]].append((mark, style))
    lines = [f"{' ' * margin} {bar}"]
    previous = None
    for number in sorted(by_line):
        if previous is not None and number > previous + 1:
            lines.append(_paint("...", _BLUE, color))
        previous = number
        first = by_line[number][0][0].span
        text, cut = _window(first.file.line_text(number), first.line_column[1])
        text = printable(text)
        lines.append(f"{_paint(str(number).rjust(margin), _BLUE, color)} {bar} {text}".rstrip())
        for index, (mark, style) in enumerate(sorted(by_line[number], key=lambda m: m[0].span.start)):
            lines.append(f"{' ' * margin} {bar} {_caret(mark, cut, len(text), index, style, color)}")
    lines.append(f"{' ' * margin} {bar}")
    return lines


def _window(text: str, column: int) -> tuple[str, int]:
    """A part of a very long line around a column, and how many characters it leaves out before it."""
    if len(text) <= _LONGEST_LINE:
        return text, 0
    cut = max(0, column - _LONGEST_LINE // 2)
    return text[cut : cut + _LONGEST_LINE], cut


def _caret(mark: Mark, cut: int, width: int, index: int, style: str, color: bool) -> str:
    span = mark.span
    line, column = span.line_column
    line_end = span.file.line_starts[line - 1] + len(span.file.line_text(line))
    start = column - 1 - cut
    length = max(1, min(span.end, line_end) - span.start)
    length = max(1, min(length, width - start)) if start < width else 1
    sign = "^" if style != _BLUE else "-"
    text = printable(mark.text)
    return " " * start + _paint(sign * length + (f" {text}" if text else ""), style, color)
