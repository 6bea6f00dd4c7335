"""A budget for the work of checking, so that a short text cannot ask for hours.

A step is about what one element of a list takes, a third of a microsecond.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.limits import Limits
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


class Budget:
    """The steps that have been spent, and how many there may be. `exceeded` makes the exception that ends the work."""

    __slots__ = ("exceeded", "limit", "spent")

    def __init__(self, limits: Limits, exceeded: Callable[[Diagnostic], Exception] = SpecError, spent: int = 0) -> None:
        self.limit = limits.steps
        self.spent = spent
        self.exceeded = exceeded

    def charge(self, steps: int, span: Span) -> None:
        """Spend steps on something. Raise if they become too many."""
        self.spent += steps
        if self.spent > self.limit:
            raise self.exceeded(codes.limits.OutOfSteps(self.limit).at(span))
