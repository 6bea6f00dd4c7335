"""Source text and places in it.

A `Span` is a half-open range of character offsets into one `SourceFile`; lines and columns are
computed only when somebody asks, so the parser and the elaborator carry two integers about.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple


@dataclass(frozen=True, eq=False)
class SourceFile:
    """A text with the name that messages show for it."""

    name: str
    text: str

    @cached_property
    def line_starts(self) -> list[int]:
        """Offset of the first character of each line."""
        starts = [0]
        find = self.text.find
        at = find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = find("\n", at + 1)
        return starts

    def line_column(self, offset: int) -> tuple[int, int]:
        """The 1-based line and column of an offset."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line_text(self, line: int) -> str:
        """The text of a 1-based line, without its line end."""
        start = self.line_starts[line - 1]
        end = self.line_starts[line] - 1 if line < len(self.line_starts) else len(self.text)
        return self.text[start:end].removesuffix("\r")


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
    def place(self) -> str:
        """`file:line:column`, as messages print it."""
        line, column = self.line_column
        return f"{self.file.name}:{line}:{column}"
