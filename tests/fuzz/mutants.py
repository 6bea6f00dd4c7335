"""Shipped specs with one token deleted, doubled, replaced or swapped: one mistake should give one error.

    python -m tests.fuzz.mutants --seed 1 --count 2000

The specs are free of errors, so whatever is refused has one mistake. A second error may be right now and then: a brace that is
put in or left out can make two statements wrong. What follows from another error alone must not be reported.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from archdsl.diagnostics import Diagnostic, render_text
from archdsl.driver import check_text
from archdsl.resources import shipped_files

TOKEN = re.compile(r'"[^"\n]*"|\d[\d_]*(?:\.\d+)?|\w+|->|\.\.|//|[=!<>]=|[^\s\w]')
_COMMENT = re.compile(r"#[^\n]*")
_KINDS = ("delete", "double", "replace", "swap")


@dataclass(frozen=True)
class Mutant:
    """A spec with one token changed, and what is said about it."""

    name: str
    text: str
    errors: tuple[Diagnostic, ...]

    @property
    def claims(self) -> list[Diagnostic]:
        """The claims that are said not to hold, beside other errors."""
        wrong = [error for error in self.errors if error.code == "E0701"]
        return wrong if len(wrong) < len(self.errors) else []

    def __str__(self) -> str:
        return f"==== {self.name}: {', '.join(error.code for error in self.errors)}\n{render_text(self.errors)}"


@dataclass(frozen=True)
class _Spec:
    """A text with the places of its tokens."""

    path: Path
    text: str
    tokens: list[tuple[int, int]]


def mutants(seed: int, count: int, only: str = "") -> Iterator[Mutant]:
    """So many mutants with what is said about them, those that are still right among them."""
    for name, text in texts(seed, count, only):
        errors = tuple(diagnostic for diagnostic in check_text(text, "net.arch") if diagnostic.is_error)
        yield Mutant(name, text, errors)


def texts(seed: int, count: int, only: str = "") -> Iterator[tuple[str, str]]:
    """The texts of so many mutants, with their names."""
    random = Random(seed)
    specs = [_spec(path) for path in shipped_files() if only in path.name]
    words = sorted({spec.text[start:end] for spec in specs for start, end in spec.tokens})
    for number in range(count):
        name, text = _mutate(random, random.choice(specs), words)
        yield f"{seed}/{number} {name}", text


def _spec(path: Path) -> _Spec:
    text = path.read_text(encoding="utf-8")
    code = _COMMENT.sub(lambda comment: " " * len(comment[0]), text)
    return _Spec(path, text, [match.span() for match in TOKEN.finditer(code)])


def _mutate(random: Random, spec: _Spec, words: list[str]) -> tuple[str, str]:
    """The text of a spec with one token changed, and how."""
    text, kind = spec.text, random.choice(_KINDS)
    at = random.randrange(len(spec.tokens) - 1)
    start, end = spec.tokens[at]
    token, new = text[start:end], ""
    if kind == "double":
        new = f"{token} {token}"
    elif kind == "replace":
        new = random.choice(words)
    elif kind == "swap":
        first, last = spec.tokens[at + 1]
        new, end = text[first:last] + text[end:first] + token, last
    line = text.count("\n", 0, start) + 1
    return f"{spec.path.stem}:{line} {kind} {token!r}{f' with {new!r}' if kind in ('replace', 'swap') else ''}", text[
        :start
    ] + new + text[end:]


@dataclass
class Tally:
    """What became of mutants."""

    count: int = 0
    refused: int = 0
    single: int = 0
    several: list[Mutant] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.several = []

    def add(self, mutant: Mutant) -> None:
        """Count one in."""
        self.count += 1
        self.refused += bool(mutant.errors)
        self.single += len(mutant.errors) == 1
        if len(mutant.errors) > 1:
            self.several.append(mutant)

    @property
    def share(self) -> float:
        """Which part of those refused has one error."""
        return self.single / max(1, self.refused)

    @property
    def false_claims(self) -> list[Mutant]:
        """Those where a claim is said not to hold beside another error."""
        return [mutant for mutant in self.several if mutant.claims]


def main() -> None:
    """Measure, and show the worst cases."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--count", type=int, default=1_000)
    arguments.add_argument("--show", type=int, default=10, help="how many of the worst are shown")
    arguments.add_argument("--only", default="", help="specs whose file names hold this")
    given = arguments.parse_args()
    tally = Tally()
    for mutant in mutants(given.seed, given.count, given.only):
        tally.add(mutant)
    for mutant in sorted(tally.several, key=lambda m: (not m.claims, -len(m.errors)))[: given.show]:
        print(mutant)
    sizes = Counter(len(mutant.errors) for mutant in tally.several)
    print(f"{tally.count} mutants, {tally.refused} refused, {tally.single} with one error: {tally.share:.1%}")
    print(f"with more: {dict(sorted(sizes.items()))}; with a claim beside another error: {len(tally.false_claims)}")
    codes = Counter(tuple(sorted({error.code for error in mutant.errors})) for mutant in tally.several)
    print(*(f"{n:6} {' '.join(kinds)}" for kinds, n in codes.most_common(15)), sep="\n")


if __name__ == "__main__":
    main()
