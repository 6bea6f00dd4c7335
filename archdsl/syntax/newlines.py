"""The post-lexer: which line ends separate statements, and what is still open where."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from archdsl.syntax.tokens import Token

CLOSES = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
_CLOSING = frozenset(CLOSES.values())
_CONTINUES_AFTER = {"ARROW", "LBRACE", "_SEP"}
_CONTINUES_BEFORE = {"ARROW", "RBRACE"}
_AFTER_BODY = {"VIA", "ELSE"}
_AFTER_HEADER = {"EXPECT", "WHERE"}
_BEFORE_STAGE = {"_SEP", "LBRACE", "ARROW", "COLON"}
_NEAR = 300
"""How many characters options are read, so that many brackets that are never closed do not take long."""
_OPTIONS = {"LPAR", "LSQB"}
_DECLARED = {"NAME", "STRING", "UNCLOSED_STRING", "INT", "FLOAT", "JOIN"}
_ENDS_STATEMENT = {"NEWLINE", "SEMICOLON", "LBRACE", "RBRACE"}


def mark_declarations(tokens: Sequence[Token]) -> None:
    """Make `module` a keyword where it begins a statement, and another name or a string follows. It is a name elsewhere."""
    if "module" not in tokens:
        return
    for at, token in enumerate(tokens):
        if token == "module" and (at == 0 or tokens[at - 1].type in _ENDS_STATEMENT) and _is_followed_by_name(tokens, at):
            token.type = "MODULE"


def _is_followed_by_name(tokens: Sequence[Token], at: int) -> bool:
    """Return whether a name or string follows a token, behind a blank. A keyword before a colon is meant as a name."""
    following = [*tokens[at + 1 : at + 3], None, None]
    name, behind = following[:2]
    if name is None or name.start_pos == tokens[at].end_pos:
        return False
    return name.type in _DECLARED or (name.isidentifier() and behind is not None and behind.type == "COLON")


def _is_join(tokens: Sequence[Token], at: int) -> bool:
    """Return whether the name of a join begins one, and is not called: `max { ... }`, but not `max(0)`.

    Behind it come braces, or options in parentheses and braces. Branches in parentheses or brackets, `max(a, b)`, are one that is
    written wrongly.
    """
    following, signs = at + 1, set[str]()
    if following < len(tokens) and tokens[following].type in _OPTIONS:
        depth, limit = 0, tokens[following].end_pos + _NEAR
        while following < len(tokens) and tokens[following].start_pos < limit:
            kind = tokens[following].type
            if depth == 1:
                signs.add(kind)
            depth += (kind in CLOSES) - (kind in _CLOSING)
            following += 1
            if not depth:
                break
        if depth:
            return False
    return ("COMMA" in signs and "EQUAL" not in signs) or (following < len(tokens) and tokens[following].type == "LBRACE")


class Newlines:
    """Turns line ends and `;` into `_SEP` where they separate statements.

    The grammar knows one separator. A line end is one unless

    - a round or square bracket is open: `conv(8,` goes on below;
    - the line ends with `->`, `{` or another separator, or the next one begins with `->` or `}`;
    - the next line begins with `via` or `else` and this one ends with `}`, or, outside of all braces, with the `expect`
      of an alias or the `where` of a network.

    The name of a join that is also called, such as `max`, becomes a keyword where a stage begins and braces follow.

    Several in a row are one. A separator is held back until the token behind it is known, and then put before it. With the
    position of the line end: an error about it marks the end of the line.

    `open` holds the brackets that are open; the parser reads it to name the one at fault, and calls
    `close` when it recovers. `first_on_line` says whether the last token began its line.
    `closes` is the bracket that the last token closes. `outdented` is the first brace whose closing brace stands further
    left than its line, as where a brace is missing between them. `too_deep` is the bracket that went over the nesting
    limit, where the token stream then ends.
    """

    always_accept = ("NEWLINE", "SEMICOLON", "UNCLOSED_STRING", "STRANGE")

    def __init__(self) -> None:
        self.reset(0)

    def reset(self, nesting: int, joins: Collection[str] = ()) -> None:
        """Forget everything, before a new text, which may nest this deep. `joins` are the joins that are also called."""
        self._nesting = nesting
        self._joins = joins
        self.open: list[Token] = []
        self.first_on_line = True
        self.too_deep: Token | None = None
        self.closes: Token | None = None
        self.outdented: Token | None = None
        self._indents: dict[int, int] = {}

    def opened_before(self, token: Token | None) -> list[Token]:
        """What is open, outermost first, without the bracket that `token` itself may have opened."""
        return self.open[:-1] if self.open and self.open[-1] is token else self.open[:]

    def close(self, count: int, token: Token | None) -> None:
        """Take the innermost brackets before `token` as closed."""
        before = self.opened_before(token)
        self.open = before[: len(before) - count] + self.open[len(before) :]

    def within(self, token: Token) -> bool:
        """Whether a token is indented more than the line of the outermost bracket that is open."""
        before = self.opened_before(token)
        return bool(before) and token.column > self._indents.get(before[0].line, 0)

    def open_brackets(self, token: Token | None) -> int:
        """How many round and square brackets are open inside the innermost brace."""
        before = self.opened_before(token)
        braces = [i for i, opened in enumerate(before) if opened.type == "LBRACE"]
        return len(before) - (braces[-1] + 1 if braces else 0)

    def process(self, tokens: Sequence[Token]) -> Iterator[Token]:
        """The tokens with `_SEP` in place of line ends and `;`."""
        separator: Token | None = None
        previous = "_SEP"
        self.first_on_line = True
        for at, token in enumerate(tokens):
            kind = token.type
            if kind == "NEWLINE":
                self.first_on_line = True
                if separator is None and (not self.open or self.open[-1].type == "LBRACE"):
                    separator = token
                continue
            if kind == "SEMICOLON":
                separator = token
                continue
            if separator is not None:
                claim = kind in _AFTER_HEADER and not self.open  # outside braces nothing else begins so
                continues = claim or kind in _CONTINUES_BEFORE or (kind in _AFTER_BODY and previous == "RBRACE")
                if not continues and previous not in _CONTINUES_AFTER:
                    yield separator.instead("_SEP", separator)
                    previous = "_SEP"
                separator = None
            if kind in CLOSES:
                self.open.append(token)
                if len(self.open) > self._nesting:
                    self.too_deep = token
                    return
            kind = self._kind(tokens, at, previous)
            if self.first_on_line:
                self._note_indent(token)
            self._close_with(kind)
            yield token
            previous = kind
            self.first_on_line = False

    def _kind(self, tokens: Sequence[Token], at: int, previous: str) -> str:
        """Return the type of a token. The name of a join that begins one becomes a keyword."""
        token = tokens[at]
        if previous in _BEFORE_STAGE and token in self._joins and _is_join(tokens, at):
            token.type = "JOIN"
        return token.type

    def _close_with(self, kind: str) -> None:
        """Note which bracket a token closes."""
        closes = bool(self.open) and CLOSES[self.open[-1].type] == kind
        self.closes = self.open.pop() if closes else None

    def _note_indent(self, token: Token) -> None:
        """Keep where a line begins, and the first brace that a line closes too far to the left."""
        column = token.column
        self._indents[token.line] = column
        if token.type == "RBRACE" and self.outdented is None and self.open:
            opened = self.open[-1]
            if self._indents.get(opened.line, 0) > column:
                self.outdented = opened
