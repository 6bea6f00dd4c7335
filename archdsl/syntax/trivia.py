"""What stands between the nodes of a tree: comments, blanks, line ends, separators.

A formatter and an editor need it, checking does not. So it is kept beside the tree and made when it is asked for:
the text is lexed once more, into pieces that cover it without a gap, and each comment is attached to a node. The nodes
that comments attach to are the members of lists: the statements of a body, the arguments of a call, the items of a file.

A comment at the end of a line belongs to the member that ends on this line, a comment on a line of its own to the member
below. Without such a member it belongs to the list, behind its opening bracket or before its closing one.
"""

from __future__ import annotations

from bisect import bisect_left
from enum import Enum
from functools import cached_property
from typing import Final, NamedTuple

from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import lex

_MEMBERS: Final[dict[type[ast.Node], str]] = {
    ast.File: "items", ast.Body: "statements", ast.Train: "entries", ast.Init: "entries", ast.Block: "parameters",
    ast.Network: "parameters", ast.Alias: "claims", ast.CallExpr: "arguments", ast.Skip: "arguments", ast.Join: "arguments",
    ast.Aux: "arguments", ast.Let: "parameters", ast.Constant: "parameters", ast.ListExpr: "items", ast.Pipeline: "stages",
    ast.If: "arms",
}  # fmt: skip
"""The field with the members of a list, for each kind of node that is one."""


class Kind(Enum):
    """What a piece of a text is."""

    TOKEN = "token"
    SEPARATOR = ";"
    LINE_END = "line end"
    COMMENT = "comment"
    BLANK = "blank"


class Piece(NamedTuple):
    """A token, or what stands between tokens."""

    kind: Kind
    start: int
    end: int


class Position(Enum):
    """Where a comment stands: before or after a member of a list, or behind the opening or before the closing bracket of one."""

    BEFORE = "before"
    AFTER = "after"
    OPENING = "opening"
    CLOSING = "closing"


class Comment(NamedTuple):
    """A comment with the node that it belongs to."""

    span: Span
    node: ast.Node
    position: Position


class Trivia:
    """The pieces of a file's text, and its comments by node."""

    def __init__(self, file: ast.File) -> None:
        self.file = file
        self.pieces = _pieces(file.source)
        self._starts = [piece.start for piece in self.pieces]

    @cached_property
    def comments(self) -> list[Comment]:
        """The comments in their order, each with its node."""
        return [_attached(self.file, piece) for piece in self.pieces if piece.kind is Kind.COMMENT]

    def between(self, start: int, end: int) -> list[Piece]:
        """Return the pieces from one offset to another, both where a piece begins or ends."""
        return self.pieces[bisect_left(self._starts, start) : bisect_left(self._starts, end)]

    def after(self, node: ast.Node) -> str:
        """Return what ends a member of a list: `;`, `,`, a closing bracket, or a line end; nothing at the end of the file."""
        for piece in self.pieces[bisect_left(self._starts, node.span.end) :]:
            if piece.kind is Kind.LINE_END:
                return "\n"
            if piece.kind in (Kind.TOKEN, Kind.SEPARATOR):
                return self.file.source.text[piece.start : piece.end]
        return ""

    def blank_lines_above(self, span: Span) -> int:
        """Return how many empty lines stand right above the line where a span begins."""
        line, count = span.line_column[0] - 1, 0
        while line and not self.file.source.line_text(line).strip():
            line, count = line - 1, count + 1
        return count


def _pieces(source: SourceFile) -> list[Piece]:
    """Return the pieces of a text."""
    kinds = {"NEWLINE": Kind.LINE_END, "SEMICOLON": Kind.SEPARATOR}
    tokens, comments = lex(source)
    lexed = [Piece(kinds.get(token.type, Kind.TOKEN), token.start_pos, token.end_pos) for token in tokens]
    lexed += [Piece(Kind.COMMENT, comment.start, comment.end) for comment in comments]
    found, at = list[Piece](), 0
    for piece in sorted(lexed, key=lambda piece: piece.start):
        if piece.start > at:
            found.append(Piece(Kind.BLANK, at, piece.start))
        found.append(piece)
        at = piece.end
    return [*found, Piece(Kind.BLANK, at, len(source.text))] if at < len(source.text) else found


def _attached(file: ast.File, piece: Piece) -> Comment:
    """Return the comment with the node that it belongs to."""
    text, at, comment = file.source.text, piece.start, Span(file.source, piece.start, piece.end)
    around = [node for node in ast.node_at(file, at) if node.span.start <= at < node.span.end or node is file]
    holder = next((node for node in reversed(around) if node.__class__ in _MEMBERS), file)
    members: tuple[ast.Node, ...] = getattr(holder, _MEMBERS[holder.__class__])
    before = [member for member in members if member.span.end <= at]
    after = [member for member in members if member.span.start >= at]
    if before and "\n" not in text[before[-1].span.end : at]:
        return Comment(comment, before[-1], Position.AFTER)
    if not before and holder is not file and "\n" not in text[holder.span.start : at]:
        return Comment(comment, holder, Position.OPENING)
    if after:
        return Comment(comment, after[0], Position.BEFORE)
    return Comment(comment, holder, Position.CLOSING)
