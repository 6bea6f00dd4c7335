"""Random texts through the formatter: it must be idempotent, and change neither the tree nor the graph nor a comment.

`python -m tests.fuzz.formatting --count 10000 --seed 1`. A text is a random program or a part of a spec, with other blanks, line
ends, commas and comments where the language allows them.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from random import Random

from archdsl.driver import compile_text
from archdsl.formatting import format_lines, format_source
from archdsl.formatting.same_tree import differs
from archdsl.ir import print_graph
from archdsl.source import SourceFile
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import parse
from archdsl.syntax.trivia import Kind, Trivia
from tests.attack.generate import generate
from tests.attack.text import program

SPECS = [path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parents[2] / "specs").glob("*.arch"))]


def parsed(text: str) -> ast.File | None:
    """Return the tree of a text; None if it has errors."""
    file, errors = parse(SourceFile("<text>", text))
    return None if errors else file


@lru_cache(1)
def random_text(seed: int) -> str:
    """Return a random program, or some definitions of a spec."""
    random = Random(seed)
    if random.random() < 0.7:
        return program(generate(seed))
    file = parsed(random.choice(SPECS))
    assert file is not None
    items = random.sample(file.items, min(len(file.items), 3))
    return "\n\n".join(item.span.text for item in items) + "\n"


_CHANGED = 20
"""How many texts are made of each program: to generate it takes longer than to change it."""
_PROGRESS = 500
"""After how many texts a line tells how far it is."""
_Change = Callable[[Random, str, Kind], str | None]


def _blanks(random: Random, text: str, kind: Kind) -> str | None:
    return random.choice(("", " ", "  ", "     ", "\t")) if kind is Kind.BLANK else None


def _line_end(random: Random, text: str, kind: Kind) -> str | None:
    return random.choice((text + "\n", text + "\n\n\n", "\n" + text)) if kind is not Kind.COMMENT else None


def _comment(random: Random, text: str, kind: Kind) -> str | None:
    comment = random.choice(("# a", "## b", "#c", "#", "# é → 😀", "# arch: allow(W0101)"))
    return random.choice((text + comment + "\n", text + "\n" + comment + "\n", text + "\n\n  " + comment + "  \n\n"))


def _comma(random: Random, text: str, kind: Kind) -> str | None:
    return "," + text if text in (")", "]") else None


def _separator(random: Random, text: str, kind: Kind) -> str | None:
    if kind is Kind.LINE_END:
        return random.choice(("; ", ";\n", "\n;"))
    return "\n" if kind is Kind.SEPARATOR else None


_CHANGES: tuple[_Change, ...] = (_blanks, _line_end, _comment, _comma, _separator)


def disturbed(random: Random, file: ast.File, outcomes: Counter[str]) -> ast.File:
    """Return the tree of a text with changes that keep it right, one after the other."""
    for _ in range(random.randint(0, 6)):
        text, change = file.source.text, random.choice(_CHANGES)
        pieces = Trivia(file).pieces
        at = set(random.sample(range(len(pieces)), min(len(pieces), random.choice((1, 1, 3, 20)))))
        new = ""
        for index, piece in enumerate(pieces):
            own = text[piece.start : piece.end]
            other = change(random, own, piece.kind) if index in at else None
            new += own if other is None else other
        changed = parsed(new)
        outcomes[f"{change.__name__.strip('_')}: {'applied' if changed is not None else 'refused'}"] += 1
        file = changed or file
    return file


def problem(file: ast.File, random: Random, *, graph: bool = False) -> str | None:
    """Return what the formatter does wrong with a text; None if nothing."""
    text = file.source.text
    once = format_source(file)
    again = parsed(once)
    if again is None or differs(file, again):
        return "another tree"
    if format_source(again) != once:
        return "not idempotent"
    if any(line != line.rstrip() for line in once.split("\n")) or "\n\n\n" in once or not once.endswith("\n"):
        return "blanks"
    first = random.randint(1, text.count("\n") + 1)
    part = format_lines(file, (first, random.randint(first, first + 5)))
    partial = parsed(part)
    if partial is None or differs(file, partial):
        return "another tree after formatting a range"
    if graph and _graph(text) != _graph(once):
        return "another graph"
    return None


def _graph(text: str) -> str | list[str]:
    compiled = compile_text(text)
    return print_graph(compiled.graph) if compiled.graph is not None else [found.message for found in compiled.diagnostics]


def main() -> None:
    """Format many random texts, and print those that go wrong."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=1000)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    outcomes: Counter[str] = Counter()
    for seed in range(given.seed, given.seed + given.count):
        if (seed - given.seed) % _PROGRESS == 0:
            print(f"{seed - given.seed:,} of {given.count:,}", file=sys.stderr, flush=True)
        random = Random(seed)
        file = parsed(random_text(seed // _CHANGED))
        if file is None:
            outcomes["skipped"] += 1
            continue
        file = disturbed(random, file, outcomes)
        wrong = problem(file, random, graph=seed % 20 == 0)
        outcomes[wrong or "right"] += 1
        if wrong is not None:
            print(f"seed {seed}: {wrong}\n{file.source.text}")
    print(dict(outcomes))


if __name__ == "__main__":
    main()
