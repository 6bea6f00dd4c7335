"""E0406: a float in the place of a count."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics.codes.arguments import ValueDiagnostic, declared_mark
from archdsl.diagnostics.codes.entry import Code, Evidence
from archdsl.diagnostics.record import Diagnostic, Edit, Mark, Remedy, guess
from archdsl.literals import show
from archdsl.source import Span

E0406 = Code(
    "E0406",
    "a float where a count is needed",
    """Channels, sizes and repetitions are whole numbers, and nothing is rounded in silence. `/` always gives a float;
    `//` divides without remainder, and `int`, `round`, `ceil` and `floor` say how to round.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(64 / 4, 3)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(64 // 4, 3)
    }
    """,
    evidence=Evidence.LITERAL,
)


class FloatForCount(ValueDiagnostic, code=E0406):
    """A float where a whole number is counted."""

    def summary(self) -> str:
        return f"{self.place}: expected an int, found {show(self.given)} (a float)"

    def remedy(self) -> Remedy:
        return _whole(self.given, self.span)


class FloatForParameter(FloatForCount, code=E0406):
    """A float for a parameter of a block or network that is declared as an `int`, at `declared`; None for its default."""

    declared: Span | None = None

    def marks(self) -> Iterable[Mark]:
        return declared_mark(self.declared)


class FloatAsWhole(Diagnostic, code=E0406):
    """A float where things are counted. `what` begins the sentence."""

    what: str
    given: float

    def summary(self) -> str:
        return f"{self.what}: expected an int, found {show(self.given)} (a float)"

    def remedy(self) -> Remedy:
        return _whole(self.given, self.span)


def _whole(value: float, place: Span | None) -> Remedy:
    """Return how to get a whole number: by `//`, if the place holds a single `/`."""
    if place is not None and place.text.count("/") == 1:
        text = place.text.replace("/", "//")
        return guess(f"`//` divides without a remainder: `{text}`", Edit(place, text))
    if value != value or abs(value) >= 1e15:
        return Remedy("write a whole number")
    return Remedy(f"write a whole number; `//` divides without a remainder, and `int(...)` truncates: {int(value)}")
