"""Tokens, and the lexer that finds them in a text.

The terminals come from the grammar by way of lark (`tables.py`), as one regular expression. The lexer is our own, since importing
lark takes a seventh of the time of `archdsl check`; lark is only needed where a grammar changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Self


class Token(str):
    """A piece of a text with its kind and place. `start_pos` and `end_pos` count characters; `line` and `column` begin at 1."""

    __slots__ = ("column", "end_pos", "line", "start_pos", "type")

    type: str
    start_pos: int
    end_pos: int
    line: int
    column: int

    def __new__(cls, kind: str, text: str, start: int, end: int, line: int = 0, column: int = 0) -> Self:
        """Return a token. A line of 0 means that its place is not in a line, as for what is missing."""
        token = super().__new__(cls, text)
        token.type, token.start_pos, token.end_pos, token.line, token.column = kind, start, end, line, column
        return token

    def instead(self, kind: str, text: str) -> Token:
        """Return a token of another kind and text in the same place."""
        return Token(kind, text, self.start_pos, self.end_pos, self.line, self.column)


class Lexer:
    """Finds tokens. `pattern` has a group for each kind; `keywords` are the texts of names that are kinds of their own.

    Every text matches: the grammar has a kind for a character that begins nothing else. `ignored` kinds are left out, after
    their callback. A callback takes a token, and may change its kind.
    """

    def __init__(self, pattern: str, keywords: Mapping[str, str], ignored: Collection[str]) -> None:
        self._match = re.compile(pattern).match
        self.keywords = keywords
        self._ignored = frozenset(ignored)
        self.callbacks: Mapping[str, Callable[[Token], object]] = {}

    def tokens(self, text: str, start: int, end: int) -> Iterator[Token]:
        """Yield the tokens in a part of a text."""
        match, keywords, ignored, callbacks = self._match, self.keywords, self._ignored, self.callbacks
        at, line = start, text.count("\n", 0, start) + 1
        line_start = text.rfind("\n", 0, start) + 1
        while at < end:
            found = match(text, at, end)
            assert found is not None and found.lastgroup is not None, text[at : at + 20]
            kind, stop = found.lastgroup, found.end()
            if kind not in ignored or kind in callbacks:
                word = found[0]
                if kind == "NAME":
                    kind = keywords.get(word, kind)
                token = Token(kind, word, at, stop, line, at - line_start + 1)
                callback = callbacks.get(kind)
                if callback is not None:
                    callback(token)
                if kind not in ignored:
                    yield token
            if kind == "NEWLINE":
                line += text.count("\n", at, stop)
                line_start = text.rfind("\n", at, stop) + 1
            at = stop
