"""Source text and places in it.

A `Span` is a half-open range of character offsets into one `SourceFile`; lines and columns are
computed only when somebody asks, so the parser and the elaborator carry two integers about.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import field
from typing import NamedTuple

from archdsl.frozen_record import record


@record
class SourceFile:
    """A text with the name that messages show for it."""

    name: str
    text: str
    is_setting: bool = False
    """Whether it is the value of a `--set`, and no file."""
    _line_starts: list[int] = field(default_factory=list, init=False, repr=False)

    @property
    def line_starts(self) -> list[int]:
        """Offset of the first character of each line; found when somebody first asks."""
        if not self._line_starts:
            starts = [0]
            find = self.text.find
            at = find("\n")
            while at >= 0:
                starts.append(at + 1)
                at = find("\n", at + 1)
            self._line_starts[:] = starts  # at once: another thread may ask meanwhile
        return self._line_starts

    def line_column(self, offset: int) -> tuple[int, int]:
        """Return the 1-based line and column of an offset."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def utf16_position(self, offset: int) -> tuple[int, int]:
        """Return the 0-based line and UTF-16 column of an offset, as the Language Server Protocol counts them.

        A character beyond the Basic Multilingual Plane takes two code units. An offset inside a line end counts as its start.
        As in messages, a line ends at a line feed, with or without a carriage return before it.
        """
        line, column = self.line_column(offset)
        before = self.line_text(line)[: column - 1]
        return line - 1, sum(map(_utf16_length, before)) if not before.isascii() else len(before)

    def offset_at(self, line: int, column: int) -> int:
        """Return the offset of a 0-based line and UTF-16 column.

        A column beyond the end of the line means that end, and a line beyond the end of the file means the end of the file, as
        in the Language Server Protocol. A column between the two code units of a character means the start of the character.
        """
        if line >= len(self.line_starts):
            return len(self.text)
        start, text = self.line_starts[line], self.line_text(line + 1)
        if text.isascii():
            return start + min(column, len(text))
        units = 0
        for index, character in enumerate(text):
            units += _utf16_length(character)
            if units > column:
                return start + index
        return start + len(text)

    def line_text(self, line: int) -> str:
        """Return the text of a 1-based line, without its line end."""
        start = self.line_starts[line - 1]
        end = self.line_starts[line] - 1 if line < len(self.line_starts) else len(self.text)
        return self.text[start:end].removesuffix("\r")


def _utf16_length(character: str) -> int:
    return 2 if character > "\uffff" else 1


class Span(NamedTuple):
    """The half-open range `start:end` of a source file, in characters."""

    file: SourceFile
    start: int
    end: int

    @property
    def text(self) -> str:
        """The characters of the span."""
        return self.file.text[self.start : self.end]

    @property
    def line_column(self) -> tuple[int, int]:
        """The 1-based line and column where the span starts."""
        return self.file.line_column(self.start)

    @property
    def utf16_range(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The 0-based lines and UTF-16 columns of the start and the end."""
        return self.file.utf16_position(self.start), self.file.utf16_position(self.end)

    @property
    def place(self) -> str:
        """`file:line:column`, as messages print it."""
        line, column = self.line_column
        return f"{self.file.name}:{line}:{column}"


def common_start(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many characters two texts, or how many lines two lists of lines, have in common at their start."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
