"""What an editor waits for: the CPU time from an edit to its findings, and to its hints.

python benchmarks/editing.py [--quick]
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from pathlib import Path

from archdsl.lsp.analysis import Analysis, Text, analyze
from archdsl.lsp.diagnostics import diagnostics_of
from archdsl.lsp.hints import hints_of
from archdsl.resources import shipped_files
from archdsl.session import Session
from archdsl.source import SourceFile
from archdsl.syntax.parser import lex
from benchmarks.measure import Section, print_sections, verdict

_TARGETS = {"diagnostics": 150.0, "hints": 200.0}


def edits(path: Path, count: int) -> list[str]:
    """The text of a spec with one token lost, or with a blank more, in turn."""
    text = path.read_text(encoding="utf-8")
    words = [word for word in lex(SourceFile(path.name, text))[0] if word.type != "NEWLINE"]
    chosen = random.Random(path.stem).sample(words, count)
    changed = []
    for number, word in enumerate(chosen):
        start, end = word.start_pos or 0, word.end_pos or 0
        changed.append(text[:start] + (text[end:] if number % 2 else " " + text[start:]))
    return changed


def times(path: Path, count: int) -> tuple[list[float], list[float]]:
    """The milliseconds of CPU time to the findings, and to the hints, of each edit in one session."""
    session = Session()
    uri = path.as_uri()
    before: Analysis = analyze(Text(uri, 0, path.read_text(encoding="utf-8"), path), session)
    to_findings, to_hints = [], []
    for text in edits(path, count):
        start = time.process_time()
        before = analyze(Text(uri, 1, text, path), session, before=before)
        diagnostics_of(before)
        to_findings.append(1e3 * (time.process_time() - start))
        hints_of(before)
        to_hints.append(1e3 * (time.process_time() - start))
    return to_findings, to_hints


def measure(*, quick: bool) -> list[Section]:
    """The 95th percentile over all specs, and the slowest spec."""
    count = 2 if quick else 20
    section = Section(
        "Editing",
        f"CPU time from an edit to the findings of all networks in the file, and to the hints of all its lines; {count} edits of "
        "each spec, of which every other one loses a token.",
        ["what", "median, ms", "95th percentile, ms", "target, ms", "verdict", "slowest spec", "its median, ms"],
    )
    found = {path.stem: times(path, count) for path in shipped_files()}
    for position, (name, target) in enumerate(_TARGETS.items()):
        everything = sorted(one for both in found.values() for one in both[position])
        slowest = max(found, key=lambda stem: statistics.median(found[stem][position]))
        high = everything[int(0.95 * (len(everything) - 1))]
        section.rows.append(
            [
                f"to {name}",
                f"{statistics.median(everything):.1f}",
                f"{high:.1f}",
                f"≤ {target:.0f}",
                verdict(high, target),
                slowest,
                f"{statistics.median(found[slowest][position]):.1f}",
            ]
        )
    return [section]


if __name__ == "__main__":
    print_sections(measure(quick="--quick" in sys.argv), as_json="--json" in sys.argv)
