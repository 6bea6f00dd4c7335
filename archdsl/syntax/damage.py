"""What a syntax error makes doubtful: the statement that it stands in and, where braces do not match, the definition around it.

What is wrong there may follow from the error alone, and is not reported.
"""

from __future__ import annotations

from collections.abc import Callable

from archdsl.diagnostics import Diagnostic
from archdsl.source import SourceFile
from archdsl.syntax.tokens import Token


class Damage:
    """The parts of a file that syntax errors make doubtful, and the definitions whose braces do not match; few of each."""

    def __init__(self, source: SourceFile, lex: Callable[[int, int], list[Token]]) -> None:
        self._source, self._lex = source, lex
        self._parts: list[tuple[int, int]] = []
        self._definitions: list[tuple[int, int]] = []

    def add(self, first: int, last: int, *, ends: bool = False) -> None:
        """Take in what stands around a mistake, from one character to another.

        The rest of the statement is doubtful, too, unless the mistake `ends` it.
        """
        text = self._source.text
        start = text.rfind("\n", 0, first) + 1
        start = max((at + 1 for at in self._boundaries(first) if at < first), default=start)
        end = text.find("\n", max(first, last))
        end = end if end >= 0 else len(text)
        end = min((at for at in self._boundaries(max(first, last)) if at >= max(first, last)), default=end)
        self._parts.append((start, last if ends else max(end, last + 1)))

    def _boundaries(self, place: int) -> list[int]:
        """Return where statements and bodies begin and end on the line of a character."""
        text = self._source.text
        start, end = text.rfind("\n", 0, place) + 1, text.find("\n", place)
        tokens = self._lex(start, end if end >= 0 else len(text))
        return [token.start_pos for token in tokens if token.type in ("SEMICOLON", "LBRACE", "RBRACE")]

    def add_statement(self, start: int) -> None:
        """Take in a statement that had to be completed, by where it begins. What stands in its bodies is not doubtful."""
        self._parts.append((start, start + 1))

    def add_definition(self, start: int, end: int) -> None:
        """Take in a definition whose braces do not match."""
        self._definitions.append((start, end))

    def holds(self, place: int) -> bool:
        """Whether a character stands in a doubtful part."""
        return any(start <= place < end for start, end in self._parts)

    def blurs(self, start: int) -> bool:
        """Return whether the value of a definition that begins here is unknown.

        That is if its first line is doubtful, or its braces do not match.
        """
        return self.holds(start) or any(first <= start < end for first, end in self._definitions)

    def explains(self, diagnostic: Diagnostic) -> bool:
        """Whether what was found about the file may follow from a syntax error alone."""
        if diagnostic.mark is None:
            return False
        place = diagnostic.mark.span.start
        if self.holds(place):
            return True
        return diagnostic.depends_on_braces and any(start <= place < end for start, end in self._definitions)
