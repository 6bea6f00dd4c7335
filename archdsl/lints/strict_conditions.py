"""N0301: a `where` that rules out sizes for which the network works.

That may be meant, for example because a dataset has no others, so that it is a note. Where the condition also lets sizes
through that do not work, or never holds, that is an error, and nothing is noted.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.analysis import SymbolicSizes
from archdsl.diagnostics import Diagnostic, codes
from archdsl.ir import Graph
from archdsl.lints.rule import SizesRule
from archdsl.shapes import SizeError
from archdsl.size_words import describe
from archdsl.sizes import ALL, SizeSet


def _check(graph: Graph, verdict: SymbolicSizes) -> Iterable[Diagnostic]:
    for symbol, stated in graph.stated.items():
        needed = verdict.needed[symbol]
        works = _ruled_out(stated, needed)
        if works is not None:
            finding = codes.notes.StrictCondition(symbol, works, describe(needed) if needed != ALL else None)
            yield finding.at(graph.stated_at[symbol])


def _ruled_out(stated: SizeSet, needed: SizeSet) -> int | None:
    """Return a size that works and is not stated; None if there is none, or the condition is wrong."""
    try:
        if not stated or stated.first_outside(needed) is not None:
            return None
        return needed.first_outside(stated)
    except SizeError:  # there are too many to tell, which is an error of its own
        return None


RULE = SizesRule("N0301", _check)
