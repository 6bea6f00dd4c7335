"""What an editor waits for: the CPU time from an edit to its findings, and to its hints.

The server checks the network at the cursor first if the check before took long, and then all networks of the file.

python benchmarks/editing.py [--quick]
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from pathlib import Path

from archdsl.lsp.analysis import Text, analyze
from archdsl.lsp.diagnostics import diagnostics_of
from archdsl.lsp.documents import SLOW
from archdsl.lsp.hints import hints_of
from archdsl.resources import shipped_files
from archdsl.session import Session
from archdsl.source import SourceFile
from archdsl.syntax.parser import lex
from benchmarks.measure import Section, print_sections, verdict

_TARGETS: dict[str, float | None] = {"diagnostics": 150.0, "hints": 200.0, "all networks": None}


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


def times(path: Path, count: int) -> dict[str, list[float]]:
    """The milliseconds of CPU time until the server publishes findings and hints after each edit, and those of all networks."""
    session, uri = Session(), path.as_uri()
    clock = Clock()
    before = analyze(Text(uri, 0, path.read_text(encoding="utf-8"), path), session)
    seconds = clock.milliseconds() / 1e3
    found: dict[str, list[float]] = {"diagnostics": [], "hints": [], "all networks": []}
    for text, line in edits(path, count):
        focus = before.network_at(line) or before.focus
        first = focus if seconds > SLOW else None
        clock = Clock()
        analysis = analyze(Text(uri, 1, text, path), session, focus=focus, only_focus=first is not None, before=before)
        diagnostics_of(analysis)
        found["diagnostics"].append(clock.milliseconds())
        hints_of(analysis)
        found["hints"].append(clock.milliseconds())
        clock = Clock()
        before = analyze(Text(uri, 1, text, path), session, focus=focus, before=before)
        diagnostics_of(before)
        found["all networks"].append(clock.milliseconds())
        seconds = found["all networks"][-1] / 1e3
    return found


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
        "CPU time from an edit until the server publishes findings, and hints: of the network at the cursor if a check of the "
        f"whole file takes more than {SLOW} s, else of all networks in the file, whose time is the last row. {count} edits of "
        "each spec, of which every other one loses a token.",
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
