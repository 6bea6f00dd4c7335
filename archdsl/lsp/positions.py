"""Places as the Language Server Protocol counts them: lines from 0, and columns in UTF-16 code units."""

from __future__ import annotations

from pathlib import Path

from lsprotocol import types
from pygls.uris import to_fs_path

from archdsl.source import SourceFile, Span


def range_of(span: Span) -> types.Range:
    """Return the range of a span."""
    start, end = span.utf16_range
    return types.Range(types.Position(*start), types.Position(*end))


def position_of(source: SourceFile, offset: int) -> types.Position:
    """Return the position of an offset."""
    return types.Position(*source.utf16_position(offset))


def offset_of(source: SourceFile, position: types.Position) -> int:
    """Return the offset of a position."""
    return source.offset_at(position.line, position.character)


def span_of(source: SourceFile, range_: types.Range) -> Span:
    """Return the span of a range."""
    return Span(source, offset_of(source, range_.start), offset_of(source, range_.end))


def path_of(uri: str) -> Path | None:
    """Return the path of a file; None for a text that an editor holds without one."""
    path = to_fs_path(uri) if uri.startswith("file:") else None
    return Path(path) if path is not None else None


def uri_of(path: Path) -> str:
    """Return the address of a file."""
    return path.absolute().as_uri()


def touches(span: Span, offset: int) -> bool:
    """Return whether an offset is inside a span or at its end."""
    return span.start <= offset <= span.end
