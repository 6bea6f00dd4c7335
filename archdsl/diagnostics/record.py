"""What is said about a file: errors, warnings and notes, with the places they speak of."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from archdsl.source import Span


class Severity(StrEnum):
    """How much it matters: an error stops the work."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Mark(NamedTuple):
    """A place, with what is to be seen there."""

    span: Span
    text: str = ""


class Diagnostic(NamedTuple):
    """One finding. `code` is stable; `mark` is where it is, none for what has no place in a file.

    `related` are further places that explain it, `notes` further sentences (the chain of calls), and
    `help` the remedy, where possible the text to write.
    """

    code: str
    message: str
    mark: Mark | None = None
    related: tuple[Mark, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None
    severity: Severity = Severity.ERROR

    @property
    def is_error(self) -> bool:
        """Whether it stops the work."""
        return self.severity is Severity.ERROR


class SpecError(Exception):
    """A spec that cannot be used; carries everything that was found about it. Printed whole, it reads like the command line."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        self.diagnostics = diagnostics
        super().__init__(diagnostics)

    def __str__(self) -> str:
        from archdsl.diagnostics.render import render_text  # the renderer draws on this module

        return "\n" + render_text(self.diagnostics, color=False)
