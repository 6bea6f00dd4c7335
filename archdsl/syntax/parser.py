"""Text to syntax tree, with every syntax error of the file.

Errors are handled as in yacc: the parser drops its unfinished statement, takes an ERROR token in its
place, skips to the next statement, and goes on. So a file with three mistakes gets three errors.
"""

from __future__ import annotations

import gc
import re
import threading
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from lark import Lark, Token
from lark.lexer import LexerThread
from lark.utils import TextSlice

from archdsl import limits
from archdsl.diagnostics import Diagnostic, Mark
from archdsl.diagnostics.untyped import untyped
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast
from archdsl.syntax.build import Builder
from archdsl.syntax.damage import Damage
from archdsl.syntax.faults import explain
from archdsl.syntax.layout import CLOSES, Layout
from archdsl.syntax.situation import Situation, SyntaxFault
from archdsl.syntax.stack import Stack, Tables
from archdsl.syntax.tables import make_lark

_per_thread = threading.local()
_IN_A_LABEL = 'the braces of a label hold one expression, as in `"layer{2 * n + 1}"`'
_DEFINITIONS = frozenset({"BLOCK", "NETWORK", "IMPORT", "TRAIN"})


def parse(source: SourceFile) -> tuple[ast.File, list[Diagnostic]]:
    """The tree of a file and its syntax errors; the tree holds all that could be understood."""
    if len(source.text) > limits.SOURCE_CHARACTERS:
        return _nothing(source), [
            untyped("E0603", f"{source.name} has {len(source.text):,} characters, over the limit of {limits.SOURCE_CHARACTERS:,}",
                       help=f"is it a spec? loops and blocks make a long one short; {limits.remedy('SOURCE_CHARACTERS')}")
        ]  # fmt: skip
    if not re.search(r"^[^\S\n]*[^#\s]", source.text, re.MULTILINE):
        end = len(source.text)
        return _nothing(source), [
            untyped("E0109", f"{source.name} defines nothing", Mark(Span(source, 0, end)) if end else None,
                       help="a smallest network: `network tiny { input image [3, 32, 32]; conv(8, 3); gap; flatten; linear(10) }`")
        ]  # fmt: skip
    with collector_paused():
        return _parser().parse(source)


def parse_expression(source: SourceFile) -> tuple[ast.Expr | None, list[Diagnostic]]:
    """The tree of a text that is one expression, such as a setting's value; none where it is not."""
    faults: list[SyntaxFault] = []
    help = "a value is one expression, as in `64`, `[1, 2]` or `2 * 32`"
    if "'" in source.text and '"' not in source.text:
        help = "strings stand in double quotes: " + f"`{source.text}`".replace("'", '"')
    expression = _parser().expression(source, 0, len(source.text), faults, help)
    return expression, [fault.diagnostic() for fault in faults]


def _nothing(source: SourceFile) -> ast.File:
    return ast.File(source, (), (), (), (), hidden=True)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Trees have no cycles; the collector's passes over a growing one cost most of the time of a large file."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _parser() -> _Parser:
    if not hasattr(_per_thread, "parser"):
        _per_thread.parser = _Parser()
    return _per_thread.parser  # type: ignore[no-any-return]


class _Parser:
    """The grammar's tables with the callbacks that build the tree; one for each thread."""

    def __init__(self) -> None:
        self.builder = Builder()
        self.layout = Layout()
        with collector_paused():
            self.lark = make_lark(self.builder, self.layout)
            self.tables = {start: Tables(self.lark, start) for start in ("spec", "expr")}

    def parse(self, source: SourceFile) -> tuple[ast.File, list[Diagnostic]]:
        builder, faults = self.builder, list[SyntaxFault]()
        builder.file, builder.comments = source, []
        builder.report = faults.append
        builder.parse_expression = lambda start, end: self.expression(source, start, end, faults)
        self.layout.reset()
        run = _Run(self.lark, Stack(self.tables["spec"]), self.layout, source, faults)
        items = run.spec()
        comments = tuple(builder.comments)
        if faults:
            faults = _settle_braces(source, items, faults, run.strays, run.damage)
        return _file(source, items, comments, run.damage if faults else None), [fault.diagnostic() for fault in faults]

    def expression(
        self, source: SourceFile, start: int, end: int, faults: list[SyntaxFault], help: str = _IN_A_LABEL
    ) -> ast.Expr | None:
        """The expression in a part of a source; none, and a fault, where there is none."""
        self.builder.file, self.builder.report = source, faults.append
        stack = Stack(self.tables["expr"])
        lexer = self.lark.parser.lexer.lexer  # the basic lexer, below the post-lexer
        tokens = LexerThread.from_text(lexer, TextSlice(source.text, start, end)).lex(None)  # type: ignore[no-untyped-call]
        depth = 0
        for token in tokens:
            depth += (token.type in CLOSES) - (token.type in CLOSES.values())
            if depth > limits.NESTING:
                faults.append(_too_deep(_span(source, token), "give the inner parts names"))
                return None
            if not stack.feed(token):
                break
        else:
            if stack.finish(Token("$END", "", end, end_pos=end)):
                return stack.values[-1]  # type: ignore[no-any-return]
        place = Span(source, max(0, min(start, end - 1)), max(end, start + 1))
        faults.append(SyntaxFault("E0101", place, "this is not an expression", help))
        return None


