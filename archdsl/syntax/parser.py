"""Text to syntax tree, with every syntax error of the file."""

from __future__ import annotations

import threading
from typing import Any

from archdsl.diagnostics import Diagnostic, codes
from archdsl.limits import DEFAULT, Limits
from archdsl.ops.join import joins
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast
from archdsl.syntax.damage import Damage
from archdsl.syntax.doc_comments import documented
from archdsl.syntax.error_context import SyntaxFinding, finding
from archdsl.syntax.lalr import ParserStack, ParseTables
from archdsl.syntax.newlines import CLOSES, Newlines, mark_declarations
from archdsl.syntax.recovery import Recovery, span_of, too_deep
from archdsl.syntax.tables import load_tables
from archdsl.syntax.tokens import Token
from archdsl.syntax.tree_builder import TreeBuilder

_per_thread = threading.local()
_IN_A_LABEL = 'the braces of a label hold one expression, as in `"layer{2 * n + 1}"`'


def parse(source: SourceFile, limits: Limits = DEFAULT) -> tuple[ast.File, list[Diagnostic]]:
    """The tree of a file and its syntax errors; the tree holds all that could be understood."""
    if len(source.text) > limits.source_characters:
        return ast.unread(source), [codes.files.SourceTooLong(source.name, len(source.text), limits.source_characters)]
    if all(line.lstrip().startswith("#") or not line.strip() for line in source.text.split("\n")):
        end, error = len(source.text), codes.syntax.DefinesNothing(source.name)
        return ast.unread(source), [error.at(Span(source, 0, end)) if end else error]
    file, errors = _parser().parse(source, limits)
    if errors:
        from archdsl.syntax.other_formats import IMPORTED, text_format  # here: a text without errors is a spec

        other = text_format(source.text)
        if other is not None:
            path = source.name if other.kind in IMPORTED and not source.name.startswith("<") else None
            another = codes.slips.OtherFile(other.kind, other.example, path)
            return ast.unread(source), [another.at(Span(source, other.start, other.end))]
    return file, errors


def parse_expression(source: SourceFile, limits: Limits = DEFAULT) -> tuple[ast.Expr | None, list[Diagnostic]]:
    """The tree of a text that is one expression, such as a setting's value; none where it is not."""
    faults: list[SyntaxFinding] = []
    help = "a value is one expression, as in `64`, `[1, 2]` or `2 * 32`"
    if "'" in source.text and '"' not in source.text:
        help = "strings stand in double quotes: " + f"`{source.text}`".replace("'", '"')
    expression = _parser().expression(source, 0, len(source.text), limits, faults, help)
    return expression, [fault.error for fault in faults]


def lex(source: SourceFile) -> tuple[list[Token], list[Span]]:
    """Return every token of a text, line ends and `;` among them, and every comment. What is between them is blank."""
    parser = _parser()
    parser.builder.file = source
    return parser.lex(0, len(source.text))


def accepted_kinds(text: str, limits: Limits = DEFAULT) -> frozenset[str]:
    """Return the kinds of tokens that can follow a text, which may end in the middle of a statement.

    If the text ends with a line end, the kinds include those that begin a statement.
    """
    return _parser().accepted_kinds(SourceFile("<text>", text), limits)


def _parser() -> _Parser:
    if not hasattr(_per_thread, "parser"):
        _per_thread.parser = _Parser()
    return _per_thread.parser  # type: ignore[no-any-return]


