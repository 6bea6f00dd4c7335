"""A parse of one file that goes on after syntax errors, and keeps what was understood.

The parser takes tokens until one cannot follow. Then the error is reported, once for each mistake, and the first of these
ways out that works is taken:

1. **Replace**: the token stands for another that was clearly meant (`:` for `=` in an argument).
2. **Close**: closing brackets that are missing before the token are put in.
3. **Insert**: one `Missing` part is put in before the token (`-> ->`, `(8 + )`).
4. **Complete**: the unfinished statement is continued with what it lacks, as cheaply as the grammar allows, until it could
   end. `conv(8, 3) -> ` keeps its first stage and gets a `Missing` second one; `let` gets an empty name, `=` and a `Missing`
   value. Each state of an LALR parser has a token that leads towards the end of what is under way (Röhrich, "Methods for the
   automatic construction of error correcting parsers", 1980); `_COMPLETIONS` is the order in which they are tried.
5. **Skip**: what follows, up to the end of the statement, becomes a `Skipped` node (yacc's `error` token).

So a file with three mistakes gets three errors, and its tree holds every character.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from archdsl.diagnostics import codes
from archdsl.limits import Limits, remedy
from archdsl.source import SourceFile, Span
from archdsl.syntax.damage import Damage
from archdsl.syntax.error_context import NEAR, ErrorContext, SyntaxFinding, finding
from archdsl.syntax.lalr import ParserStack
from archdsl.syntax.newlines import CLOSES, Newlines
from archdsl.syntax.tokens import Token

_DEFINITIONS: Final = frozenset({"BLOCK", "NETWORK", "IMPORT", "TRAIN", "LET"})
_PUT_IN: Final = frozenset({"ERROR", "ERROR_ITEM", "MISSING"})
"""Tokens that only the recovery makes."""
_FOLLOW_MISSING: Final = frozenset({"ARROW", "COMMA", "RPAR", "RSQB", "RBRACE", "_SEP", "COMPARE", "FACTOR"})
"""Tokens that leave no doubt that a part is missing before them; before `{` or `if`, it may be they that are wrong."""
_COMPLETIONS: Final = (
    "RPAR", "RSQB", "RBRACE", "MISSING", "COLON", "EQUAL", "ELSE", "IN", "AS", "LBRACE", "NAME", "LSQB", "STRING", "BY",
)  # fmt: skip
"""What an unfinished statement is continued with, the first that can follow: closing brackets before anything new."""


class Recovery:
    """One parse of one file. Errors gather in `faults`, what they make doubtful in `damage`."""

    def __init__(
        self,
        stack: ParserStack,
        newlines: Newlines,
        source: SourceFile,
        limits: Limits,
        faults: list[SyntaxFinding],
        lex: Callable[[int, int], list[Token]],
    ) -> None:
        self._limits = limits
        self._stack, self._lex = stack, lex
        self._newlines, self._source, self.faults = newlines, source, faults
        self._previous: Token | None = None
        self.damage = Damage(source, lex)
        self.strays: list[SyntaxFinding] = []
        """Errors that stand where braces do not match; they may follow from others."""
        self.unfinished: set[int] = set()
        """Where items begin whose first line had to be completed."""
        self._reports = 0
        self._closed: dict[str, int] = {}
        """The closing brackets, by kind, that were put in, and the line of the last."""

    def items(self, tokens: Iterator[Token]) -> list[Any]:
        """Parse the tokens of the file; return its items."""
        return self._finish(report=self.consume(tokens))

    def consume(self, tokens: Iterator[Token]) -> bool:
        """Take all tokens, until there are too many errors; return whether the end of the file may be judged."""
        feed = self._stack.feed
        for token in tokens:
            before = self._previous
            if not feed(token):
                self._recover(token, tokens)
            if self._previous is before:  # what was skipped may go further
                self._previous = token
            if len(self.faults) >= self._limits.errors or self._reports >= 20 * self._limits.errors:
                return False
        if self._newlines.too_deep is not None:
            self.damage.add(self._newlines.open[0].start_pos, self._newlines.too_deep.start_pos)
            self.faults.append(
                too_deep(
                    span_of(self._source, self._newlines.too_deep), self._limits, "give the inner parts names: `let`, `block`"
                )
            )
            return False
        return True

    def report(self, fault: SyntaxFinding) -> None:
        """Take what is wrong with a piece that parses, unless it stands where an error was."""
        if not self.damage.holds(fault.span.start):
            self.faults.append(fault)

    def _finish(self, report: bool = True) -> list[Any]:
        """Feed the end of the file, after what is missing before it."""
        end = Token("$END", "", len(self._source.text), len(self._source.text))
        if not self._stack.finish(end):
            if report:
                self._report(end)
            self._doubt_statement()
            while self._newlines.open:
                if not self._close(1, end):
                    self._newlines.close(1, end)
            self._complete(("ERROR_ITEM",))
            if not self._stack.finish(end):
                self._drop_to(("ERROR_ITEM",))
                if not self._stack.finish(end):
                    return []
        return self._stack.values[-1]  # type: ignore[no-any-return]

    def _recover(self, token: Token, tokens: Iterator[Token]) -> None:
        """Report the token, and take the first way out that works (see the module)."""
        fault = self._report(token)
        starts_line = self._newlines.first_on_line
        definition = self._defines(token)
        if fault.instead and self._stack.feed(token.instead(*fault.instead)):
            return
        if isinstance(fault.error, codes.syntax.Unclosed) and fault.span.start < token.start_pos:
            count = len(self._newlines.opened_before(token)) if definition else self._newlines.open_brackets(token)
            if self._close(count, token) and self._resume(token):
                return
        self._doubt_statement()
        if token.type in _FOLLOW_MISSING and self._stack.accepts("MISSING", token.type):
            self._stack.feed(self._empty("MISSING"))
            self._stack.feed(token)
            self._resolve_bracket(token)
            return
        self._close_brackets(token)
        if definition:
            self._newlines.close(len(self._newlines.opened_before(token)), token)
            self.unfinished.update(value.start_pos for value in self._stack.values if getattr(value, "type", "") in _DEFINITIONS)
        errors = ("ERROR_ITEM",) if definition else ("ERROR", "ERROR_ITEM")
        between_items = self._start_of_body() is None and not definition
        lost_body = token.type == "LET" and not definition and self._start_of_body() is None
        self._complete(errors)
        if (
            not (between_items or lost_body)
            and (starts_line or token.type in ("RBRACE", "_SEP"))
            and self._resume(token, ends_statement=True)
        ):
            return
        self._skip(token, tokens, errors)

    # -- completing --

    def _complete(self, errors: tuple[str, ...], until: str | None = None) -> None:
        """Continue the unfinished statement with what it lacks, until it can end, or until a token can follow.

        With `ERROR_ITEM` alone in `errors`, it is the item that is completed, with the bodies in it.
        """
        item = "ERROR" not in errors
        start = self._start_of_item()
        for _ in range(len(self._stack.states) + 20):
            if self._stack.accepts(until) if until is not None else self._complete_already(errors, item):
                return
            if until in ("RPAR", "RSQB") and self._stack.accepts("_SEP"):
                return  # the bracket is not one of this statement
            if item and self._drop_separator():
                continue
            kind = next((kind for kind in _COMPLETIONS if self._stack.accepts(kind) and (kind != "RBRACE" or item)), None)
            if kind is None:
                return
            if start is not None and until is None:
                self.unfinished.add(start)
            self._stack.feed(self._empty(kind))
            if kind == "LBRACE":
                if self._stack.accepts("MISSING"):
                    self._stack.feed(self._empty("MISSING"))
                self._stack.feed(self._empty("RBRACE"))

    def _complete_already(self, errors: tuple[str, ...], item: bool) -> bool:
        """Whether a statement, or an item, may end or begin here."""
        if any(self._stack.accepts(error) for error in errors):
            return True
        return self._stack.accepts("_SEP") and (not item or self._start_of_body() is None)

    def _drop_separator(self) -> bool:
        """Drop a separator with nothing behind it, which closing brackets cannot follow; return whether there was one."""
        if not self._stack.values or getattr(self._stack.values[-1], "type", "") != "_SEP":
            return False
        self._stack.pop()
        return True

    def _empty(self, kind: str) -> Token:
        """Return a token without text that stands behind the last one that was read."""
        at = self._previous.end_pos if self._previous is not None and self._previous.end_pos else 0
        return Token(kind, "", at, at)

    def _start_of_body(self) -> int | None:
        """Return the place on the stack of the innermost brace that is open; None outside of definitions."""
        values = self._stack.values
        return next((i for i in range(len(values) - 1, -1, -1) if getattr(values[i], "type", "") == "LBRACE"), None)

    def _start_of_item(self) -> int | None:
        """Return where the first line of an item begins that is under way; None inside of bodies and between items."""
        return None if self._start_of_body() is not None else self._start_of_statement()

    def _start_of_statement(self) -> int | None:
        """Return where the statement or item begins that is under way; None where none is."""
        values = self._stack.values
        first = len(values)
        while first and getattr(values[first - 1], "type", "") not in ("LBRACE", "_SEP"):
            first -= 1
        if first == len(values):
            return None
        return _start_of(values[first])

    def _doubt_statement(self) -> None:
        """Take the statement that is under way as doubtful."""
        start = self._start_of_statement()
        if start is not None:
            self.damage.add_statement(start)

    # -- skipping --

    def _skip(self, token: Token, tokens: Iterator[Token], errors: tuple[str, ...]) -> None:
        """Skip from a token to where the next statement starts, and go on there."""
        if self._stack.accepts("_SEP", "ERROR") or self._stack.accepts("_SEP", "ERROR_ITEM"):
            self._stack.feed(self._empty("_SEP"))
        error = self._drop_to(errors)
        if error is None:
            return
        if error.start_pos == error.end_pos:  # nothing was dropped
            error.start_pos = token.start_pos
        error.end_pos = token.start_pos if token.type == "_SEP" else token.end_pos
        if error.type == "ERROR_ITEM":
            self._skip_to_next(tokens, error, None)
        elif token.type != "_SEP":
            self._skip_to_next(tokens, error, 1 if token.type == "LBRACE" else 0)

    def _skip_to_next(self, tokens: Iterator[Token], error: Token, depth: int | None) -> None:
        """Skip to the end of the statement, and go on there. `depth` counts the braces opened in what is skipped.

        Without a depth, outside all definitions, skip to the next definition.
        """
        for token in tokens:
            self._close_brackets(token)
            defines = self._defines(token)
            if defines:
                self._newlines.close(len(self._newlines.opened_before(token)), token)
                self._complete(("ERROR_ITEM",))
            if defines or (depth == 0 and token.type in ("RBRACE", "_SEP")):
                self._resume(token, ends_statement=defines)
                self._previous = token
                return
            self._previous = token
            error.end_pos = token.end_pos
            if depth is not None:
                depth += {"LBRACE": 1, "RBRACE": -1}.get(token.type, 0)

    def _drop_to(self, errors: tuple[str, ...]) -> Token | None:
        """Drop symbols until an error token can stand for what was dropped; return that token, or None if none can."""
        token = self._empty("ERROR")
        while True:
            for token.type in errors:
                if self._stack.feed(token):
                    return token
            if not self._stack.values:
                return None
            token.start_pos = _start_of(self._stack.values[-1])
            self._stack.pop()

    def _defines(self, token: Token) -> bool:
        """Whether a definition begins, and not a mistake inside of one."""
        if token.type == "LET" and (token.column > 1 or self._start_of_body() is not None):
            return False  # a constant of a body, whose brace may be missing
        return token.type in _DEFINITIONS and self._newlines.first_on_line and not self._newlines.within(token)

    # -- closing brackets, and going on --

    def _close(self, count: int, token: Token) -> bool:
        """Put in the closing brackets that are missing before a token; return whether the parser could take them."""
        before = self._newlines.opened_before(token)
        for opened in reversed(before[len(before) - count :]):
            kind = CLOSES[opened.type]
            self._drop_separator()  # line ends before a closing bracket do not count, as in `Newlines`
            if not self._stack.accepts(kind):
                self._doubt_statement()
                self._complete((), until=kind)
            if not self._stack.accepts(kind):
                return False
            self._stack.feed(self._empty(kind))
            self._closed[kind] = token.line
            self._newlines.close(1, token)
        return True

    def _resume(self, token: Token, *, ends_statement: bool = False) -> bool:
        """Go on with a token after an error, with a separator before it where it needs one; return whether that was possible.

        Where the unfinished statement was completed (`ends_statement`), only `}`, a separator or an arrow at the start of
        a line belongs to it: what else could follow now would be taken for a part of it.
        """
        direct = not ends_statement or token.type in ("RBRACE", "_SEP", "ARROW")
        if not (direct and self._stack.feed(token)):
            if not self._stack.accepts("_SEP", token.type):
                if direct or not self._stack.feed(token):
                    return False
            else:
                self._stack.feed(self._empty("_SEP"))
                self._stack.feed(token)
        self._resolve_bracket(token)
        return True

    def _resolve_bracket(self, token: Token) -> None:
        """Take a bracket as closed by the token where one inside of it kept `Newlines` from seeing that."""
        opened = self._newlines.open[-1] if self._newlines.open else None
        if opened is not None and self._newlines.closes is None and CLOSES[opened.type] == token.type:
            self._newlines.open.pop()

    def _close_brackets(self, token: Token) -> None:
        """Take the round and square brackets that an error stands in as closed."""
        count = self._newlines.open_brackets(token)
        before = self._newlines.opened_before(token)
        for opened in before[len(before) - count :]:
            self._closed[CLOSES[opened.type]] = token.line
        self._newlines.close(count, token)

    # -- reporting --

    def _report(self, token: Token) -> SyntaxFinding:
        """Report a token that cannot follow, and note what the error makes doubtful."""
        before = self._newlines.opened_before(token)
        from archdsl.syntax.syntax_errors import explain  # here: a text without errors needs none of it

        context = self._context(token, before)
        fault = explain(context)
        unmatched = isinstance(fault.error, codes.syntax.Unmatched)
        self._reports += 1
        if not self.damage.holds(fault.span.start) and not self._closes_again(token, fault):
            self.faults.append(fault)
        end = token.start_pos
        braces_alone = all(bracket.type == "LBRACE" for bracket in before[-1:])
        unclosed = unmatched and bool(before) and braces_alone and fault.span.start < end
        nothing_open = not before and (context.expected <= {"_SEP", "$END"} or {"BLOCK", "NETWORK"} <= context.expected)
        between_items = nothing_open and token.column > 1
        after_body = token.type in ("VIA", "ELSE") and self._previous is not None and self._previous.type == "RBRACE"
        if unclosed or between_items or after_body or (unmatched and braces_alone and token.type == "RBRACE"):
            self.strays.append(fault)
        if fault.instead is not None and fault.instead[0] == "_SEP":
            self.damage.add(fault.span.start, fault.span.start, ends=True)
        elif not unclosed:
            another = self._newlines.first_on_line and fault.span.start < end  # the token begins another statement
            self.damage.add(fault.span.start, end, ends=another)
        return fault

    def _context(self, token: Token, before: list[Token]) -> ErrorContext:
        """Return what the sentence for an error is chosen by."""
        source, newlines = self._source, self._newlines
        span, at = span_of(source, token), token.start_pos
        if token.type == "_SEP" or token.type == "$END":
            at = self._previous.end_pos if self._previous is not None and self._previous.end_pos else 0
            span = Span(source, max(0, at - 1), max(1, at))
        line_start, line_end = source.text.rfind("\n", 0, at) + 1, source.text.find("\n", span.end)
        line_end = line_end if line_end >= 0 else len(source.text)
        return ErrorContext(
            token, span, self._previous, newlines.first_on_line, newlines.within(token), before, newlines.closes is not None,
            span_of(source, newlines.outdented) if newlines.outdented is not None else None,
            self._stack.acceptable() - _PUT_IN,
            any(isinstance(value, Token) and value.type == "INPUT" for value in self._stack.values[-4:]),
            self._lex(max(line_start, at - NEAR), at), self._lex(span.end, min(line_end, span.end + NEAR)), self._lex,
        )  # fmt: skip

    def _closes_again(self, token: Token, fault: SyntaxFinding) -> bool:
        """Whether this is the closing bracket, on the same line or the next, of one that an error was mended with."""
        line = self._closed.get(token.type)
        return isinstance(fault.error, codes.syntax.Unmatched) and line is not None and token.line <= line + 1


def _start_of(value: Any) -> int:
    """Return where a token or node on the stack begins."""
    return value.start_pos if isinstance(value, Token) else value.span.start


def span_of(source: SourceFile, token: Token) -> Span:
    """Return the place of a token, of at least one character, to be marked."""
    start = token.start_pos
    return Span(source, start, max(token.end_pos, start + 1))


def too_deep(place: Span, limits: Limits, help: str) -> SyntaxFinding:
    """Return the error for brackets that nest deeper than the limit."""
    return finding(codes.syntax.TooDeep(limits.nesting, f"{help}; {remedy('nesting')}"), place)
