"""One error for one mistake that shows in several places."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from archdsl.diagnostics.record import Diagnostic, Mark

_OF_A_NAME: Final = "E0201"
_SHOWN: Final = 6
"""How many further places a diagnostic marks."""


def gathered(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics in their order, with one for each name that a file does not know: the first, which marks the others.

    Where different names may be meant, each has its own.
    """
    found: list[Diagnostic] = []
    first: dict[tuple[int, str, str], int] = {}
    for diagnostic in diagnostics:
        known = None
        if diagnostic.code == _OF_A_NAME and diagnostic.mark is not None:
            meant = diagnostic.help if "did you mean" in (diagnostic.help or "") else None
            known = first.setdefault((id(diagnostic.mark.span.file), diagnostic.message, meant or ""), len(found))
        if known is None or known == len(found):
            found.append(diagnostic)
        else:
            assert diagnostic.mark is not None
            related = (*found[known].related, Mark(diagnostic.mark.span, "and here"))
            found[known] = found[known]._replace(related=related[:_SHOWN])
    return found
