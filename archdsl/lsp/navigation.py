"""Definitions, references and new names: where the same name stands, in the text and in the files around it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from lsprotocol import types

from archdsl.elaborate.symbol import Symbol, SymbolKind
from archdsl.lsp.analysis import Analysis
from archdsl.lsp.positions import offset_of, range_of
from archdsl.ops import Op
from archdsl.source import Span
from archdsl.syntax.error_context import KEYWORDS

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RENAMED: Final = frozenset({
    SymbolKind.PARAMETER, SymbolKind.CONSTANT, SymbolKind.LABEL, SymbolKind.MODULE, SymbolKind.LOOP_VARIABLE, SymbolKind.INPUT,
    SymbolKind.SIZE, SymbolKind.BLOCK, SymbolKind.NETWORK, SymbolKind.IMPORT, SymbolKind.FUNCTION,
})  # fmt: skip
"""What a spec names itself."""
KEYS: Final = frozenset({SymbolKind.LABEL, SymbolKind.MODULE})
"""What is a key of the `state_dict`, by which weights are stored."""


class CannotRename(Exception):
    """A name that cannot be changed, or not to the new one; the message says why."""


def symbol_at(analysis: Analysis, position: types.Position) -> Symbol | None:
    """Return what the name at a position means."""
    return analysis.symbols.at(analysis.source, offset_of(analysis.source, position)) if analysis.symbols is not None else None


def definition(analysis: Analysis, position: types.Position) -> list[types.Location]:
    """Return where the name at a position is bound; behind an `import`, the file."""
    symbol = symbol_at(analysis, position)
    if symbol is None:
        return []
    if symbol.kind is SymbolKind.IMPORT and analysis.module is not None and symbol.name in analysis.module.imports:
        uri = analysis.uri(analysis.module.imports[symbol.name].file.source)
        if uri is not None and uri != analysis.text.uri:
            start = types.Position(0, 0)
            return [types.Location(uri, types.Range(start, start))]
    places = symbol.definitions or ([symbol.origin] if symbol.origin is not None else [])
    return list(_locations(analysis, places))


def references(analyses: Iterable[Analysis], at: Analysis, position: types.Position, *, declared: bool) -> list[types.Location]:
    """Return where the name at a position stands, in all analyses that see the same definition."""
    symbol = symbol_at(at, position)
    if symbol is None:
        return []
    found: dict[tuple[str, int, int], types.Location] = {}
    for analysis, same in _same(analyses, at, symbol):
        for location in _locations(analysis, [*(same.definitions if declared else ()), *same.uses]):
            found[location.uri, location.range.start.line, location.range.start.character] = location
    return [found[key] for key in sorted(found)]


def highlights(analysis: Analysis, position: types.Position) -> list[types.DocumentHighlight]:
    """Return where the name at a position stands in the text."""
    symbol = symbol_at(analysis, position)
    if symbol is None:
        return []
    write, read = types.DocumentHighlightKind.Write, types.DocumentHighlightKind.Read
    places = [(span, write) for span in symbol.definitions] + [(span, read) for span in symbol.uses]
    return [types.DocumentHighlight(range_of(span), kind) for span, kind in places if analysis.of_this_file(span)]


def renamable(analysis: Analysis, position: types.Position) -> types.Range | None:
    """Return the range of the name at a position, if a spec defines it."""
    symbol, offset = symbol_at(analysis, position), offset_of(analysis.source, position)
    if symbol is None or symbol.kind not in _RENAMED or not symbol.definitions or symbol.name == "x":
        return None
    places = (span for span in (*symbol.definitions, *symbol.uses) if analysis.of_this_file(span))
    place = next((span for span in places if span.start <= offset <= span.end), None)
    return range_of(place) if place is not None and place.text == symbol.name else None


def rename(
    analyses: Iterable[Analysis], at: Analysis, position: types.Position, name: str
) -> tuple[Symbol, dict[str, list[types.TextEdit]]]:
    """Return the symbol at a position and, by file, the edits that give it another name. Raise `CannotRename`."""
    symbol = symbol_at(at, position)
    if symbol is None or renamable(at, position) is None:
        raise CannotRename("there is no name here that a spec defines")
    _check_name(name)
    if _is_bound(at, symbol, name):
        raise CannotRename(f"`{name}` is already a name where `{symbol.name}` is used; choose one that is free")
    edits: dict[str, list[types.TextEdit]] = {}
    for location in references(analyses, at, position, declared=True):
        edits.setdefault(location.uri, []).append(types.TextEdit(location.range, name))
    return symbol, edits


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise CannotRename(f"`{name}` is no name; a name consists of letters, digits and `_`, and begins with no digit")
    if name in KEYWORDS or name == "x":
        raise CannotRename(f"`{name}` is a word of the language")
    if name in Op.registry:
        raise CannotRename(f"`{name}` is an op; choose a name that no op has")


def _is_bound(at: Analysis, symbol: Symbol, name: str) -> bool:
    """Return whether the name stands for something else in the definition of a symbol, or in the file if it belongs to that."""
    assert at.symbols is not None
    others = (other for other in at.symbols.symbols if other.name == name and other is not symbol and other.definitions)
    top_level = symbol.owner is None
    return any(top_level or other.owner in (None, symbol.owner) for other in others)


def _same(analyses: Iterable[Analysis], at: Analysis, symbol: Symbol) -> Iterator[tuple[Analysis, Symbol]]:
    """Yield the symbol, and the symbols of other texts with the same definition."""
    yield at, symbol
    place = symbol.definition
    home = at.uri(place.file) if place is not None and symbol.owner is None else None
    if home is None or place is None:
        return
    for analysis in analyses:
        for other in analysis.symbols.symbols if analysis is not at and analysis.symbols is not None else ():
            if other.name == symbol.name and other.kind is symbol.kind and other.definition is not None:
                if analysis.uri(other.definition.file) == home and other.definition.start == place.start:
                    yield analysis, other


def _locations(analysis: Analysis, places: Iterable[Span]) -> Iterator[types.Location]:
    for span in places:
        uri = analysis.uri(span.file)
        if uri is not None:
            yield types.Location(uri, range_of(span))
