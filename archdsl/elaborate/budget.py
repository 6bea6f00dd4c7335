"""A budget for the work of checking, so that a short text cannot ask for hours.

A step is about what one element of a list takes, a third of a microsecond.
"""

from __future__ import annotations

from typing import Final, Protocol

from archdsl.diagnostics import Mark, SpecError
from archdsl.diagnostics.untyped import untyped
from archdsl.limits import Limits, remedy
from archdsl.source import Span

EXPRESSION: Final = 10
"""An expression, and each that it is made of."""
NODE: Final = 15
"""An op in the graph, be it one of a function that is called again."""
STAGE: Final = 20
"""A statement, and each stage in it."""
OPEN: Final = 3
"""Each number of a formula of a symbolic size that is computed or compared, or of a set of sizes."""
ANEW: Final = 300
"""An op with other arguments, or on other shapes, than any before; its sizes are looked at again in each analysis."""


class TooLarge(Protocol):
    """Makes the exception for what goes over a limit."""

    def __call__(self, message: str, span: Span, limit: str, help: str = "is a count larger than meant?") -> Exception:
        """Return an exception with the remedy."""


def too_large(message: str, span: Span, limit: str, help: str = "") -> Exception:
    """Return an error with the remedy, for callers without a report of their own."""
    return SpecError(untyped("E0502", message, Mark(span), help=f"{help} {remedy(limit)}"))


class Budget:
    """The steps that have been spent, and how many there may be."""

    __slots__ = ("limit", "spent", "too_large")

    def __init__(self, limits: Limits, too_large: TooLarge = too_large, spent: int = 0) -> None:
        self.limit = limits.steps
        self.spent = spent
        self.too_large = too_large

    def charge(self, steps: int, span: Span) -> None:
        """Spend steps on something. Raise if they become too many."""
        self.spent += steps
        if self.spent > self.limit:
            help = "are loops or lists longer than meant? what stays the same can stand before a loop, in a `let`;"
            raise self.too_large(f"checking takes more than {self.limit:,} steps, and ends here", span, "steps", help)
