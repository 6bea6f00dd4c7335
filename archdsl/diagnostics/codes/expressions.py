"""E0405 and E0407 to E0409: expressions."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics.codes.entry import Code, Evidence
from archdsl.diagnostics.record import Diagnostic
from archdsl.literals import show, type_name

E0405 = Code(
    "E0405",
    "division by zero",
    """The right side of `/`, `//` or `%` is 0. Often the divisor is a length or a loop variable that begins at 0.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      for i in 0..2 { conv(16 // i, 3) }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      for i in 0..2 { conv(16 // (i + 1), 3) }
    }
    """,
    evidence=Evidence.LITERAL,
)

E0407 = Code(
    "E0407",
    "an index beyond the list",
    """Indices count from 0, so the last element of a list of 4 is `list[3]`; `list[-1]` is the last one of any list.""",
    bad="""
    network tiny(widths = [16, 32]) {
      input image [3, 32, 32]
      conv(widths[2], 3)
    }
    """,
    good="""
    network tiny(widths = [16, 32]) {
      input image [3, 32, 32]
      conv(widths[-1], 3)
    }
    """,
)

E0408 = Code(
    "E0408",
    "an operation that does not fit the value",
    """A value is used as what it is not: a string is added to a number, a number stands as a stage, a size is asked of
    something that is no tensor, or a function has no result for its argument.""",
    bad="""
    network tiny(width = 16) {
      input image [3, 32, 32]
      conv(width + "0", 3)
    }
    """,
    good="""
    network tiny(width = 16) {
      input image [3, 32, 32]
      conv(width * 10, 3)
    }
    """,
    evidence=Evidence.LITERAL,
)


class NotANumber(Diagnostic, code=E0408):
    """Something else than a number, for a function of numbers."""

    function: str
    given: Any

    def summary(self) -> str:
        return f"`{self.function}` expected numbers, found {show(self.given)} ({type_name(self.given)})"


class NotAList(Diagnostic, code=E0408):
    """Something else than a list, for a function of lists."""

    function: str
    given: Any

    def summary(self) -> str:
        return f"`{self.function}` expected a list, found {show(self.given)} ({type_name(self.given)})"


class NoNumbersGiven(Diagnostic, code=E0408):
    """A least or greatest number of none."""

    function: str

    def summary(self) -> str:
        return f"`{self.function}` needs at least one number"


class OutsideDomain(Diagnostic, code=E0408):
    """A number for which a function has no value."""

    function: str
    domain: str
    given: Any

    def summary(self) -> str:
        return f"`{self.function}` expected {self.domain}, found {show(self.given)}"


E0409 = Code(
    "E0409",
    "a number or list beyond all measure",
    """Numbers in a spec have at most 256 bits and lists a bounded length, so that no expression can fill the memory. Look
    for a power or a range whose operand is larger than meant.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(2^1000, 3)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(2^10, 3)
    }
    """,
)


class ListTooLong(Diagnostic, code=E0409):
    """A list of more elements than the limit."""

    most: int

    def summary(self) -> str:
        return f"a list has at most {self.most:,} elements, and this one more"

    def remedy(self) -> str:
        return "`--limit list_items=N` raises the limit"


class NestedTooDeep(Diagnostic, code=E0409):
    """Lists or calls inside one another, deeper than the limit."""

    what: str
    most: int

    def summary(self) -> str:
        return f"{self.what} are nested more than {self.most} deep"

    def remedy(self) -> str:
        return "`--limit list_depth=N` raises the limit"