class _Run:
    """One parse of one file, with its recovery from errors."""

    def __init__(self, lark: Lark, stack: Stack, layout: Layout, source: SourceFile, faults: list[SyntaxFault]) -> None:
        self.lark, self.stack = lark, stack
        self.layout, self.source, self.faults = layout, source, faults
        self.previous: Token | None = None
        self.damage = Damage(source)
        self.strays: list[SyntaxFault] = []
        """Errors that stand where braces do not match; they may follow from others."""
        self._reports = 0
        self._put_in: dict[str, int] = {}
        """The closing brackets, by kind, that errors were mended with, and the line of the last."""

    def spec(self) -> list[Any]:
        tokens = self.lark.parse_interactive(self.source.text, start="spec").lexer_thread.lex(None)  # type: ignore[no-untyped-call]
        for token in tokens:
            before = self.previous
            if not self.stack.feed(token):
                self._recover(token, tokens)
            if self.previous is before:  # what was skipped may go further
                self.previous = token
            if len(self.faults) >= limits.ERRORS or self._reports >= 20 * limits.ERRORS:
                return self._finish(report=False)
        if self.layout.too_deep is not None:
            self.faults.append(_too_deep(_span(self.source, self.layout.too_deep), "give the inner parts names: `let`, `block`"))
            return self._finish(report=False)
        return self._finish()

    def _finish(self, report: bool = True) -> list[Any]:
        """Feed the end of the file, closing what is open."""
        end = Token("$END", "", len(self.source.text), end_pos=len(self.source.text))
        for attempt in range(2):
            if self.stack.finish(end):
                return self.stack.values[-1]  # type: ignore[no-any-return]
            if attempt:
                break
            if report:
                self._report(end)
            while self.layout.open:
                if not self._close(1, end) and not (self._drop_to(("ERROR",)) and self._close(1, end)):
                    self.layout.close(1, end)
            self._finish_statement()
            self._drop_to(("ERROR_ITEM",))
        return []

    def _recover(self, token: Token, tokens: Iterator[Token]) -> None:
        """Report the token, mend or drop the unfinished statement, and skip to where the next one starts."""
        fault = self._report(token)
        starts_line = self.layout.first_on_line
        definition = self._defines(token)
        if fault.instead and self.stack.feed(Token.new_borrow_pos(*fault.instead, token)):
            return
        if fault.code == "E0102" and fault.keep and fault.span.start < (token.start_pos or 0):
            count = len(self.layout.opened_before(token)) if definition else self.layout.open_brackets(token)
            if self._close(count, token) and self._resume(token):
                return
        self._close_brackets(token)
        dropped = self._drop_to(("ERROR_ITEM",) if definition else ("ERROR", "ERROR_ITEM"), keep=fault.keep)
        if dropped == "ERROR_ITEM" and not definition:
            self._skip(tokens, None)
        elif dropped and not ((starts_line or token.type in ("RBRACE", "_SEP")) and self._resume(token)):
            self._drop_to(("ERROR", "ERROR_ITEM"))
            if token.type != "_SEP":
                self._skip(tokens, 1 if token.type == "LBRACE" else 0)

    def _skip(self, tokens: Iterator[Token], depth: int | None) -> None:
        """Skip to the end of the statement, and go on there. `depth` counts the braces opened in what is skipped.

        Without a depth, outside all definitions, skip to the next definition.
        """
        for token in tokens:
            self.previous = token
            self._close_brackets(token)
            if self._defines(token):
                self.layout.close(len(self.layout.opened_before(token)), token)
                self._drop_to(("ERROR_ITEM",))
                self._resume(token)
                return
            if depth is None:
                continue
            if depth == 0 and token.type in ("RBRACE", "_SEP"):
                self._resume(token)
                return
            depth += {"LBRACE": 1, "RBRACE": -1}.get(token.type, 0)

    def _defines(self, token: Token) -> bool:
        """Whether a definition begins, and not a mistake inside of one."""
        return token.type in _DEFINITIONS and self.layout.first_on_line and not self.layout.within(token)

    def _close(self, count: int, token: Token) -> bool:
        """Put in the closing brackets that are missing before a token, where the parser can take them."""
        for opened in reversed(self.layout.opened_before(token)[len(self.layout.opened_before(token)) - count :]):
            closing = Token.new_borrow_pos(CLOSES[opened.type], "", self.previous or opened)
            closing.start_pos = closing.end_pos
            if self.stack.values and getattr(self.stack.values[-1], "type", "") == "_SEP":
                self.stack.pop()  # line ends before a closing bracket do not count, as in the layout
            if not self.stack.accepts(closing.type):
                return False
            self.stack.feed(closing)
            self._put_in[closing.type] = token.line or 0
            self.layout.close(1, token)
        return True

    def _resume(self, token: Token) -> bool:
        """Go on with a token after an error, with a separator before it where it needs one; whether that could be."""
        if not self.stack.feed(token):
            if not self.stack.accepts("_SEP"):
                return False
            self.stack.feed(Token.new_borrow_pos("_SEP", "", token))
            if not self.stack.feed(token):
                return False
        opened = self.layout.open[-1] if self.layout.open else None
        if opened is not None and self.layout.closes is None and CLOSES[opened.type] == token.type:
            self.layout.open.pop()  # a bracket inside kept the layout from seeing that this one closes it
        return True

    def _drop_to(self, errors: tuple[str, ...], keep: bool = True) -> str | None:
        """Drop symbols until an error token can stand for what was dropped; which one could."""
        if keep:
            self._finish_statement()
        position = self.previous or Token("NAME", "", 0, 1, 1, 1, 1, 1)
        while True:
            for kind in errors:
                if self.stack.feed(Token.new_borrow_pos(kind, "", position)):
                    return kind
            if not self.stack.values:
                return None
            self.stack.pop()

    def _finish_statement(self) -> None:
        """Keep a statement that is complete as it stands: end it, so that only what follows is dropped."""
        if self.stack.accepts("_SEP"):
            self.stack.feed(Token.new_borrow_pos("_SEP", "", self.previous) if self.previous is not None else Token("_SEP", ""))

    def _close_brackets(self, token: Token) -> None:
        """Take the round and square brackets that an error stands in as closed."""
        count = self.layout.open_brackets(token)
        for opened in self.layout.opened_before(token)[len(self.layout.opened_before(token)) - count :]:
            self._put_in[CLOSES[opened.type]] = token.line or 0
        self.layout.close(count, token)

    def _closes_again(self, token: Token, fault: SyntaxFault) -> bool:
        """Whether this is the closing bracket, on the same line or the next, of one that an error was mended with."""
        line = self._put_in.get(token.type)
        return fault.code == "E0102" and line is not None and (token.line or 0) <= line + 1

    def _report(self, token: Token) -> SyntaxFault:
        before = self.layout.opened_before(token)
        opened = before[-1] if before else None
        span = _span(self.source, token)
        if token.type == "_SEP" or token.type == "$END":
            after = self.previous.end_pos if self.previous is not None and self.previous.end_pos else 0
            span = Span(self.source, max(0, after - 1), max(1, after))
        situation = Situation(
            token, span, self.previous, _span(self.source, self.previous) if self.previous is not None else None,
            self.layout.first_on_line, self.layout.within(token), opened, _span(self.source, opened) if opened is not None else None,
            self.layout.closes is not None,
            _span(self.source, self.layout.outdented) if self.layout.outdented is not None else None,
            self.stack.acceptable() - {"ERROR", "ERROR_ITEM"},
            any(isinstance(value, Token) and value.type == "INPUT" for value in self.stack.values[-4:]),
        )  # fmt: skip
        fault = explain(situation)
        self._reports += 1
        if not self.damage.holds(fault.span.start) and not self._closes_again(token, fault):
            self.faults.append(fault)
        end = token.start_pos or 0
        braces_alone = all(bracket.type == "LBRACE" for bracket in before[-1:])
        unclosed = fault.code == "E0102" and bool(before) and braces_alone and fault.span.start < end
        nothing_open = not before and (situation.expected <= {"_SEP", "$END"} or {"BLOCK", "NETWORK"} <= situation.expected)
        between_items = nothing_open and (token.column or 1) > 1
        after_body = token.type in ("VIA", "ELSE") and self.previous is not None and self.previous.type == "RBRACE"
        if unclosed or between_items or after_body or (fault.code == "E0102" and braces_alone and token.type == "RBRACE"):
            self.strays.append(fault)
        if fault.instead is not None and fault.instead[0] == "_SEP":
            self.damage.add(fault.span.start, fault.span.start, ends=True)
        elif not unclosed:
            another = self.layout.first_on_line and fault.span.start < end  # the token begins another statement
            self.damage.add(fault.span.start, end, ends=another)
        return fault


