"""The one exception that carries diagnostics."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from archdsl.diagnostics.record import Diagnostic
from archdsl.diagnostics.render import render_text
from archdsl.source import Span


class SpecError(Exception):
    """A mistake of the user: in a spec, in a recipe, in data, or on a command line. Carries everything that was found.

    Printed whole, it reads like the command line. Where it is raised, the place may be unknown: an op knows the argument,
    and whoever called it the text. `at` and `placed` add the place on the way.
    """

    def __init__(self, *diagnostics: Diagnostic) -> None:
        if not diagnostics:
            raise TypeError("a SpecError carries at least one diagnostic")
        self.diagnostics: list[Diagnostic] = list(diagnostics)
        super().__init__(*diagnostics)

    @property
    def diagnostic(self) -> Diagnostic:
        """The first, which ended the work; others are about other arguments of the same call."""
        return self.diagnostics[0]

    def at(self, span: Span | None) -> SpecError:
        """Return it with a place for the diagnostics that have none."""
        return self.map(lambda diagnostic: diagnostic.at(span))

    def placed(self, place: Callable[[Diagnostic], Span | None]) -> SpecError:
        """Return it with the place that a function finds for each diagnostic that has none."""
        return self.map(lambda diagnostic: diagnostic if diagnostic.span is not None else diagnostic.at(place(diagnostic)))

    def map(self, change: Callable[[Diagnostic], Diagnostic]) -> SpecError:
        """Return it with each diagnostic changed."""
        return SpecError(*map(change, self.diagnostics))

    def in_file(self, name: str) -> SpecError:
        """Return it about a file of data."""
        return self.map(lambda diagnostic: diagnostic.in_file(name))

    def of(self, owner: str, argument: str) -> SpecError:
        """Return it about an argument of something else, which handed it on under another name."""
        return self.map(lambda diagnostic: diagnostic.of(owner, argument))

    def __str__(self) -> str:
        return "\n" + render_text(self.diagnostics, color=False)


def merged(errors: Iterable[SpecError]) -> SpecError:
    """Return several errors of one call as one, in their order."""
    return SpecError(*[diagnostic for error in errors for diagnostic in error.diagnostics])
