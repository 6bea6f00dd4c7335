"""Fuzz archdsl against an independent interpreter of the language on plain PyTorch.

The interpreter (`interpret`, `operations`, `network`) and the generator (`generate`, `arguments`, `inputs`) were written
from docs/language.md, docs/ops.md and docs/python.md alone, so that a fault of archdsl is not repeated here. For each
random program the two are compared in verdicts and error codes at many sizes, shapes, parameters, multiply-accumulates,
keys of the `state_dict`, biases, values, gradients and buffers in evaluation and training, refused inputs, and now and then
`torch.export`.

    python -m tests.attack.fuzz --seed 1 --programs 2000

prints figures, and for each class of disagreements a shrunken program. Program number I of seed S is always the same one:
`--only I` examines it alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.attack import isolate, text
from tests.attack.examine import examine, kinds
from tests.attack.generate import generate
from tests.attack.program import Program
from tests.attack.shrink import shrink
from tests.attack.verdicts import Report

BATCH = 100  # programs to a child process


@dataclass(frozen=True)
class Settings:
    """How programs are examined: one in `export_every` is exported, one that takes over `seconds` is stopped."""

    seed: int
    export_every: int
    seconds: float

    def seed_of(self, number: int) -> int:
        """Return the seed of a program by its number."""
        return self.seed * 1_000_000 + number

    def exported(self, number: int) -> bool:
        """Return whether a program is exported as well."""
        return self.export_every > 0 and number % self.export_every == 0

    def examine(self, number: int) -> Report:
        """Generate and examine one program."""
        seed = self.seed_of(number)
        return examine(generate(seed), seed, self.exported(number))


@dataclass
class Summary:
    """Figures of a run, and the numbers of the programs with a disagreement by its class, each with one detail."""

    counts: Counter[str]
    classes: dict[str, list[tuple[int, str]]]


def fuzz(settings: Settings, numbers: range, tell: Callable[[str], None]) -> Summary:
    """Examine programs by their numbers."""
    counts: Counter[str] = Counter()
    classes: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for first in range(numbers.start, numbers.stop, BATCH):
        batch = range(first, min(first + BATCH, numbers.stop))
        for number, outcome in isolate.run(batch, settings.examine, settings.seconds):
            if isinstance(outcome, isolate.Death):
                classes[f"the process ends by {outcome.how}"].append((number, ""))
                continue
            counts.update(outcome.counts)
            for kind in {each.kind for each in outcome.disagreements}:
                detail = next(each.detail for each in outcome.disagreements if each.kind == kind)
                classes[kind].append((number, detail))
        tell(f"{batch.stop - numbers.start} programs, {sum(map(len, classes.values()))} disagreements")
    return Summary(counts, dict(classes))


def shrunk(settings: Settings, number: int, kind: str, seconds: float) -> Program:
    """Return a small program with the class of disagreement that a program has."""
    seed = settings.seed_of(number)

    def fails(program: Program) -> bool:
        def work(candidate: Program) -> set[str]:
            return kinds(candidate, seed, settings.exported(number))

        for _, outcome in isolate.run([program], work, settings.seconds):
            if isinstance(outcome, isolate.Death):
                return kind == f"the process ends by {outcome.how}"
            return kind in outcome
        return False

    return shrink(generate(seed), fails, seconds)


def report(summary: Summary, settings: Settings, seconds: float) -> Iterator[str]:
    """Yield the lines of the report; each class is shrunk for at most `seconds`."""
    yield "  ".join(f"{name}: {number:,}" for name, number in sorted(summary.counts.items()))
    for kind, found in sorted(summary.classes.items(), key=lambda item: -len(item[1])):
        yield f"\n{len(found)} x {kind}: programs {', '.join(str(number) for number, _ in found[:8])}"
        yield f"  {found[0][1][:400]}"
        if seconds:
            yield text.program(shrunk(settings, found[0][0], kind, seconds))
    yield f"\n{sum(map(len, summary.classes.values()))} disagreements in {len(summary.classes)} classes"


def main() -> int:
    """Read the command line, fuzz, report; return 1 if there are disagreements."""
    parser = argparse.ArgumentParser(prog="python -m tests.attack.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--programs", type=int, default=1000, metavar="N")
    parser.add_argument("--only", type=int, metavar="I", help="print and examine one program by its number")
    parser.add_argument("--export-every", type=int, default=50, metavar="N", help="one program in N is exported; 0: none")
    parser.add_argument("--seconds", type=float, default=60, help="the time after which a program is stopped")
    parser.add_argument("--shrink", type=float, default=40, metavar="SECONDS", help="the time to shrink one class; 0: do not")
    given = parser.parse_args()
    settings = Settings(given.seed, given.export_every, given.seconds)
    if given.only is not None:
        print(text.program(generate(settings.seed_of(given.only))))
    numbers = range(given.programs) if given.only is None else range(given.only, given.only + 1)
    start = time.monotonic()
    summary = fuzz(settings, numbers, lambda line: print(line, file=sys.stderr, flush=True))
    print(f"{time.monotonic() - start:.0f} s")
    for line in report(summary, settings, given.shrink):
        print(line, flush=True)
    return 1 if summary.classes else 0


if __name__ == "__main__":
    sys.exit(main())
