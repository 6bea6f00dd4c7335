"""E0409: numbers and lists beyond all measure."""

from __future__ import annotations

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic
from archdsl.limits import remedy as raising

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
        return raising("list_items")


class NestedTooDeep(Diagnostic, code=E0409):
    """Lists or calls inside one another, deeper than the limit."""

    what: str
    most: int

    def summary(self) -> str:
        return f"{self.what} are nested more than {self.most} deep"

    def remedy(self) -> str:
        return raising("list_depth")


class IntegerTooLarge(Diagnostic, code=E0409):
    """A whole number of more bits than the limit."""

    number: str
    most: int

    def summary(self) -> str:
        return f"{self.number} has more than {self.most} bits"

    def remedy(self) -> str:
        return raising("integer_bits")


class TooManyDigits(Diagnostic, code=E0409):
    """A whole number that is written with more digits than any may have."""

    digits: int

    def summary(self) -> str:
        return f"this number has {self.digits} digits; numbers have at most 77"


class FloatTooLarge(Diagnostic, code=E0409):
    """A number that is larger than any float."""

    def summary(self) -> str:
        return "this number is larger than any float, which end at 1.8e308"


class ResultTooLarge(Diagnostic, code=E0409):
    """A result that is larger than any float."""

    text: str

    def summary(self) -> str:
        return f"`{self.text}` is larger than any float, which end at 1.8e308"
