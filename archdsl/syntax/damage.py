"""What a syntax error makes doubtful: the statement that it stands in and, where braces do not match, the definition around it.

What is wrong there may follow from the error alone, and is not reported.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cached_property
from typing import Final

from archdsl.diagnostics import Diagnostic
from archdsl.source import SourceFile

_BOUNDARY = re.compile(r'"(?:\\[^\n]|[^"\\\n])*"|#[^\n]*|([\n;{}])')

_OF_PLACES: Final = frozenset({"E0201", "E0203", "E0206", "E0207", "E0407", "E0408", "E0502", "E0503", "E0504", "E0505", "E0506"})
"""Errors that depend on the braces around a statement: on the names in sight there, and on how often it runs. Those of shapes do, too."""


class Damage:
    """The parts of a file that syntax errors make doubtful, and the definitions whose braces do not match; few of each."""

    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._parts: list[tuple[int, int]] = []
        self._definitions: list[tuple[int, int]] = []

    @cached_property
    def _boundaries(self) -> list[int]:
        """Where lines, statements and bodies begin and end."""
        return [match.start() for match in _BOUNDARY.finditer(self._source.text) if match[1]]

    def add(self, first: int, last: int, *, ends: bool = False) -> None:
        """Take in what stands around a mistake, from one character to another, with the rest of the statement unless it `ends` there."""
        before = bisect_left(self._boundaries, first)
        after = bisect_left(self._boundaries, max(first, last))
        start = self._boundaries[before - 1] + 1 if before else 0
        end = self._boundaries[after] if after < len(self._boundaries) else len(self._source.text)
        self._parts.append((start, last if ends else max(end, last + 1)))

    def add_statement(self, start: int) -> None:
        """Take in a statement that had to be completed, by where it begins; what stands in its bodies is not doubtful for that."""
        self._parts.append((start, start + 1))

    def add_definition(self, start: int, end: int) -> None:
        """Take in a definition whose braces do not match."""
        self._definitions.append((start, end))

    def holds(self, place: int) -> bool:
        """Whether a character stands in a doubtful part."""
        return any(start <= place < end for start, end in self._parts)

    def blurs(self, start: int) -> bool:
        """Whether a definition that begins here has a doubtful first line, or braces that do not match: what it makes is not known."""
        return self.holds(start) or any(first <= start < end for first, end in self._definitions)

    def explains(self, diagnostic: Diagnostic) -> bool:
        """Whether what was found about the file may follow from a syntax error alone."""
        if diagnostic.mark is None:
            return False
        place = diagnostic.mark.span.start
        if self.holds(place):
            return True
        depends = diagnostic.code in _OF_PLACES or diagnostic.code.startswith("E03")
        return depends and any(start <= place < end for start, end in self._definitions)
