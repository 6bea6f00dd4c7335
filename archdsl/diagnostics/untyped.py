"""Diagnostics that are still composed where they are raised."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Self

from archdsl.diagnostics.record import Diagnostic, Mark, Severity


class Untyped(Diagnostic):
    """A finding with its texts as fields. What raises it is to become a class of its code."""

    code: str  # type: ignore[misc]  # of each instance
    text: str
    place: Mark | None = None
    others: tuple[Mark, ...] = ()
    sentences: tuple[str, ...] = ()
    advice: str | None = None
    default_severity: Severity = Severity.ERROR  # type: ignore[misc]  # of each instance
    argument: str | None = None

    def summary(self) -> str:
        """As it was composed, but for the lines after the first."""
        return self.text.split("\n", 1)[0]

    @property
    def label(self) -> str:
        """As it was composed."""
        return self.place.text if self.place is not None else ""

    @property
    def depends_on_braces(self) -> bool:  # type: ignore[override]
        """As its code says."""
        from archdsl.diagnostics.codes.table import CODES

        return CODES[self.code].depends_on_braces

    @property
    def about_shapes(self) -> bool:
        """As its code says."""
        return self.code.startswith("E03")

    def marks(self) -> Iterable[Mark]:
        """As they were composed."""
        return self.others

    def details(self) -> Iterable[str]:
        """As they were composed; lines of the message after the first, too."""
        return (*self.text.split("\n")[1:], *self.sentences)

    def same_mistake(self) -> tuple[object, ...] | None:
        """An undefined name."""
        return (self.text, self.advice if "did you mean" in (self.advice or "") else "") if self.code == "E0201" else None

    def of(self, owner: str, argument: str) -> Self:
        """As the text begins with the argument and its owner."""
        return self.with_fields(text=re.sub(r"^`\w+(\[\d+\])?` of `\w+`", rf"`{argument}\1` of `{owner}`", self.text))

    def remedy(self) -> str | None:
        """As it was composed."""
        return self.advice


def untyped(
    code: str, message: str, mark: Mark | None = None, related: tuple[Mark, ...] = (), notes: tuple[str, ...] = (),
    help: str | None = None, severity: Severity = Severity.ERROR, argument: str | None = None,
) -> Diagnostic:  # fmt: skip
    """Return a diagnostic with these texts."""
    made = Untyped(code, message, mark, related, notes, help, severity, argument)
    return made.at(mark.span) if mark is not None else made
