"""The tokens of a file with what decides how they are laid out: brackets, comments, line ends, and the line breaks to print."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from archdsl.formatting.spacing import Token, blanks_between
from archdsl.ops.join import joins
from archdsl.syntax import nodes as ast
from archdsl.syntax.trivia import Kind, Trivia
from archdsl.syntax.unparse import parts

WIDTH: Final = 130
"""The most characters of a line, without the comment at its end."""
INDENT: Final = 2
NOWHERE: Final = -1
"""The start of what the text does not have in that place."""
TOP: Final = -1
"""The group of what stands outside all brackets."""

_OPENING: Final = frozenset({"(", "[", "{"})
_CLOSING: Final = frozenset({")", "]", "}"})


class Break(IntEnum):
    """Why a line begins at a token."""

    NONE = 0
    STATEMENT = 1
    """The structure asks for it: a statement, an item behind a trailing comma, or what follows a comment."""
    ROW = 2
    """A list has a line end there."""
    WRAPPED = 3
    """An expression does not fit on a line."""


NO_BREAK, STATEMENT, ROW, WRAPPED = Break  # members are slow to look up on their class


class Comment(NamedTuple):
    """A comment, and whether it stands at the end of a line, or below an empty one. `start` is unknown if it has moved."""

    text: str
    start: int
    trailing: bool
    below_blank: bool


class Gap:
    """What the text has before a token: comments, line ends, and empty lines."""

    __slots__ = ("below_blank", "comments", "line_ends", "newline")

    def __init__(self) -> None:
        self.comments: list[Comment] = []
        self.newline = False
        self.line_ends = 0
        self.below_blank = False
        """Whether an empty line stands right above the token."""

    def comment(self, text: str, start: int, *, first: bool) -> None:
        """Add a comment; the `first` one of the file is at the end of no line."""
        trailing = not self.newline and not first
        self.comments.append(Comment(text.rstrip(), start, trailing, self.line_ends > 1))
        self.line_ends = 0

    def line_end(self) -> None:
        """Add a line end."""
        self.newline = True
        self.line_ends += 1


class Layout:
    """The tokens of a file, and for each what stands before it, its bracket, and whether a line begins with it.

    The lists have an entry for each token, by its index. `groups` holds the index of the innermost bracket around a token,
    which for a closing bracket is its opening one, and `TOP` outside of all. The last gap is the one at the end of the file.
    """

    def __init__(self, file: ast.File) -> None:
        self.file = file
        self.tokens, self.gaps = _read(file)
        self._add_commas()
        self.groups, self.closes = _brackets(self.tokens)
        self.opens = {close: opening for opening, close in self.closes.items()}
        starts = _statement_starts(file)
        self.begins = [token.start in starts for token in self.tokens]
        """Whether a statement, a definition or a setting begins with a token."""
        self.arms = _arms(file, {token.start: index for index, token in enumerate(self.tokens)})
        """The opening braces of an `if`, for each of them."""
        self.breaks = [NO_BREAK] * len(self.tokens)
        self.pads = [0] * len(self.tokens)
        """Further blanks before each token, for columns."""
        self._blanks = [0] + [self._blanks_before(index) for index in range(1, len(self.tokens))]
        self._widths = [0]
        for index, token in enumerate(self.tokens):
            self._widths.append(self._widths[-1] + self._blanks[index] + self.separated(index) + len(token.text))

    def _add_commas(self) -> None:
        """Add a comma behind the last item of brackets with comments in them, which get a line for each item.

        A comment before a comma moves behind it.
        """
        _, closes = _brackets(self.tokens)
        commented = [0]
        for gap in self.gaps:
            commented.append(commented[-1] + len(gap.comments))
        added = sorted(
            close
            for opening, close in closes.items()
            if self.has_items(opening) and close - opening > 1 and self.tokens[close - 1].text != ","
            and not _may_be_join(self.tokens[opening].node)
            and commented[close + 1] > commented[opening + 1]
        )  # fmt: skip
        for close in reversed(added):
            node = self.tokens[close].node
            self.tokens.insert(close, Token(",", node, NOWHERE))
            self.gaps.insert(close, Gap())
        for index, token in enumerate(self.tokens):
            if token.text == "," and self.gaps[index].comments:
                gap, following = self.gaps[index], self.gaps[index + 1]
                following.comments[:0] = [comment._replace(start=NOWHERE) for comment in gap.comments]
                gap.comments = []
                following.newline = True

    def has_items(self, opening: int) -> bool:
        """Whether brackets hold items between commas, the last of which may have one, too."""
        token = self.tokens[opening]
        if token.text == "(":
            return not isinstance(token.node, ast.Parenthesized)
        listed = isinstance(token.node, ast.Label) and token.start == token.node.span.start
        return token.text == "[" and (isinstance(token.node, ast.ListExpr | ast.Pattern) or listed)

    def is_exploded(self, opening: int) -> bool:
        """Whether brackets hold one item to a line."""
        return self.has_items(opening) and self.tokens[self.closes[opening] - 1].text == ","

    def is_body(self, group: int) -> bool:
        """Whether a group is a body, or the file."""
        return group == TOP or self.tokens[group].text == "{"

    def is_open_body(self, group: int) -> bool:
        """Whether a group is a body whose statements stand on lines of their own, or the file."""
        return group == TOP or (self.tokens[group].text == "{" and bool(self.breaks[group + 1]))

    def separated(self, index: int) -> bool:
        """Whether `;` stands before a token, if it begins no line."""
        return self.begins[index] and index > 0 and index - 1 != self.groups[index]

    # -- empty lines --

    def is_below_blank(self, index: int) -> bool:
        """Whether an empty line stands right above the line that begins with a token, in the result."""
        gap, group = self.gaps[index], self.groups[index]
        if not gap.below_blank or self.closes.get(group) == index or (index == group + 1 and not gap.comments):
            return False
        return self.begins[index] or not self.is_body(group)

    def comments_above(self, index: int) -> list[tuple[Comment, bool]]:
        """Return the comments on lines of their own before a token or the end, and whether an empty line stands above each."""
        comments = self.gaps[index].comments
        first = index == 0 or (index < len(self.tokens) and self.groups[index] == index - 1)
        found = [(comment, comment.below_blank and not (first and number == 0)) for number, comment in enumerate(comments)]
        return found[1:] if comments and comments[0].trailing else found

    # -- places --

    def _blanks_before(self, index: int) -> int:
        return 1 if self.separated(index) else blanks_between(self.tokens[index - 1], self.tokens[index])

    def blanks(self, index: int) -> int:
        """Return the number of blanks before a token that begins no line, without the padding."""
        return self._blanks[index]

    def space(self, index: int) -> str:
        """Return what stands before a token that begins no line."""
        return (";" if self.separated(index) else "") + " " * (self._blanks[index] + self.pads[index])

    def line_start(self, index: int) -> int:
        """Return the token with which the line of a token begins."""
        while index > 0 and not self.breaks[index]:
            index -= 1
        return index

    def line_end(self, index: int) -> int:
        """Return the token with which the next line begins."""
        index += 1
        while index < len(self.tokens) and not self.breaks[index]:
            index += 1
        return index

    def span_width(self, start: int, end: int) -> int:
        """Return the width of some tokens on one line, without what stands before the first."""
        if start == end:
            return 0
        return len(self.tokens[start].text) + self._widths[end] - self._widths[start + 1] + sum(self.pads[start + 1 : end])

    def column(self, index: int) -> int:
        """Return the column of a token, from 0."""
        start = self.line_start(index)
        before = self.span_width(start, index) + len(self.space(index)) if start < index else 0
        return self.indent(start) + before

    def indent(self, index: int) -> int:
        """Return the indentation of the line that begins with a token."""
        group = self.groups[index]
        closing = self.closes.get(group) == index
        if self.is_body(group):
            inner = 0 if group == TOP else self._statement_indent(group) + (0 if closing else INDENT)
            return inner + (0 if closing or self.begins[index] or self.tokens[index].text in ("else", "via") else INDENT)
        if not self.breaks[group + 1]:
            return self.column(group) + 1
        outer = self.indent(self.line_start(group))
        item = closing or index == group + 1 or self.tokens[index - 1].text == "," or not self.has_items(group)
        return outer + (0 if closing else INDENT) + (0 if item else INDENT)

    def _statement_indent(self, opening: int) -> int:
        """Return the indentation of the statement, or the part of a pipeline, that a body belongs to.

        The body of a network belongs to the network also behind a `where` on a line of its own.
        """
        index, group = opening, self.groups[opening]
        while index > 0 and not (self.breaks[index] and self.groups[index] == group and self.tokens[index].text != "where"):
            index = self.opens.get(index - 1, index - 1)
        return self.indent(index)


def _read(file: ast.File) -> tuple[list[Token], list[Gap]]:
    """Return the tokens of a file, and the gap before each and behind the last."""
    tokens, gaps, at = list[Token](), [Gap()], 0
    for node, kind, text in parts(Trivia(file)):
        gap = gaps[-1]
        if kind is Kind.TOKEN:
            gap.below_blank = gap.line_ends > 1
            tokens.append(Token(text, node, at))
            gaps.append(Gap())
        elif kind is Kind.COMMENT:
            gap.comment(text, at, first=not tokens and not gap.comments)
        elif kind is Kind.LINE_END:
            gap.line_end()
        at += len(text)
    return tokens, gaps


def _brackets(tokens: list[Token]) -> tuple[list[int], dict[int, int]]:
    """Return the innermost bracket around each token, and the closing bracket of each opening one."""
    groups, closes, stack = list[int](), dict[int, int](), [TOP]
    for index, token in enumerate(tokens):
        groups.append(stack[-1])
        if token.text in _OPENING:
            stack.append(index)
        elif token.text in _CLOSING:
            closes[stack.pop()] = index
    return groups, closes


def _may_be_join(node: ast.Node) -> bool:
    """Whether a comma behind the argument of a call makes it a join that is written wrongly: `max(0,)`."""
    if not isinstance(node, ast.CallExpr) or len(node.arguments) > 1 or not isinstance(node.callee, ast.Name):
        return False
    return node.callee.id in joins() and all(argument.name is None for argument in node.arguments)


def _statement_starts(file: ast.File) -> set[int]:
    """Return where the members of files, bodies and settings begin."""
    starts = {item.span.start for item in file.items}
    for node in ast.walk(file):
        if isinstance(node, ast.Body):
            starts.update(statement.span.start for statement in node.statements)
        elif isinstance(node, ast.Train | ast.Init):
            starts.update(entry.span.start for entry in node.entries)
    return starts


def _arms(file: ast.File, indices: dict[int, int]) -> dict[int, list[int]]:
    """Return the opening braces of each `if` by each of them; `indices` are those of the tokens, by their start."""
    found: dict[int, list[int]] = {}
    for node in ast.walk(file):
        if isinstance(node, ast.If):
            braces = [indices[arm.body.span.start] for arm in node.arms]
            found |= dict.fromkeys(braces, braces)
    return found
