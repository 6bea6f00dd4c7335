"""The tokens behind a place in a text, for rules that see no tree: those about graphs know of the text only where things are."""

from __future__ import annotations

from typing import Final

from archdsl.source import SourceFile, Span
from archdsl.syntax.parser import lex
from archdsl.syntax.tokens import Token

_NEAR: Final = 300
"""How many characters are read."""


def following_tokens(span: Span) -> list[Token]:
    """Return the tokens that begin within some characters behind a place, line ends among them. Their places count from its end.

    The last one may be cut off, unless the text ends with it.
    """
    return lex(SourceFile(span.file.name, span.file.text[span.end : span.end + _NEAR]))[0]
