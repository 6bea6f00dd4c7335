"""Which of the errors about braces stand, where another error may have garbled a brace."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from archdsl.source import SourceFile
from archdsl.syntax.damage import Damage
from archdsl.syntax.error_context import SyntaxFinding


def settle_braces(
    source: SourceFile, starts: Sequence[int], faults: list[SyntaxFinding], strays: list[SyntaxFinding], damage: Damage
) -> list[SyntaxFinding]:
    """Return the errors in order, without those of braces that do not match since another error garbled one.

    `starts` are where items begin. The definitions with such braces become doubtful: what stands in which body is not known.
    Of the `strays`, those in the same statement as another error are not among the errors, and explain no other.
    """
    follow: list[SyntaxFinding] = []
    settled: set[int] = set()
    for stray in sorted(strays, key=lambda fault: fault.span.start):
        at = bisect_right(starts, stray.span.start)
        start, end = starts[at - 1] if at else 0, starts[at] if at < len(starts) else len(source.text) + 1
        damage.add_definition(start, end)
        if stray not in faults:
            continue
        others = [fault for fault in faults if start <= fault.span.start < end and fault not in strays]
        if start in settled or any(_garbles_brace(fault, stray) for fault in others):
            follow.append(stray)
        settled.add(start)
    return sorted((fault for fault in faults if fault not in follow), key=lambda fault: fault.span.start)


def _garbles_brace(fault: SyntaxFinding, stray: SyntaxFinding) -> bool:
    """Return whether an error may stand where a brace is missing.

    That is before a closing brace too many; beside an opening brace that is not closed, or alone on a line below it.
    """
    if stray.span.text != "{":
        return fault.span.start < stray.span.start
    text = fault.span.file.text
    between = text[stray.span.end : fault.span.start]
    line = text[text.rfind("\n", 0, fault.span.start) + 1 :].split("\n", 1)[0]
    return fault.span.start > stray.span.start and ("\n" not in between or len(line.split()) == 1)
