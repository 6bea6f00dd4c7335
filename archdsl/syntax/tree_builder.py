"""From grammar rules to tree nodes: one method for each rule of `grammars/arch.lark`.

The parser calls these bottom-up while it parses, so no tree of any depth is ever walked. Children are
tokens and nodes, punctuation included, so that a node's span runs from its first to its last child.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from archdsl.diagnostics import Edit, codes
from archdsl.ops.join import Join
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast
from archdsl.syntax.children import (
    Arguments,
    Children,
    Parameters,
    Settings,
    Spanned,
    arguments_in,
    function_parameters,
    indices_of,
    is_empty,
    parameters_in,
)
from archdsl.syntax.error_context import SyntaxFinding, finding
from archdsl.syntax.strings import in_braces, unescape
from archdsl.syntax.tokens import Token


class TreeBuilder:
    """Holds the file that is being parsed; `report` takes what is wrong with a piece that parses."""

    def __init__(self) -> None:
        self.file = SourceFile("", "")
        self.comments: list[Span] = []
        self.joins: Mapping[str, type[Join]] = {}
        self.report: Callable[[SyntaxFinding], None] = lambda fault: None
        self.parse_expression: Callable[[int, int], ast.Expr | None] = lambda start, end: None

    def comment(self, token: Token) -> Token:
        """Lexer callback: comments are kept aside."""
        self.comments.append(self.of(token))
        return token

    def keyword(self, token: Token) -> Token:
        """Lexer callback: the names of joins are keywords. Joins that are also called are told apart later: see `Newlines`."""
        join = self.joins.get(token)
        if join is not None and not join.called:
            token.type = "JOIN"
        return token

    def of(self, piece: Any) -> Span:
        """The span of a token or node."""
        return Span(self.file, piece.start_pos, piece.end_pos) if isinstance(piece, Token) else piece.span

    def _span(self, children: Children) -> Span:
        first, last = children[0], children[-1]
        start = first.start_pos if isinstance(first, Token) else first.span.start
        end = last.end_pos if isinstance(last, Token) else last.span.end
        return Span(self.file, start or 0, end or 0)

    # -- expressions --

    def name(self, c: Children) -> ast.Name | ast.Missing:
        return ast.Name(self.of(c[0]), str(c[0])) if c[0] else ast.Missing(self.of(c[0]))

    def missing(self, c: Children) -> ast.Missing:
        return ast.Missing(self.of(c[0]))

    def integer(self, c: Children) -> ast.Expr:
        text = c[0].replace("_", "")
        if len(text) > 80:
            self.report(finding(codes.magnitudes.TooManyDigits(len(text)), self.of(c[0])))
            return ast.Unread(self.of(c[0]))
        return ast.Literal(self.of(c[0]), int(text))

    def float(self, c: Children) -> ast.Expr:
        value = float(c[0].replace("_", ""))
        if value == float("inf"):
            self.report(finding(codes.magnitudes.FloatTooLarge(), self.of(c[0])))
            return ast.Unread(self.of(c[0]))
        return ast.Literal(self.of(c[0]), value)

    def string(self, c: Children) -> ast.Literal:
        return ast.Literal(self.of(c[0]), unescape(c[0][1:-1]))

    def true(self, c: Children) -> ast.Literal:
        return ast.Literal(self.of(c[0]), True)

    def false(self, c: Children) -> ast.Literal:
        return ast.Literal(self.of(c[0]), False)

    def none(self, c: Children) -> ast.Literal:
        return ast.Literal(self.of(c[0]), None)

    def parenthesized(self, c: Children) -> ast.Parenthesized:
        return ast.Parenthesized(self._span(c), c[1])

    def list(self, c: Children) -> ast.ListExpr:
        return ast.ListExpr(self._span(c), tuple(item for item in c if isinstance(item, ast.Expr)))

    def attribute(self, c: Children) -> ast.Attribute:
        return ast.Attribute(self._span(c), c[0], str(c[2]))

    def index(self, c: Children) -> ast.Index:
        return ast.Index(self._span(c), c[0], c[2])

    def named_index(self, c: Children) -> ast.Index:
        return ast.Index(self._span(c), c[0] if isinstance(c[0], ast.Expr) else self.name(c[:1]), c[2])

    def call(self, c: Children) -> ast.CallExpr:
        return ast.CallExpr(self._span(c), c[0], c[1])

    def arguments(self, c: Children) -> tuple[ast.Argument, ...]:
        return Arguments(self._span(c), (item for item in c if isinstance(item, ast.Argument)))

    def argument(self, c: Children) -> ast.Argument:
        return ast.Argument(c[0].span, None, c[0])

    def keyword_argument(self, c: Children) -> ast.Argument:
        return ast.Argument(self._span(c), str(c[0]), c[-1])

    def unary(self, c: Children) -> ast.Unary:
        return ast.Unary(self._span(c), str(c[0]), c[1])

    def choice(self, c: Children) -> ast.Choice:
        return ast.Choice(self._span(c), c[0], c[2], c[4])

    def range(self, c: Children) -> ast.RangeExpr:
        return ast.RangeExpr(self._span(c), c[0], c[2], c[4] if len(c) > 4 else None)

    def comprehension(self, c: Children) -> ast.Comprehension:
        return ast.Comprehension(self._span(c), c[1], self._targets(c[3]), c[5], c[7] if len(c) > 7 else None)

    def pattern(self, c: Children) -> ast.Pattern:
        items = tuple(item for item in c if isinstance(item, ast.Pattern))
        return ast.Pattern(self._span(c), None if items else str(c[0]), items)

    def targets(self, c: Children) -> tuple[ast.Pattern, ...]:
        return Spanned(self._span(c), (item for item in c if isinstance(item, ast.Pattern)))

    def _targets(self, targets: Spanned) -> tuple[ast.Pattern, ...]:
        """Return what an element is bound to; report names that stand twice, and more than two targets."""
        if len(targets) > 2:
            self.report(finding(codes.syntax.TooManyLoopNames(Edit(targets.span, f"[{targets.span.text}]")), targets.span))
        seen: dict[str, Span] = {}
        for leaf in (leaf for target in targets for leaf in target.leaves):
            if leaf.name in seen and leaf.name not in ("", "_"):
                self.report(finding(codes.definitions.NameTwice(seen[leaf.name], leaf.name), leaf.span))
            seen.setdefault(leaf.name, leaf.span)
        return targets

    def _chain(self, c: Children) -> ast.Chain:
        return ast.Chain(self._span(c), tuple(c[::2]), tuple(str(t) for t in c[1::2]))

    disjunction = conjunction = comparison = sum = term = power = _chain

    # -- stages --

    def call_stage(self, c: Children) -> ast.CallStage:
        return ast.CallStage(c[0].span, c[0])

    def group(self, c: Children) -> ast.Group:
        return ast.Group(c[0].span, c[0])

    def skip(self, c: Children) -> ast.Skip:
        bodies = [item for item in c if isinstance(item, ast.Body)]
        via = bodies[1] if len(bodies) > 1 else None
        return ast.Skip(self._span(c), arguments_in(c), bodies[0], via, self.of(c[0]))

    def join(self, c: Children) -> ast.Join:
        return ast.Join(self._span(c), str(c[0]), arguments_in(c), c[-1], self.of(c[0]))

    def repeat(self, c: Children) -> ast.Repeat:
        return ast.Repeat(self._span(c), c[1], c[2])

    def for_(self, c: Children) -> ast.For:
        return ast.For(self._span(c), self._targets(c[1]), c[-2], c[-1])

    def if_(self, c: Children) -> ast.If:
        arms: list[ast.Arm] = []
        condition: ast.Expr | None = None
        for piece in c:
            if isinstance(piece, ast.Expr):
                condition = piece
            elif isinstance(piece, ast.Body):
                arms.append(ast.Arm(piece.span if condition is None else self._span([condition, piece]), condition, piece))
                condition = None
        return ast.If(self._span(c), tuple(arms))

    # -- statements --

    def body(self, c: Children) -> ast.Body:
        return ast.Body(self._span(c), tuple(item for item in c if isinstance(item, ast.Statement) and not is_empty(item)))

    def pipeline(self, c: Children) -> ast.Pipeline:
        return ast.Pipeline(self._span(c), None, tuple(item for item in c if isinstance(item, ast.Stage)))

    def labelled(self, c: Children) -> ast.Statement:
        label = self._label(c[0])
        return ast.Pipeline(self._span(c), label, c[2].stages) if label is not None else ast.Skipped(self._span(c))

    def aux(self, c: Children) -> ast.Aux:
        pipeline = ast.Pipeline(self._span(c[-3:]), self._label(c[-3]), c[-1].stages)
        return ast.Aux(self._span(c), arguments_in(c), pipeline)

    def output(self, c: Children) -> ast.Output:
        return ast.Output(self._span(c), ast.Pipeline(self._span(c[1:]), self._label(c[1]), c[3].stages))

    def module(self, c: Children) -> ast.Declaration:
        return ast.Declaration(self._span(c), ast.Pipeline(self._span(c[1:]), self._label(c[1]), c[3].stages), self.of(c[0]))

    def _label(self, target: ast.Expr) -> ast.Label | None:
        """Return the label that an expression before a colon stands for; report a fault and return None if it is none."""
        help = "put the label before the stage: `conv1: conv(64, 7)`"
        match ast.bare(target):
            case ast.Missing():
                return ast.Label(target.span, "")
            case ast.Name(_, label):
                return ast.Label(target.span, label)
            case ast.Index():
                indices, base = indices_of(target)
                if isinstance(base, ast.Name):
                    return ast.Label(target.span, base.id, indices)
            case ast.ListExpr(_, items) if items:
                return self._labels(target.span, items)
            case ast.Literal(span, str()):
                template = self._template(span)
                return ast.Label(target.span, None, (), template) if template is not None else None
            case ast.Literal(_, int()):
                help = f'a key that is no name stands in quotes: `"{target.span.text}": ...`'
            case ast.Attribute(_, base, inner) if isinstance(outer := ast.bare(base), ast.Name):
                help = f"a key of two parts is a label in another's braces: `{outer.id}: {{ {inner}: ... }}`"
        self.report(finding(codes.syntax.NotALabel(help), target.span))
        return None

    def _labels(self, span: Span, items: tuple[ast.Expr, ...]) -> ast.Label | None:
        """Return the label of several values; report a fault and return None if one of them is none."""
        each: list[ast.Label] = []
        for item in items:
            label = self._label(item)
            if label is None:
                return None
            if label.name is None:
                help = "each name in brackets is that of a value: `[q, k, v]: split(3)`"
                self.report(finding(codes.syntax.NotALabel(help), item.span))
                return None
            each.append(label)
        return ast.Label(span, None, each=tuple(each))

    def _template(self, span: Span) -> ast.Template | None:
        """Split a label string at its braces, and parse each expression in place; return None if one is no expression."""
        pieces: list[str | ast.Expr] = []
        at, end = span.start + 1, span.end - 1
        text = self.file.text
        for first, last in in_braces(text[at:end]):
            start, stop = span.start + 1 + first, span.start + 1 + last
            pieces.append(unescape(text[at : start - 1]))
            expression = self.parse_expression(start, stop)
            if expression is None:
                return None
            pieces.append(expression)
            at = stop + 1
        pieces.append(unescape(text[at:end]))
        return ast.Template(span, tuple(piece for piece in pieces if piece != ""))

    def input(self, c: Children) -> ast.Input:
        names = [str(token) for token in c if isinstance(token, Token) and token.type == "NAME"]
        at = next(i for i, item in enumerate(c) if isinstance(item, ast.ListExpr))
        condition = c[at + 2] if len(c) > at + 1 else None
        kind = names[1] if len(names) > 1 else None
        return ast.Input(self._span(c), names[0], kind or None, c[at], condition)

    def let(self, c: Children) -> ast.Let:
        self._refuse_domains("a parameter of a function", parameters_in(c))
        return ast.Let(self._span(c), str(c[1]), self.of(c[1]), function_parameters(c), c[-1])

    def expect(self, c: Children) -> ast.Expect:
        if len(c) > 4:  # `expect a if c else b`
            return ast.Expect(self._span(c), self.choice(c[1:]), None)
        return ast.Expect(self._span(c), c[1], c[3] if len(c) > 3 else None)

    alias_claim = expect

    def init(self, c: Children) -> ast.Init:
        return ast.Init(self._span(c), c[1])

    def settings(self, c: Children) -> tuple[ast.Setting | ast.Skipped, ...]:
        return Settings(self._span(c), (item for item in c if isinstance(item, ast.Setting | ast.Skipped)))

    def setting(self, c: Children) -> ast.Setting:
        return ast.Setting(self._span(c), str(c[0]), self.of(c[0]), c[-1])

    def domain(self, c: Children) -> ast.Domain:
        return ast.Domain(self._span(c), c[1], c[3] if len(c) > 3 else None)

    def skipped(self, c: Children) -> ast.Skipped:
        return ast.Skipped(self.of(c[0]))

    skipped_item = skipped_setting = skipped

    # -- definitions --

    def parameters(self, c: Children) -> tuple[ast.Parameter, ...]:
        found = [item for item in c if isinstance(item, ast.Parameter)]
        return Parameters(self._span(c), found)

    def parameter(self, c: Children) -> ast.Parameter:
        names = [self.of(token) for token in c if isinstance(token, Token) and token.type == "NAME"]
        values = {piece.type: value for piece, value in pairwise(c) if isinstance(piece, Token)}
        domain, default = values.get("IN"), values.get("EQUAL")
        return ast.Parameter(self._span(c), names[0].text, names[1].text if len(names) > 1 else None, domain, default)

    def block(self, c: Children) -> ast.Block:
        self._refuse_domains("a parameter of a block", parameters_in(c))
        return ast.Block(self._span(c), str(c[1]), self.of(c[1]), "", "", parameters_in(c), c[-1])

    def network(self, c: Children) -> ast.Network:
        condition = c[-2] if isinstance(c[-2], ast.Expr) else None
        return ast.Network(self._span(c), str(c[1]), self.of(c[1]), "", "", parameters_in(c), condition, c[-1])

    def _refuse_domains(self, what: str, parameters: tuple[ast.Parameter, ...]) -> None:
        """Report the domains of parameters that are not those of a network."""
        for parameter in parameters:
            if parameter.domain is not None:
                self.report(finding(codes.spaces.DomainElsewhere(what), parameter.domain.span))

    def alias(self, c: Children) -> ast.Alias:
        claims = tuple(item for item in c if isinstance(item, ast.Expect))
        return ast.Alias(self._span(c), str(c[1]), self.of(c[1]), "", "", c[3], claims)

    def constant(self, c: Children) -> ast.Constant:
        self._refuse_domains("a parameter of a function", parameters_in(c))
        return ast.Constant(self._span(c), str(c[1]), self.of(c[1]), "", "", function_parameters(c), c[-1])

    def import_(self, c: Children) -> ast.Import:
        return ast.Import(self._span(c), unescape(c[1][1:-1]), self.of(c[1]), str(c[3]), self.of(c[3]))

    def train(self, c: Children) -> ast.Train:
        return ast.Train(self._span(c), c[1])

    def spec(self, c: Children) -> Children:
        return [item for item in c if not isinstance(item, Token) and not is_empty(item)]
