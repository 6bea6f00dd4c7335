"""The differences of one or several pairs of networks, and how they are written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from archdsl.diagnostics import Diagnostic, as_data, printable
from archdsl.differences.text import difference_text

if TYPE_CHECKING:
    from archdsl.differences.compare import Difference


class Entry(NamedTuple):
    """A pair of networks that was compared, with a title: the name of both, or `before -> after`."""

    title: str
    difference: Difference


class Failure(NamedTuple):
    """A file of a revision that has errors, so that its networks were not compared."""

    file: str
    errors: tuple[Diagnostic, ...]

    @property
    def sentence(self) -> str:
        """What is wrong, without the places: the first error, and how many more there are."""
        more = len(self.errors) - 1
        rest = f", and {more} more {'error' if more == 1 else 'errors'}" if more else ""
        return f"not compared: {self.errors[0].message}{rest}"


class Comparison(NamedTuple):
    """The pairs of networks that were compared, and the networks that only the new version or only the old one has."""

    entries: tuple[Entry, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    """The files that were read, which no output may replace."""
    failed: tuple[Failure, ...] = ()

    @classmethod
    def of(cls, parts: Iterable[Comparison]) -> Comparison:
        """Return several comparisons as one."""
        found = cls()
        for part in parts:
            found = cls(
                found.entries + part.entries, found.added + part.added, found.removed + part.removed,
                found.files + part.files, found.failed + part.failed,
            )  # fmt: skip
        return found

    @property
    def is_identical(self) -> bool:
        """Whether there is nothing to report."""
        return not (self.added or self.removed or self.failed) and all(entry.difference.is_identical for entry in self.entries)

    @property
    def different(self) -> list[Entry]:
        """The pairs with a difference."""
        return [entry for entry in self.entries if not entry.difference.is_identical]

    def text(self, *, color: bool = False) -> str:
        """Return the differences as text, one pair after the other."""
        shown = self.entries if len(self.entries) == 1 else self.different
        parts = [difference_text(entry.difference, entry.title, color=color) for entry in shown]
        ends = [
            f"{sign} network {printable(name)}\n" for sign, names in (("+", self.added), ("-", self.removed)) for name in names
        ]
        ends += [f"? {printable(failure.file)}: {printable(failure.sentence)}\n" for failure in self.failed]
        parts += ["".join(ends)] if ends else []
        return "\n".join([*parts, *([f"{sentence}\n"] if (sentence := self.equal_sentence()) else [])])

    def equal_sentence(self) -> str:
        """Return how many networks are equal, of several; empty if none is."""
        count = len(self.entries) - len(self.different)
        if not (self.entries or self.added or self.removed or self.failed):
            return "no network has changed"
        if len(self.entries) < 2 or not count:
            return ""
        return "1 network is equal" if count == 1 else f"{count} networks are equal"

    def as_data(self) -> dict[str, Any]:
        """Return the differences as plain data for JSON."""
        entries = [{"title": entry.title, **entry.difference.as_data()} for entry in self.entries]
        failed = [{"file": one.file, "errors": [as_data(error) for error in one.errors]} for one in self.failed]
        return {
            "equal": self.is_identical, "networks": entries, "added": list(self.added), "removed": list(self.removed),
            "failed": failed,
        }  # fmt: skip
