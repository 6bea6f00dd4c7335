"""One error for one mistake that shows in several places."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from archdsl.diagnostics.record import Diagnostic, Mark

_MOST: Final = 6
"""How many further places a diagnostic marks."""


def gathered(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the diagnostics in their order, with one for each name that a file does not define.

    That is the first, which marks the others.

    A class whose diagnostics are gathered says by `same_mistake` which belong together.
    """
    found: list[Diagnostic] = []
    first: dict[tuple[object, ...], int] = {}
    others: dict[int, list[Mark]] = {}
    for diagnostic in diagnostics:
        key, span = diagnostic.same_mistake(), diagnostic.span
        if key is None or span is None:
            found.append(diagnostic)
            continue
        known = first.setdefault((type(diagnostic), id(span.file), *key), len(found))
        if known == len(found):
            found.append(diagnostic)
        else:
            others.setdefault(known, []).append(Mark(span, "and here"))
    for index, marks in others.items():
        found[index] = found[index].with_marks(marks[: max(0, _MOST - len(found[index].related))])
    return found
