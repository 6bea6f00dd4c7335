"""Diagnostics that are still composed where they are raised."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Self

from archdsl.diagnostics.codes.entry import Evidence
from archdsl.diagnostics.record import Diagnostic, Mark, Severity

_EVIDENCE = {
    **dict.fromkeys(
        ("E0201", "E0202", "E0204", "E0205", "E0208", "E0403", "E0404", "E0501", "E0503", "E0504", "E0506"), Evidence.TEXT
    ),
    **dict.fromkeys(("E0203", "E0206", "E0207"), Evidence.LABEL),
    **dict.fromkeys(("E0401", "E0402", "E0405", "E0406", "E0408"), Evidence.LITERAL),
}


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
    def evidence(self) -> Evidence:  # type: ignore[override]  # of each instance
        """As its code says."""
        by_a_loop = self.code == "E0203" and not self.others
        return Evidence.VALUES if by_a_loop else _EVIDENCE.get(self.code, Evidence.VALUES)

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
