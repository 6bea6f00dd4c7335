"""Comments that document: the `##` lines above a definition, and the comment at the start of a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast


def documented(source: SourceFile, items: Sequence[ast.Node], comments: Sequence[Span]) -> list[ast.Node]:
    """Return the items of a file, each definition with the comments that document it."""
    above = _by_line_below(source, comments)
    found: list[ast.Node] = []
    last_line, group_doc = 0, ""
    for item in items:
        line = item.span.line_column[0]
        lines = above.get(line, ())
        doc = "\n".join(text[2:].strip() for text in lines if text.startswith("##"))
        if lines or line > last_line + 1:  # else it stands under the comment of the item before
            group_doc = doc
        last_line = source.line_column(item.span.end)[0]
        found.append(replace(item, doc=doc, group_doc=group_doc) if isinstance(item, ast.Definition) and group_doc else item)
    return found


def introduction(file: ast.File, mark: str = "##") -> str:
    """Return the comment at the start of a file, which speaks of all of it; `mark` is what its lines begin with."""
    lines = file.source.text.lstrip().splitlines()
    end = next((i for i, line in enumerate(lines) if not line.startswith(mark)), len(lines))
    return "\n".join(line.lstrip("#").strip() for line in lines[:end])


def _by_line_below(source: SourceFile, comments: Sequence[Span]) -> dict[int, tuple[str, ...]]:
    """Return each run of comments on lines of their own, by the number of the line right below it."""
    found: dict[int, tuple[str, ...]] = {}
    for comment in comments:
        line, column = comment.line_column
        if not source.line_text(line)[: column - 1].strip():
            found[line + 1] = (*found.pop(line, ()), comment.text)
    return found
