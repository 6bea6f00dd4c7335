"""One error code, explained."""

from __future__ import annotations

from enum import Enum, auto


class Evidence(Enum):
    """What shows an error in a body whose parameters and input are not known."""

    TEXT = auto()
    """The text alone: other values do not help."""
    LABEL = auto()
    """The marked text, unless it computes a label."""
    LITERAL = auto()
    """The marked text, unless it names a value."""
    VALUES = auto()
    """The values: with others, there may be no error."""


class Code:
    """What a code means.

    `bad` is a file that gives it, `good` one that does not. `evidence` is that of its kinds, unless they differ.
    Where no file can show it, `bad` is empty and `situation` describes how it comes about. The texts are indented blocks in
    the source; a command that reports an error does not pay for taking the indentation off.

    An error that `depends_on_braces` depends on the names in scope, on a shape, or on how often a statement runs. It may
    follow from a brace that is missing around it.
    """

    def __init__(
        self, code: str, title: str, explanation: str, *, bad: str = "", good: str = "", situation: str = "",
        evidence: Evidence = Evidence.VALUES, depends_on_braces: bool = False,
    ) -> None:  # fmt: skip
        self.code = code
        self.title = title
        self.evidence = evidence
        self.depends_on_braces = depends_on_braces
        self._explanation, self._bad, self._good, self._situation = explanation, bad, good, situation

    @property
    def explanation(self) -> str:
        """What the code means, as one paragraph."""
        return " ".join(self._explanation.split())

    @property
    def situation(self) -> str:
        """How it comes about, if no file shows it."""
        return " ".join(self._situation.split())

    @property
    def bad(self) -> str:
        """A file that gives it."""
        return _dedented(self._bad)

    @property
    def good(self) -> str:
        """The same file without the mistake."""
        return _dedented(self._good)

    def __repr__(self) -> str:
        return f"<Code {self.code}>"


def _dedented(block: str) -> str:
    from textwrap import dedent  # here: only `explain` and the documentation show examples

    return dedent(block).strip("\n")
