"""Text to syntax tree, with every syntax error of the file."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from typing import Any

from lark import Token
from lark.lexer import LexerThread
from lark.utils import TextSlice

from archdsl.diagnostics import Diagnostic, Mark
from archdsl.diagnostics.untyped import untyped
from archdsl.limits import DEFAULT, Limits, remedy
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast
from archdsl.syntax.brace_errors import settle_braces
from archdsl.syntax.damage import Damage
from archdsl.syntax.error_context import SyntaxFault
from archdsl.syntax.lalr import ParserStack, ParseTables
from archdsl.syntax.newlines import CLOSES, Newlines
from archdsl.syntax.recovery import Recovery, span_of, too_deep
from archdsl.syntax.tables import make_lark
from archdsl.syntax.tree_builder import TreeBuilder

_per_thread = threading.local()
_IN_A_LABEL = 'the braces of a label hold one expression, as in `"layer{2 * n + 1}"`'


def parse(source: SourceFile, limits: Limits = DEFAULT) -> tuple[ast.File, list[Diagnostic]]:
    """The tree of a file and its syntax errors; the tree holds all that could be understood."""
    if len(source.text) > limits.source_characters:
        return ast.unread(source), [
            untyped("E0603", f"{source.name} has {len(source.text):,} characters, over the limit of {limits.source_characters:,}",
                       help=f"is it a spec? loops and blocks make a long one short; {remedy('source_characters')}")
        ]  # fmt: skip
    if not re.search(r"^[^\S\n]*[^#\s]", source.text, re.MULTILINE):
        end = len(source.text)
        return ast.unread(source), [
            untyped("E0109", f"{source.name} defines nothing", Mark(Span(source, 0, end)) if end else None,
                       help="a smallest network: `network tiny { input image [3, 32, 32]; conv(8, 3); gap; flatten; linear(10) }`")
        ]  # fmt: skip
    return _parser().parse(source, limits)


def parse_expression(source: SourceFile, limits: Limits = DEFAULT) -> tuple[ast.Expr | None, list[Diagnostic]]:
    """The tree of a text that is one expression, such as a setting's value; none where it is not."""
    faults: list[SyntaxFault] = []
    help = "a value is one expression, as in `64`, `[1, 2]` or `2 * 32`"
    if "'" in source.text and '"' not in source.text:
        help = "strings stand in double quotes: " + f"`{source.text}`".replace("'", '"')
    expression = _parser().expression(source, 0, len(source.text), limits, faults, help)
    return expression, [fault.diagnostic() for fault in faults]


def lex(source: SourceFile) -> tuple[list[Token], list[Span]]:
    """Return every token of a text, line ends and `;` among them, and every comment. What is between them is blank."""
    parser = _parser()
    parser.builder.file, parser.builder.comments = source, []
    lexer = parser.lark.parser.lexer.lexer  # the basic lexer, below the post-lexer
    tokens = list(LexerThread.from_text(lexer, TextSlice(source.text, 0, len(source.text))).lex(None))  # type: ignore[no-untyped-call]
    return tokens, parser.builder.comments


def _parser() -> _Parser:
    if not hasattr(_per_thread, "parser"):
        _per_thread.parser = _Parser()
    return _per_thread.parser  # type: ignore[no-any-return]


class _Parser:
    """The grammar's tables with the callbacks that build the tree; one for each thread."""

    def __init__(self) -> None:
        self.builder = TreeBuilder()
        self.newlines = Newlines()
        self.lark = make_lark(self.builder, self.newlines)
        self.tables = {start: ParseTables(self.lark, start) for start in ("spec", "expr")}

    def parse(self, source: SourceFile, limits: Limits) -> tuple[ast.File, list[Diagnostic]]:
        builder, faults = self.builder, list[SyntaxFault]()
        builder.file, builder.comments = source, []
        builder.parse_expression = lambda start, end: self.expression(source, start, end, limits, faults)
        self.newlines.reset(limits.nesting)
        run = Recovery(self.lark, ParserStack(self.tables["spec"]), self.newlines, source, limits, faults)
        builder.report = run.report
        items = run.items()
        comments = tuple(builder.comments)
        if faults:
            starts = sorted({item.span.start for item in items if not isinstance(item, ast.Skipped)} - run.unfinished)
            faults = settle_braces(source, starts, faults, run.strays, run.damage)
        file = _file(source, items, comments, run.damage if faults else None, run.unfinished)
        return file, [fault.diagnostic() for fault in faults]

    def expression(
        self, source: SourceFile, start: int, end: int, limits: Limits, faults: list[SyntaxFault], help: str = _IN_A_LABEL
    ) -> ast.Expr | None:
        """The expression in a part of a source; none, and a fault, where there is none."""
        self.builder.file, self.builder.report = source, faults.append
        stack = ParserStack(self.tables["expr"])
        lexer = self.lark.parser.lexer.lexer  # the basic lexer, below the post-lexer
        tokens = LexerThread.from_text(lexer, TextSlice(source.text, start, end)).lex(None)  # type: ignore[no-untyped-call]
        depth = 0
        for token in tokens:
            depth += (token.type in CLOSES) - (token.type in CLOSES.values())
            if depth > limits.nesting:
                faults.append(too_deep(span_of(source, token), limits, "give the inner parts names"))
                return None
            if not stack.feed(token):
                break
        else:
            if stack.finish(Token("$END", "", end, end_pos=end)):
                return stack.values[-1]  # type: ignore[no-any-return]
        place = Span(source, max(0, min(start, end - 1)), max(end, start + 1))
        faults.append(SyntaxFault("E0101", place, "this is not an expression", help))
        return None


def _file(
    source: SourceFile, items: list[Any], comments: tuple[Span, ...], damage: Damage | None, unfinished: set[int]
) -> ast.File:
    docs = _documentation(source, comments) if comments else {}
    for at, item in enumerate(items):
        doc = docs.get(item.span.line_column[0] - 1, "") if docs and isinstance(item, ast.Definition) else ""
        if doc:
            items[at] = replace(item, doc=doc)
    cut_off = frozenset(item for item in items if item.span.start in unfinished and not isinstance(item, ast.Skipped))
    hidden = damage is not None and (not items or bool(cut_off) or any(isinstance(item, ast.Skipped) for item in items))
    return ast.File(Span(source, 0, len(source.text)), tuple(items), comments, damage, hidden, cut_off)


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