class _Parser:
    """The grammar's tables with the callbacks that build the tree; one for each thread."""

    def __init__(self) -> None:
        self.builder = TreeBuilder()
        self.newlines = Newlines()
        tables = load_tables(self.builder)
        self.lexer = tables.lexer
        self.tables = {start: ParseTables(tables, start) for start in tables.starts}

    def parse(self, source: SourceFile, limits: Limits) -> tuple[ast.File, list[Diagnostic]]:
        faults = list[SyntaxFinding]()
        run = self._begin(source, limits, faults, ParserStack(self.tables["spec"]))
        items = run.items(self.newlines.process(self._tokens(0, len(source.text))))
        comments = tuple(self.builder.comments)
        if faults:
            from archdsl.syntax.brace_errors import settle_braces  # here: most texts have no errors

            starts = sorted({item.span.start for item in items if not isinstance(item, ast.Skipped)} - run.unfinished)
            faults = settle_braces(source, starts, faults, run.strays, run.damage)
        file = _file(source, items, comments, run.damage if faults else None, run.unfinished)
        return file, [fault.error for fault in faults]

    def _begin(self, source: SourceFile, limits: Limits, faults: list[SyntaxFinding], stack: ParserStack) -> Recovery:
        """Prepare everything to parse a source."""
        builder = self.builder
        builder.file, builder.comments = source, []
        builder.parse_expression = lambda start, end: self.expression(source, start, end, limits, faults)
        builder.joins = joins()
        self.newlines.reset(limits.nesting, {name for name, join in builder.joins.items() if join.called})
        run = Recovery(stack, self.newlines, source, limits, faults, lambda start, end: self.lex(start, end)[0])
        builder.report = run.report
        return run

    def accepted_kinds(self, source: SourceFile, limits: Limits) -> frozenset[str]:
        stack = ParserStack(self.tables["spec"])
        self._begin(source, limits, [], stack).consume(self.newlines.process(self._tokens(0, len(source.text))))
        tokens = self.lex(0, len(source.text))[0]
        ends_line = bool(tokens) and tokens[-1].type in ("NEWLINE", "SEMICOLON")
        kinds = {kind for state in self.tables["spec"].states for kind in state if kind.isupper()}  # tokens, not rules
        separated = [kind for kind in kinds if ends_line and stack.accepts("_SEP", kind)]
        return frozenset([*separated, *(kind for kind in kinds if stack.accepts(kind))])

    def lex(self, start: int, end: int) -> tuple[list[Token], list[Span]]:
        """Return the tokens and comments in a part of the file."""
        assert start <= end, (start, end)
        outer, self.builder.comments = self.builder.comments, []
        tokens = self._tokens(start, end)
        comments, self.builder.comments = self.builder.comments, outer
        return tokens, comments

    def _tokens(self, start: int, end: int) -> list[Token]:
        tokens = list(self.lexer.tokens(self.builder.file.text, start, end))
        mark_declarations(tokens)
        return tokens

    def expression(
        self, source: SourceFile, start: int, end: int, limits: Limits, faults: list[SyntaxFinding], help: str = _IN_A_LABEL
    ) -> ast.Expr | None:
        """The expression in a part of a source; none, and a fault, where there is none."""
        self.builder.file, self.builder.report, self.builder.joins = source, faults.append, joins()
        stack = ParserStack(self.tables["expr"])
        tokens = self._tokens(start, end)
        depth = 0
        for token in tokens:
            depth += (token.type in CLOSES) - (token.type in CLOSES.values())
            if depth > limits.nesting:
                faults.append(too_deep(span_of(source, token), limits, "give the inner parts names"))
                return None
            if not stack.feed(token):
                break
        else:
            if stack.finish(Token("$END", "", end, end)):
                return stack.values[-1]  # type: ignore[no-any-return]
        place = Span(source, max(0, min(start, end - 1)), max(end, start + 1))
        faults.append(finding(codes.syntax.NotAnExpression(help), place))
        return None


def _file(
    source: SourceFile, items: list[Any], comments: tuple[Span, ...], damage: Damage | None, unfinished: set[int]
) -> ast.File:
    if comments:
        items = documented(source, items, comments)
    cut_off = frozenset(item for item in items if item.span.start in unfinished and not isinstance(item, ast.Skipped))
    hidden = damage is not None and (not items or bool(cut_off) or any(isinstance(item, ast.Skipped) for item in items))
    return ast.File(Span(source, 0, len(source.text)), tuple(items), comments, damage, hidden, cut_off)
