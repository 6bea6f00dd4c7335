"""The structure of a text: its symbols as a tree, and what can be folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from lsprotocol import types

from archdsl.lsp.analysis import Analysis
from archdsl.lsp.positions import range_of
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast

_KINDS: Final = {
    ast.Block: types.SymbolKind.Function,
    ast.Network: types.SymbolKind.Class,
    ast.Alias: types.SymbolKind.Class,
    ast.Constant: types.SymbolKind.Constant,
}
_FOLDED: Final = (ast.Body, ast.ListExpr, ast.CallExpr, ast.Init, ast.Train, ast.Alias)


def document_symbols(analysis: Analysis) -> list[types.DocumentSymbol]:
    """Return the definitions of a text, each with the labels in it."""
    return [
        types.DocumentSymbol(
            name=definition.name or "?",
            kind=_KINDS.get(type(definition), types.SymbolKind.Object),
            range=range_of(definition.span),
            selection_range=range_of(_inside(definition.name_span, definition.span)),
            detail=definition.doc.partition("\n")[0] or None,
            children=list(_labels(definition)) if isinstance(definition, ast.Block | ast.Network) else None,
        )
        for definition in analysis.file.definitions
    ]


def _labels(node: ast.Node) -> Iterator[types.DocumentSymbol]:
    """Yield the labels below a node, each with those inside of it."""
    for child in ast.children(node):
        if not isinstance(child, ast.Pipeline) or child.label is None:
            yield from _labels(child)
        else:
            label = child.label
            yield types.DocumentSymbol(
                name=label.span.text or "?",
                kind=types.SymbolKind.Field,
                range=range_of(child.span),
                selection_range=range_of(_inside(label.span, child.span)),
                children=[inner for stage in child.stages for inner in _labels(stage)],
            )


def _inside(span: Span, around: Span) -> Span:
    """Return the part of a span that lies in another one, as the protocol demands."""
    start = min(max(span.start, around.start), around.end)
    return Span(span.file, start, min(max(span.end, start), around.end))


def workspace_symbols(files: Iterable[tuple[str, ast.File]], query: str) -> list[types.WorkspaceSymbol]:
    """Return the definitions in files, by address, whose names contain the letters of a query in their order."""
    found = []
    for uri, file in files:
        for definition in file.definitions:
            if _matches(query.lower(), definition.name.lower()):
                location = types.Location(uri, range_of(definition.name_span))
                kind = _KINDS.get(type(definition), types.SymbolKind.Object)
                found.append(types.WorkspaceSymbol(location=location, name=definition.name, kind=kind))
    return found


def _matches(query: str, name: str) -> bool:
    letters = iter(name)
    return all(letter in letters for letter in query)


def folding_ranges(analysis: Analysis) -> list[types.FoldingRange]:
    """Return what can be folded: bodies, long lists and calls, and comments of several lines."""
    source = analysis.source
    found: dict[int, types.FoldingRange] = {}
    for node in ast.walk(analysis.file):
        if isinstance(node, _FOLDED):
            _fold(found, source, node.span, None)
    for first, last in _comment_blocks(analysis.file):
        _fold(found, source, Span(source, first.start, last.end), types.FoldingRangeKind.Comment)
    return [found[line] for line in sorted(found)]


def _fold(found: dict[int, types.FoldingRange], source: SourceFile, span: Span, kind: types.FoldingRangeKind | None) -> None:
    """Add a range of several lines. Its last line stays visible if it is a closing bracket, and so does its first."""
    first, last = source.line_column(span.start)[0] - 1, source.line_column(span.end)[0] - 1
    closes = source.line_text(last + 1).lstrip()[:1] in ("}", "]", ")")
    last -= 1 if closes and kind is None else 0
    if last > first and (first not in found or found[first].end_line < last):
        found[first] = types.FoldingRange(start_line=first, end_line=last, kind=kind)


def _comment_blocks(file: ast.File) -> Iterator[tuple[Span, Span]]:
    """Yield the first and last comment of each run of comments on lines of their own."""
    block: list[Span] = []
    for comment in file.comments:
        line, column = comment.line_column
        alone = not comment.file.line_text(line)[: column - 1].strip()
        if block and (not alone or block[-1].line_column[0] != line - 1):
            yield block[0], block[-1]
            block = []
        if alone:
            block.append(comment)
    if block:
        yield block[0], block[-1]