def _settle_braces(
    source: SourceFile, items: list[Any], faults: list[SyntaxFault], strays: list[SyntaxFault], damage: Damage
) -> list[SyntaxFault]:
    """The errors in order, without those of braces that do not match since another error garbled one.

    The definitions with such braces become doubtful: what stands in which body is not known.
    """
    starts = sorted(item.span.start for item in items if isinstance(item, ast.Definition | ast.Import | ast.Train))
    follow: list[SyntaxFault] = []
    settled: set[int] = set()
    for stray in sorted(strays, key=lambda fault: fault.span.start):
        at = bisect_right(starts, stray.span.start)
        start, end = starts[at - 1] if at else 0, starts[at] if at < len(starts) else len(source.text) + 1
        damage.add_definition(start, end)
        others = [fault for fault in faults if start <= fault.span.start < end and fault not in strays]
        if start in settled or any(_garbles_brace(fault, stray) for fault in others):
            follow.append(stray)
        settled.add(start)
    return sorted((fault for fault in faults if fault not in follow), key=lambda fault: fault.span.start)


def _garbles_brace(fault: SyntaxFault, stray: SyntaxFault) -> bool:
    """Whether an error may stand where a brace is missing: before one too many; beside one that is not closed, or alone on a line below."""
    if stray.span.text != "{":
        return fault.span.start < stray.span.start
    text = fault.span.file.text
    between = text[stray.span.end : fault.span.start]
    line = text[text.rfind("\n", 0, fault.span.start) + 1 :].split("\n", 1)[0]
    return fault.span.start > stray.span.start and ("\n" not in between or len(line.split()) == 1)


