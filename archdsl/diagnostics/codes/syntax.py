"""E0101 to E0103, E0108 and E0109: text that breaks off from the grammar."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic, Edit, Mark, Remedy, certain, guess
from archdsl.limits import remedy as raising
from archdsl.source import Span

E0101 = Code(
    "E0101",
    "something else was expected here",
    """The text breaks off from what the grammar allows at this place. The message names what was found and what
    could have stood there. Most often two statements share a line without a `;`, two stages stand side by side
    without `->`, or a part of a statement is missing. Reading goes on at the next statement, so one mistake
    gives one error.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3) bn relu
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3) -> bn -> relu
    }
    """,
)


class Unexpected(Diagnostic, code=E0101):
    """A token that cannot stand where it does, or the end of a line or file."""

    found: str
    expected: str
    advice: str | None = None
    edit: Edit | None = None

    def summary(self) -> str:
        what = f"{self.found} comes too early" if self.found.startswith("the ") else f"unexpected {self.found}"
        return f"{what}; expected {self.expected}" if self.expected else what

    def remedy(self) -> Remedy | str | None:
        return certain(self.advice, self.edit) if self.advice and self.edit else self.advice


class Misplaced(Diagnostic, code=E0101):
    """A definition or recipe inside of a body."""

    what: str

    def summary(self) -> str:
        return f"{self.what} stands at the top level of a file, and not inside a definition"

    def remedy(self) -> str:
        return "move it out, in front of what it stands in or behind it"


class MissingPart(Diagnostic, code=E0101):
    """A statement without a part that it needs."""

    statement: str
    found: str
    form: str

    def summary(self) -> str:
        return f"{self.statement}, and {self.found} stands here"

    def remedy(self) -> str:
        return f"write {self.form}"


class NotAnExpression(Diagnostic, code=E0101):
    """A text that should be one expression, as in the braces of a label or on the command line."""

    advice: str

    def summary(self) -> str:
        return "this is not an expression"

    def remedy(self) -> str:
        return self.advice


class NotALabel(Diagnostic, code=E0101):
    """An expression before a colon that is no label."""

    advice: str

    def summary(self) -> str:
        return "a label is a name, `name[index]` or a string"

    def remedy(self) -> str:
        return self.advice


class TooManyLoopNames(Diagnostic, code=E0101):
    """`for a, b, c in ...`. The edit writes the names as a pattern."""

    edit: Edit

    def summary(self) -> str:
        return "`for` takes one name, or two where the first counts the rounds"

    def remedy(self) -> Remedy:
        return guess(f"the parts of each element are named in brackets: `for {self.edit.text} in ...`", self.edit)


class UnquotedPath(Diagnostic, code=E0101):
    """`data = ./flowers`."""

    path: str
    edit: Edit

    def summary(self) -> str:
        return "a path stands in quotes"

    def remedy(self) -> Remedy:
        return certain(f"write `data = {self.edit.text}`", self.edit)


class WithoutParentheses(Diagnostic, code=E0101):
    """`conv 64, 3`."""

    name: str
    arguments: str | None
    edit: Edit | None

    def summary(self) -> str:
        return f"the arguments of `{self.name}` stand without parentheses"

    def remedy(self) -> Remedy:
        text = f"write `{self.name}({self.arguments or '...'})`"
        return certain(text, self.edit) if self.edit is not None else guess(text)


class SideBySide(Diagnostic, code=E0101):
    """`bn relu`."""

    first: str
    second: str
    gap: Span

    def summary(self) -> str:
        return f"`{self.first}` and `{self.second}` stand side by side"

    def remedy(self) -> Remedy:
        stages, argument = f"`{self.first} -> {self.second}`", f"`{self.first}({self.second})`"
        return guess(f"write {stages} for two stages, {argument} for an argument", Edit(self.gap, " -> "))


class ArgumentsOfNothing(Diagnostic, code=E0101):
    """`(3, stride = 1)` with no name before it."""

    def summary(self) -> str:
        return "these arguments belong to no call"

    def remedy(self) -> str:
        return "write the name of an op or a block right before the `(`"


E0102 = Code(
    "E0102",
    "brackets do not match",
    """A bracket is opened and never closed, closed and never opened, or closed by one of another kind. The first
    mark is on the bracket at fault, a second one where the reader could tell. Where a brace is missing, look
    at the body before the place that is named: the missing `}` belongs there.""",
    bad="""
    block double(out) {
      conv(out, 3) -> bn -> relu

    network tiny {
      input image [3, 32, 32]
      double(16)
    }
    """,
    good="""
    block double(out) {
      conv(out, 3) -> bn -> relu
    }

    network tiny {
      input image [3, 32, 32]
      double(16)
    }
    """,
)


class Unmatched(Diagnostic, code=E0102):
    """Base of what is wrong with brackets."""


class Unclosed(Unmatched, code=E0102):
    """A bracket that is never closed; `found` is what stands where it had to be."""

    bracket: str
    closing: str
    found: str | None
    place: Span | None
    edit: Edit
    sure: bool

    def summary(self) -> str:
        where = "the file ends" if self.found is None else f"{self.found} begins something new"
        return f"this `{self.bracket}` is never closed: {where} before its `{self.closing}`"

    def marks(self) -> Iterable[Mark]:
        return () if self.place is None else (Mark(self.place, "still open here"),)

    def remedy(self) -> Remedy:
        return (certain if self.sure else guess)(f"write `{self.closing}` where it ends", self.edit)


class Outdented(Unmatched, code=E0102):
    """A brace that is not closed before one further left closes what is around it."""

    def summary(self) -> str:
        return "this `{` is never closed: the next `}` stands further left, where it closes what is around"

    def remedy(self) -> str:
        return "write `}` where it ends"


class ClosesNothing(Unmatched, code=E0102):
    """A closing bracket too many."""

    bracket: str
    edit: Edit

    def summary(self) -> str:
        return f"this `{self.bracket}` closes nothing: every bracket before it is closed"

    def remedy(self) -> Remedy:
        return guess("delete it", self.edit)


class ClosesAnother(Unmatched, code=E0102):
    """A closing bracket of another kind than the one that is open."""

    bracket: str
    opened: Span
    closing: str
    edit: Edit

    def summary(self) -> str:
        return f"`{self.bracket}` does not close `{self.opened.text}`"

    def marks(self) -> Iterable[Mark]:
        return (Mark(self.opened, "opened here"),)

    def remedy(self) -> Remedy:
        return guess(f"write `{self.closing}` first", self.edit)


E0103 = Code(
    "E0103",
    "a string is not closed",
    """A string begins with `"` and ends with `"` on the same line. A quotation mark inside it is written `\\"`.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      "stage{1}: conv(16, 3)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      "stage{1}": conv(16, 3)
    }
    """,
)


class UnclosedString(Diagnostic, code=E0103):
    """A string that does not end on its line."""

    end: Span

    def summary(self) -> str:
        return "this string is not closed on its line"

    def remedy(self) -> Remedy:
        return guess('end it with `"`', Edit(self.end, '"'))


E0108 = Code(
    "E0108",
    "nested too deeply",
    """Brackets, braces and operators may stand 64 deep inside one another. No network that a person reads comes near
    that; a generated file may. Name the inner parts: `let` for expressions, `block` for bodies.""",
    bad=f"""
    network tiny {{
      input image [3, 32, 32]
      conv({"(" * 70}16{")" * 70}, 3)
    }}
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      let width = 16
      conv(width, 3)
    }
    """,
)


class TooDeep(Diagnostic, code=E0108):
    """Brackets or expressions that nest deeper than the limit."""

    limit: int
    advice: str

    def summary(self) -> str:
        return f"brackets stand more than {self.limit} deep here"

    def remedy(self) -> str:
        return self.advice


class ExpressionTooDeep(Diagnostic, code=E0108):
    """Expressions that nest deeper than the limit."""

    limit: int

    def summary(self) -> str:
        return f"this expression nests more than {self.limit} deep"

    def remedy(self) -> str:
        return f"name the parts with `let`; {raising('nesting')}"


E0109 = Code(
    "E0109",
    "the file defines nothing",
    """The file is empty, or holds comments alone. A spec defines at least one network, or blocks for other files to
    import.""",
    bad="""
    # to be written
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3) -> relu -> gap -> flatten -> linear(10)
    }
    """,
)


class DefinesNothing(Diagnostic, code=E0109):
    """A file without a definition."""

    name: str

    def summary(self) -> str:
        return f"{self.name} defines nothing"

    def remedy(self) -> str:
        return "a smallest network: `network tiny { input image [3, 32, 32]; conv(8, 3); gap; flatten; linear(10) }`"
