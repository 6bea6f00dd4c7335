"""A syntax error, and what its sentence is chosen by: the token that the parser cannot take, and what stands around it."""

from __future__ import annotations

import re
from typing import NamedTuple

from lark import Token

from archdsl.diagnostics import Diagnostic, Mark
from archdsl.diagnostics.untyped import untyped
from archdsl.source import Span

KEYWORDS = frozenset(
    "import as block network train aux output input where let expect init skip via concat add mul shake"
    " repeat for in if else and or not true false none".split()
)
NEAR = 400
"""How many characters around a mistake are looked at, so that the time for each is bounded."""
WORDS = {
    "NAME": "a name", "INT": "a number", "FLOAT": "a number", "STRING": "a string", "_SEP": "the end of the line",
    "$END": "the end of the file", "LBRACE": "`{`", "RBRACE": "`}`", "LPAR": "`(`", "RPAR": "`)`", "LSQB": "`[`",
    "RSQB": "`]`", "COMMA": "`,`", "COLON": "`:`", "EQUAL": "`=`", "DOT": "`.`", "ARROW": "`->`", "RANGE": "`..`",
    "CIRCUMFLEX": "`^`", "SIGN": "`+`", "FACTOR": "`*`", "COMPARE": "a comparison",
}  # fmt: skip


_NO_BRACKET = re.compile(r'"(?:\\.|[^"\\])*"|[^()\[\]{}]')
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def balanced(text: str) -> bool:
    """Whether the brackets of a part of a source match, so that it can be quoted as the text to write."""
    waiting: list[str] = []
    for sign in _NO_BRACKET.sub("", text):
        if sign in _CLOSING:
            waiting.append(_CLOSING[sign])
        elif not waiting or waiting.pop() != sign:
            return False
    return not waiting


class SyntaxFault(NamedTuple):
    """One syntax error with its place.

    `instead` is the token that was meant, where that is clear; `keep` says whether what stands before the
    error is a statement of its own.
    """

    code: str
    span: Span
    message: str
    help: str | None = None
    related: tuple[tuple[Span, str], ...] = ()
    instead: tuple[str, str] | None = None
    keep: bool = True

    def diagnostic(self) -> Diagnostic:
        """The same as a diagnostic."""
        return untyped(
            self.code, self.message, Mark(self.span), tuple(Mark(span, text) for span, text in self.related), help=self.help
        )


class ErrorContext(NamedTuple):
    """Where the parser stands: the token it cannot take, the one before, what is open, and whether it is in an `input`.

    It is `within` a definition where it is indented more than the line that opened what is open around it.
    """

    token: Token
    span: Span
    previous: Token | None
    previous_span: Span | None
    first_on_line: bool
    within: bool
    opened: Token | None
    opened_span: Span | None
    closes_something: bool
    outdented_span: Span | None
    expected: frozenset[str]
    in_input: bool

    @property
    def found(self) -> str:
        """The unexpected token, as a sentence names it."""
        if self.token.type in ("_SEP", "$END"):
            return WORDS[self.token.type]
        return f"`{self.token}`"

    @property
    def before(self) -> str:
        """What stands on the line before the token, as far as it is near."""
        text, end = self.span.file.text, self.span.start
        return text[max(0, end - NEAR) : end].rsplit("\n", 1)[-1]

    @property
    def after(self) -> str:
        """What stands on the line after the token, as far as it is near."""
        return self.span.file.text[self.span.end : self.span.end + NEAR].split("\n", 1)[0]
