"""A syntax error, and what its sentence is chosen by: the token that the parser cannot take, and what stands around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from archdsl.diagnostics import Diagnostic, codes
from archdsl.source import Span
from archdsl.syntax.newlines import CLOSES
from archdsl.syntax.tokens import Token

KEYWORDS: Final = frozenset(
    "import as block network train aux output input where let expect init skip via"
    " repeat for in if else and or not true false none".split()
)
"""The keywords of the grammar; those of joins are the names of ops."""
NEAR: Final = 400
"""How many characters around a mistake are looked at, so that the time for each is bounded."""
WORDS: Final = {
    "NAME": "a name", "INT": "a number", "FLOAT": "a number", "STRING": "a string", "_SEP": "the end of the line",
    "$END": "the end of the file", "LBRACE": "`{`", "RBRACE": "`}`", "LPAR": "`(`", "RPAR": "`)`", "LSQB": "`[`",
    "RSQB": "`]`", "COMMA": "`,`", "COLON": "`:`", "EQUAL": "`=`", "DOT": "`.`", "ARROW": "`->`", "RANGE": "`..`",
    "CIRCUMFLEX": "`^`", "SIGN": "`+`", "FACTOR": "`*`", "COMPARE": "a comparison",
}  # fmt: skip
_ENDS_STAGE: Final = frozenset({"SEMICOLON", "RBRACE", "ARROW"})


class SyntaxFinding(NamedTuple):
    """A syntax error with its place; `instead` is the token that was meant, if that is clear."""

    error: Diagnostic
    span: Span
    instead: tuple[str, str] | None = None


def finding(error: Diagnostic, span: Span, instead: tuple[str, str] | None = None) -> SyntaxFinding:
    """Return a finding of an error at a place."""
    return SyntaxFinding(error.at(span), span, instead)


class ErrorContext(NamedTuple):
    """Where the parser stands: the token it cannot take, the one before, and what is open, outermost first.

    It is `within` a definition where it is indented more than the line that opened what is open around it.
    `line_before` and `line_after` are the tokens of its line, as far as they are near. `lex` gives those of any part.
    """

    token: Token
    span: Span
    previous: Token | None
    first_on_line: bool
    within: bool
    open: Sequence[Token]
    closes_something: bool
    outdented_span: Span | None
    expected: frozenset[str]
    in_input: bool
    line_before: Sequence[Token]
    line_after: Sequence[Token]
    lex: Callable[[int, int], list[Token]]

    @property
    def found(self) -> str:
        """The unexpected token, as a sentence names it."""
        if self.token.type in ("_SEP", "$END"):
            return WORDS[self.token.type]
        return f"`{self.token}`"

    @property
    def opened(self) -> Token | None:
        """The innermost bracket that is open."""
        return self.open[-1] if self.open else None

    @property
    def open_brackets(self) -> int:
        """How many round and square brackets are open inside the innermost brace."""
        return len(self.open) - max((i + 1 for i, token in enumerate(self.open) if token.type == "LBRACE"), default=0)

    @property
    def opened_bracket(self) -> bool:
        """Whether a round or square bracket is open."""
        return self.opened is not None and self.opened.type != "LBRACE"

    @property
    def statement_before(self) -> Sequence[Token]:
        """The tokens on its line before it that belong to its statement."""
        first = len(self.line_before)
        while first and self.line_before[first - 1].type not in ("SEMICOLON", "LBRACE", "RBRACE"):
            first -= 1
        return self.line_before[first:]

    def closes_all(self, rest: Sequence[Token], count: int) -> bool:
        """Whether the rest of the line closes as many round and square brackets as are open, and opens none."""
        return sum((t.type in ("RPAR", "RSQB")) - (t.type in ("LPAR", "LSQB")) for t in rest) == count

    @property
    def ends_stage(self) -> bool:
        """Whether it is the last token of a stage."""
        return not self.line_after or self.line_after[0].type in _ENDS_STAGE

    def is_keyword(self, token: Token | None) -> bool:
        """Whether a token is a keyword, wherever it stands."""
        return token is not None and (token.type == "JOIN" or str(token) in KEYWORDS)

    def span_of(self, first: Token, last: Token | None = None) -> Span:
        """Return the place of a token, or of all from one to another."""
        return Span(self.span.file, first.start_pos, (last or first).end_pos)

    def text(self, tokens: Sequence[Token]) -> str:
        """Return the text from the first of some tokens to the last."""
        return self.span_of(tokens[0], tokens[-1]).text if tokens else ""

    def behind(self, token: Token) -> Span:
        """Return the empty place right behind a token."""
        return Span(self.span.file, token.end_pos, token.end_pos)


def other_form(s: ErrorContext, text: str, advice: str, place: Token | None = None) -> SyntaxFinding:
    """Return the finding about a statement in the form of another language, at a token; at the unexpected one by default."""
    return finding(codes.slips.OtherForm(text, advice), s.span_of(place) if place is not None else s.span)


def opening(tokens: Sequence[Token]) -> int | None:
    """Return where the parenthesis was opened that the last token closes; None if these tokens do not tell."""
    depth = 0
    for at in range(len(tokens) - 1, -1, -1):
        depth += {"RPAR": 1, "LPAR": -1}.get(tokens[at].type, 0)
        if depth == 0:
            return at
    return None


def adjacent(first: Token, second: Token) -> bool:
    """Whether nothing stands between two tokens."""
    return first.end_pos == second.start_pos


def is_word(token: Token) -> bool:
    """Whether a token is a name, a keyword or a whole number."""
    return token.type == "INT" or str(token).isidentifier()


def balanced(tokens: Sequence[Token]) -> bool:
    """Whether the brackets of a part of a source match, so that it can be quoted as the text to write."""
    waiting: list[str] = []
    for token in tokens:
        if token.type in CLOSES:
            waiting.append(CLOSES[token.type])
        elif token.type in CLOSES.values() and (not waiting or waiting.pop() != token.type):
            return False
        elif token.type in ("UNCLOSED_STRING", "STRANGE"):
            return False
    return not waiting


def expected_in_words(expected: frozenset[str]) -> str:
    """Return what could have stood there, in at most a few words."""
    if {"LET", "SKIP"} <= expected:
        return "a statement"
    if {"BLOCK", "NETWORK"} <= expected:
        return "`block`, `network`, `let`, `import` or `train`"
    if {"SKIP", "REPEAT"} <= expected:
        return "a stage"
    words = []
    if "_SEP" in expected:
        expected &= {"_SEP", "ARROW", "RBRACE", "VIA", "ELSE"}
    if {"NAME", "INT", "LPAR"} <= expected:
        words.append("an expression")
        expected -= {"NAME", "INT", "FLOAT", "STRING", "LPAR", "LSQB", "TRUE", "FALSE", "NONE", "SIGN", "NOT", "INIT"}
    if {"COMPARE", "SIGN", "FACTOR"} & expected and len(expected) > 3:
        expected -= {"COMPARE", "SIGN", "FACTOR", "CIRCUMFLEX", "IF", "AND", "OR", "RANGE", "LSQB", "LPAR", "DOT"}
    words += sorted({WORDS.get(kind, f"`{kind.lower()}`") for kind in expected})
    return ", ".join(words[:-1]) + f" or {words[-1]}" if len(words) > 1 else words[0] if words else ""
