"""Hints: the shape after each line, and how often a block is called.

A stage that gives several shapes, because its block is called several times, shows the first and the last. A line ends
where its code ends, before a comment. While a text has an error, a line that the check does not reach shows what it gave in
the last version without errors: `was [64, 56, 56]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from typing import Final, NamedTuple

from archdsl.lsp.analysis import Analysis
from archdsl.lsp.applications import Application, macs_text
from archdsl.shapes import format_shape
from archdsl.source import Span, common_start
from archdsl.syntax import nodes as ast

_SHOWN: Final = 2
"""How many shapes of a stage are listed in full."""


class Hint(NamedTuple):
    """A text behind a line, with the applications that it is about; `offset` is where the code of the line ends."""

    offset: int
    text: str
    applications: tuple[Application, ...] = ()


def hints_of(analysis: Analysis) -> list[Hint]:
    """Return the hints of a text, in order."""
    found = {hint.offset: hint for hint in _shapes(analysis)}
    for hint in _calls(analysis):
        known = found.get(hint.offset)
        if known is None:
            found[hint.offset] = hint
        elif not known.text.endswith(hint.text):  # a block on one line, whose last stage has the same number
            found[hint.offset] = known._replace(text=f"{hint.text} {known.text}")
    for hint in _earlier(analysis, {analysis.source.line_column(offset)[0] for offset in found}):
        found[hint.offset] = hint
    return [found[offset] for offset in sorted(found)]


def _earlier(analysis: Analysis, known: Set[int]) -> Iterator[Hint]:
    """Yield the hints of the last version without errors, for equal lines before and after the edit that have none now."""
    if analysis.last_sound is None:
        return
    old, new = analysis.last_sound.source, analysis.source
    old_lines, new_lines = old.text.split("\n"), new.text.split("\n")
    before = common_start(old_lines, new_lines)
    after = min(common_start(old_lines[::-1], new_lines[::-1]), len(old_lines) - before, len(new_lines) - before)
    for hint in hints_of(analysis.last_sound):
        line = old.line_column(hint.offset)[0]
        shift = 0 if line <= before else len(new_lines) - len(old_lines) if line > len(old_lines) - after else None
        if shift is not None and line + shift not in known:
            offset = hint.offset - old.line_starts[line - 1] + new.line_starts[line + shift - 1]
            yield hint._replace(offset=offset, text=f"was {hint.text}")


def applications_table(applications: Iterable[Application]) -> str:
    """Return applications as a table in Markdown."""
    rows = ["| input | output | times | params | MACs |", "| --- | --- | ---: | ---: | ---: |"]
    for one in applications:
        taken = ", ".join(map(format_shape, one.inputs)) or "none"
        given = ", ".join(map(format_shape, one.outputs))
        rows.append(f"| {taken} | {given} | {one.times} | {one.params:,} | {macs_text(one.macs)} |")
    return "\n".join(rows)


def shapes_text(applications: Iterable[Application]) -> str:
    """Return the shapes that a stage gives, each once, with the number of its applications if there are several."""
    applications = list(applications)
    times = sum(one.times for one in applications)
    shapes = list(dict.fromkeys(one.outputs for one in applications))
    texts = [", ".join(map(format_shape, outputs)) for outputs in shapes]
    shown = " ".join(texts) if len(texts) == 1 else f"{texts[0]} … {texts[-1]}" if len(texts) > _SHOWN else " · ".join(texts)
    return f"{shown} ×{times}" if times > 1 else shown


def _shapes(analysis: Analysis) -> Iterator[Hint]:
    """Yield the shape after each line on which a stage ends."""
    ends = stage_ends(analysis.file)
    last: dict[int, tuple[tuple[int, int], list[Application]]] = {}
    for places in (analysis.applications.inputs, analysis.applications.stages):
        for span, applications in places.items():
            end = ends.get((span.start, span.end), span.end)
            line = analysis.source.line_column(end)[0]
            order = (end, -span.start)  # the last stage of the line, and of those that end together the outermost
            if line not in last or order > last[line][0]:
                last[line] = (order, applications)
    code_ends = _CodeEnds(analysis)
    for line, (_, applications) in last.items():
        outputs = [one for one in applications if one.outputs]
        offset, text = code_ends.of(line), shapes_text(outputs)
        if outputs and not analysis.source.text.endswith(text, 0, offset):  # an input whose sizes are written
            yield Hint(offset, text, tuple(outputs))


def _calls(analysis: Analysis) -> Iterator[Hint]:
    """Yield how often each block is called, behind the line that opens it."""
    code_ends = _CodeEnds(analysis)
    for definition in analysis.file.definitions:
        times = analysis.applications.calls.get(definition.span.start, 0)
        if isinstance(definition, ast.Block) and times:
            yield Hint(code_ends.of(definition.name_span.line_column[0]), f"×{times}")


def stage_ends(root: ast.Node) -> dict[tuple[int, int], int]:
    """Return where each `skip` and join ends, by the start and end of its keyword, which is the place of its node in a graph."""
    return {
        (node.keyword.start, node.keyword.end): node.span.end for node in ast.walk(root) if isinstance(node, ast.Skip | ast.Join)
    }


class _CodeEnds:
    """Where the code of each line ends."""

    def __init__(self, analysis: Analysis) -> None:
        self._source = analysis.source
        self._comments: dict[int, Span] = {comment.line_column[0]: comment for comment in analysis.file.comments}

    def of(self, line: int) -> int:
        """Return the offset behind the last character of code on a line, counted from 1."""
        start = self._source.line_starts[line - 1]
        comment = self._comments.get(line)
        text = self._source.text[start : comment.start] if comment is not None else self._source.line_text(line)
        return start + len(text.rstrip())
