"""One error code, explained."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent


@dataclass(frozen=True, slots=True)
class Code:
    """What a code means. `bad` is a file that gives it, `good` one that does not.

    Where no file can show it, `bad` is empty and `situation` describes how it comes about.
    """

    code: str
    title: str
    explanation: str
    bad: str = ""
    good: str = ""
    situation: str = ""

    def __post_init__(self) -> None:
        """Written as indented blocks in the table; kept without the indentation."""
        for field in ("bad", "good"):
            object.__setattr__(self, field, dedent(getattr(self, field)).strip("\n"))
        object.__setattr__(self, "explanation", " ".join(self.explanation.split()))
        object.__setattr__(self, "situation", " ".join(self.situation.split()))
