"""What an editor waits for: the CPU time from an edit to its findings, and to its hints.

The texts are open in the server, which checks the network at the cursor first if the check before took long, and then all
networks of the file. Hints wait for all networks. Between two edits there is a pause, in which the server collects garbage.

python benchmarks/editing.py [--quick]
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
from pathlib import Path

from lsprotocol import types

from archdsl.lsp.analysis import Analysis, Text
from archdsl.lsp.diagnostics import diagnostics_of
from archdsl.lsp.documents import SLOW, Documents
from archdsl.lsp.garbage import IDLE
from archdsl.lsp.inlay_hints import inlay_hints
from archdsl.resources import shipped_files
from archdsl.source import SourceFile
from archdsl.syntax.parser import lex
from benchmarks.measure import Section, print_sections, verdict

_TARGETS: dict[str, float | None] = {"diagnostics": 150.0, "all networks": None, "hints": 200.0}
_EVERYWHERE = types.Range(types.Position(0, 0), types.Position(100_000, 0))


def edits(path: Path, count: int) -> list[tuple[str, int]]:
    """The text of a spec with one token lost, or with a blank more, in turn, and the line of the edit, counted from 0."""
    text = path.read_text(encoding="utf-8")
    words = [word for word in lex(SourceFile(path.name, text))[0] if word.type != "NEWLINE"]
    chosen = random.Random(path.stem).sample(words, count)
    changed = []
    for number, word in enumerate(chosen):
        start, end = word.start_pos or 0, word.end_pos or 0
        changed.append((text[:start] + (text[end:] if number % 2 else " " + text[start:]), text.count("\n", 0, start)))
    return changed


async def _times(path: Path, count: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"diagnostics": [], "all networks": [], "hints": []}
    published: list[float] = []
    clock = Clock()

    def publish(analysis: Analysis) -> None:
        diagnostics_of(analysis)
        published.append(clock.milliseconds())

    documents, uri = Documents(publish, _failed, moment=0.0), path.as_uri()
    for version, (text, line) in enumerate([(path.read_text(encoding="utf-8"), 0), *edits(path, count)]):
        published.clear()
        clock = Clock()
        documents.update(uri, version, text, line=line)
        inlay_hints(await documents.analysis(uri), _EVERYWHERE)
        if version:
            found["hints"].append(clock.milliseconds())
            found["diagnostics"].append(published[0])
            found["all networks"].append(published[-1])
        await asyncio.sleep(1.5 * IDLE)
    documents.close()
    return found


def _failed(text: Text, error: Exception) -> None:
    raise error


def times(path: Path, count: int) -> dict[str, list[float]]:
    """The milliseconds of CPU time until the server publishes findings and those of all networks, and answers with hints."""
    return asyncio.run(_times(path, count))


class Clock:
    """CPU time from now on."""

    def __init__(self) -> None:
        self._start = time.process_time()

    def milliseconds(self) -> float:
        """The time since it was made."""
        return 1e3 * (time.process_time() - self._start)


def measure(*, quick: bool) -> list[Section]:
    """The 95th percentile over all specs, and the slowest spec."""
    count = 2 if quick else 20
    section = Section(
        "Editing",
        "CPU time from an edit until the server publishes findings and answers with hints. Findings are first those of the "
        f"network at the cursor if the last check of the whole file took more than {SLOW} s, and then those of all networks, for "
        f"which hints wait. {count} edits of each spec, of which every other one loses a token.",
        ["what", "median, ms", "95th percentile, ms", "target, ms", "verdict", "slowest spec", "its median, ms"],
    )
    found = {path.stem: times(path, count) for path in shipped_files()}
    for name, target in _TARGETS.items():
        everything = sorted(one for taken in found.values() for one in taken[name])
        slowest = max(found, key=lambda stem: statistics.median(found[stem][name]))
        high = everything[int(0.95 * (len(everything) - 1))]
        section.rows.append(
            [
                f"to {name}",
                f"{statistics.median(everything):.1f}",
                f"{high:.1f}",
                f"≤ {target:.0f}" if target is not None else "",
                verdict(high, target) if target is not None else "",
                slowest,
                f"{statistics.median(found[slowest][name]):.1f}",
            ]
        )
    return [section]


if __name__ == "__main__":
    print_sections(measure(quick="--quick" in sys.argv), as_json="--json" in sys.argv)
