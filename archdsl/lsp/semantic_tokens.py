"""Semantic tokens: the kind of every word, which editors color. Names have the kind of what they mean."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final, NamedTuple

from lsprotocol import types

from archdsl.elaborate.symbol import SymbolKind
from archdsl.lsp.analysis import Analysis
from archdsl.source import Span
from archdsl.syntax.error_context import KEYWORDS
from archdsl.syntax.parser import lex

_NAMES: Final = {
    SymbolKind.PARAMETER: "parameter",
    SymbolKind.CONSTANT: "variable",
    SymbolKind.LABEL: "property",
    SymbolKind.MODULE: "property",
    SymbolKind.LOOP_VARIABLE: "variable",
    SymbolKind.INPUT: "variable",
    SymbolKind.SIZE: "typeParameter",
    SymbolKind.FLOW: "variable",
    SymbolKind.BLOCK: "function",
    SymbolKind.NETWORK: "class",
    SymbolKind.IMPORT: "namespace",
    SymbolKind.OP: "function",
    SymbolKind.OP_PARAMETER: "parameter",
    SymbolKind.KEYWORD: "parameter",
    SymbolKind.WORD: "enumMember",
    SymbolKind.INITIALIZER: "function",
    SymbolKind.COUNT: "variable",
    SymbolKind.FUNCTION: "function",
}
_TOKENS: Final = {
    "INT": "number", "FLOAT": "number", "STRING": "string", "UNCLOSED_STRING": "string", "JOIN": "keyword", "MODULE": "keyword",
    "ARROW": "operator", "SIGN": "operator", "FACTOR": "operator", "COMPARE": "operator", "RANGE": "operator",
}  # fmt: skip
_FROM_LANGUAGE: Final = frozenset({SymbolKind.OP, SymbolKind.INITIALIZER, SymbolKind.COUNT})
TYPES: Final = tuple(dict.fromkeys([*_NAMES.values(), *_TOKENS.values(), "comment"]))
MODIFIERS: Final = ("declaration", "defaultLibrary", "documentation")
LEGEND: Final = types.SemanticTokensLegend(list(TYPES), list(MODIFIERS))


class Token(NamedTuple):
    """A word or a comment with its kind, one of `TYPES`; `modifiers` is a set of bits, in the order of `MODIFIERS`."""

    span: Span
    kind: str
    modifiers: int = 0


def semantic_tokens(analysis: Analysis) -> types.SemanticTokens:
    """Return the tokens of a text, encoded as the protocol says: each by its distance from the one before."""
    data: list[int] = []
    line = column = 0
    for token in sorted(tokens_of(analysis), key=lambda token: token.span.start):
        (start_line, start_column), (end_line, end_column) = token.span.utf16_range
        if end_line != start_line or end_column <= start_column:
            continue  # a token of several lines, which only a damaged text has
        data += [
            start_line - line,
            start_column - (column if start_line == line else 0),
            end_column - start_column,
            TYPES.index(token.kind),
            token.modifiers,
        ]
        line, column = start_line, start_column
    return types.SemanticTokens(data)


def tokens_of(analysis: Analysis) -> Iterator[Token]:
    """Yield the words and comments of a text that have a kind."""
    source = analysis.source
    words, comments = lex(source)
    names = _named(analysis)
    for word in words:
        span = Span(source, word.start_pos or 0, word.end_pos or 0)
        if (named := names.get(span.start)) is not None and named.span == span:
            yield named
        elif (kind := _TOKENS.get(word.type) or ("keyword" if str(word) in KEYWORDS else None)) is not None:
            yield from _without(Token(span, kind), names)
    for comment in comments:
        documents = comment.text.startswith("##")
        yield Token(comment, "comment", 1 << MODIFIERS.index("documentation") if documents else 0)


def _named(analysis: Analysis) -> dict[int, Token]:
    """Return the names in the text by their offset."""
    found: dict[int, Token] = {}
    for symbol in analysis.symbols.symbols if analysis.symbols is not None else ():
        library = 1 << MODIFIERS.index("defaultLibrary") if symbol.kind in _FROM_LANGUAGE else 0
        for span in symbol.uses:
            found[span.start] = Token(span, _NAMES[symbol.kind], library)
        for span in symbol.definitions:
            found[span.start] = Token(span, _NAMES[symbol.kind], library | 1 << MODIFIERS.index("declaration"))
    return {start: token for start, token in found.items() if analysis.of_this_file(token.span)}


def _without(token: Token, names: dict[int, Token]) -> Iterator[Token]:
    """Yield the parts of a token around the names in it: `"layer{i + 1}"` is a string with a variable."""
    if token.kind != "string":
        yield token
        return
    starts = sorted(names)
    start = token.span.start
    for offset in starts[bisect_left(starts, token.span.start) : bisect_left(starts, token.span.end)]:
        name = names[offset]
        if name.span.end <= token.span.end:
            yield Token(Span(token.span.file, start, offset), token.kind)
            yield name
            start = name.span.end
    yield Token(Span(token.span.file, start, token.span.end), token.kind)