def _too_deep(place: Span, help: str) -> SyntaxFault:
    return SyntaxFault(
        "E0108", place, f"brackets stand more than {limits.NESTING} deep here", f"{help}; {limits.remedy('NESTING')}"
    )


def _span(source: SourceFile, token: Token) -> Span:
    start = token.start_pos or 0
    return Span(source, start, max(token.end_pos or 0, start + 1))


def _file(source: SourceFile, items: list[Any], comments: tuple[Span, ...], damage: Damage | None) -> ast.File:
    docs = _documentation(source, comments) if comments else {}
    definitions = []
    for item in items:
        if isinstance(item, ast.Definition):
            doc = docs.get(item.span.line_column[0] - 1, "") if docs else ""
            definitions.append(replace(item, doc=doc) if doc else item)
    hidden = damage is not None and (not items or any(isinstance(item, ast.Damaged) for item in items))
    return ast.File(
        source, tuple(i for i in items if isinstance(i, ast.Import)), tuple(definitions),
        tuple(i for i in items if isinstance(i, ast.Train)), comments, damage, hidden,
    )  # fmt: skip


def _documentation(source: SourceFile, comments: tuple[Span, ...]) -> dict[int, str]:
    """The text of each run of `##` lines, by the number of its last line."""
    found: dict[int, str] = {}
    for comment in comments:
        text = comment.text
        if not text.startswith("##"):
            continue
        line, column = comment.line_column
        if source.line_text(line)[: column - 1].strip():
            continue
        above = found.pop(line - 1, "")
        found[line] = f"{above}\n{text[2:].strip()}".strip()
    return found
