"""Random edits of all specs, as somebody types them: nothing fails, and the findings are those of a fresh check.

`python -m tests.lsp.edits --edits 10000 --seed 1` makes them in one session of the server, and prints now and then how many were
made, how many failed, and how much memory the process has.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from lsprotocol import types

from archdsl.driver import check_source
from archdsl.limits import DEFAULT
from archdsl.lsp import actions, completion, hover, inlay_hints, lenses, navigation, outline, semantic_tokens, signatures
from archdsl.lsp.analysis import Analysis, Text
from archdsl.lsp.documents import Documents
from archdsl.lsp.format import format_edits
from archdsl.resources import shipped_files
from archdsl.session import Session
from archdsl.source import SourceFile
from archdsl.syntax.parser import lex

_TYPED = ["conv(", ")", "{", "}", " -> ", "\n", ";", "8", "skip {", "x.", '"', "#", "= ", "[", "é", "😀", "for i in ", "label: "]
_EDITS_OF_A_TEXT = 12
_REPORTED = 500
"""Edits from one line of the report to the next."""


class Typing:
    """Edits of one text after the other."""

    def __init__(self, seed: int, *, reports: bool = False) -> None:
        self.random = random.Random(seed)
        self.reports = reports
        self.failures: list[str] = []
        self.documents = Documents(lambda analysis: None, self._failed, moment=0.0)

    def _failed(self, text: Text, error: Exception) -> None:
        self.failures.append(f"{type(error).__name__}: {error}\n{text.content}")

    async def run(self, edits: int) -> None:
        """Make so many edits."""
        paths, made = shipped_files(), 0
        while made < edits:
            path = self.random.choice(paths)
            uri, text = path.as_uri(), path.read_text(encoding="utf-8")
            for version in range(min(_EDITS_OF_A_TEXT, edits - made)):
                self.documents.update(uri, version, text, line=self.random.randrange(text.count("\n") + 1))
                try:
                    await self._compare(await self.documents.analysis(uri))
                except Exception as error:
                    self.failures.append(f"{type(error).__name__}: {error}\n{text}")
                text = self._edited(text)
                made += 1
                if self.reports and made % _REPORTED == 0:
                    print(f"{made:,} edits, {len(self.failures)} failures, {_resident():.0f} MiB", file=sys.stderr, flush=True)
            self.documents.forget(uri)

    def _edited(self, text: str) -> str:
        words = [word for word in lex(SourceFile("edited", text))[0] if word.type != "NEWLINE"]
        word = self.random.choice(words) if words else None
        start, end = (word.start_pos or 0, word.end_pos or 0) if word is not None else (0, 0)
        match self.random.randrange(4):
            case 0:
                return text[:start] + text[end:]
            case 1:
                return text[:start] + self.random.choice(_TYPED) + text[start:]
            case 2:
                return text[:end] + text[start:end] + text[end:]
        line = text.count("\n", 0, start)
        lines = text.split("\n")
        return "\n".join([*lines[:line], *lines[line + 1 :]])

    async def _compare(self, analysis: Analysis) -> None:
        fresh = check_source(analysis.text.source, analysis.text.path, session=Session())
        if [(d.code, d.message) for d in fresh.diagnostics] != [(d.code, d.message) for d in analysis.diagnostics]:
            self.failures.append(f"other findings than a fresh check:\n{analysis.text.content}")
        for answer in self._answers(analysis):
            _ = answer

    def _answers(self, analysis: Analysis) -> Iterator[object]:
        """Ask everything that an editor asks, at a random place."""
        source = analysis.source
        offset = self.random.randrange(len(source.text) + 1)
        place = types.Position(*source.utf16_position(offset))
        end = types.Position(*source.utf16_position(min(len(source.text), offset + self.random.randrange(300))))
        yield inlay_hints.inlay_hints(analysis, types.Range(types.Position(0, 0), end))
        yield hover.hover(analysis, place)
        yield completion.completions(analysis, place, Session())
        yield signatures.signature_help(analysis, place)
        yield semantic_tokens.semantic_tokens(analysis)
        yield outline.document_symbols(analysis), outline.folding_ranges(analysis)
        yield navigation.definition(analysis, place), navigation.highlights(analysis, place)
        yield navigation.references([analysis], analysis, place, declared=True)
        yield lenses.code_lenses(analysis)
        yield format_edits(analysis, DEFAULT), format_edits(analysis, DEFAULT, types.Range(place, end))
        if self.random.random() < 0.2:
            yield actions.code_actions(analysis, types.Range(place, end), [], None, Session())


def _resident() -> float:
    """Return the memory that this process has, in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def edit(edits: int, seed: int, *, reports: bool = False) -> list[str]:
    """Make random edits; return what went wrong."""

    async def run() -> list[str]:
        session = Typing(seed, reports=reports)
        await session.run(edits)
        session.documents.close()
        return session.failures

    return asyncio.run(run())


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    failures = edit(options.edits, options.seed, reports=True)
    print(f"{options.edits:,} edits, {len(failures)} failures")
    for failure in failures:
        print(failure[:2000])


if __name__ == "__main__":
    main()
