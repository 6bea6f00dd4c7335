"""Random programs against PyTorch: `python -m tests.fuzz.shapes --seconds 600 --seed 1`.

For every program, the sizes that the checker lets through are compared with those that run, and every predicted
shape with the real one: at small sizes, around each boundary of the verdict, and at random ones. A refused program
must not run at any of them.
"""

from __future__ import annotations

import argparse
import functools
import gc
import linecache
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from unittest.mock import patch

import torch

from archdsl import SpecError, analysis, driver
from archdsl.analysis import SymbolicSizes, decide_sizes
from archdsl.backends.torch.instantiate import build
from archdsl.compiled import Compiled
from archdsl.ir import FlatNode, Graph
from archdsl.limits import Limits
from archdsl.sizes import SizeSet
from tests.attack import text
from tests.attack.disturb import disturbed
from tests.attack.generate import generate
from tests.attack.program import Program
from tests.attack.shrink import shrink
from tests.attack.verdicts import fixed, load
from tests.fuzz.oracle import Oracle, predicted

SHRINKING = 40
"""Seconds for which a program with a disagreement is shrunk."""
NOT_COMPARED = {"E0307", "E0701"}
"""What the form of a size cannot say, and claims: refused for other reasons than sizes that do not run."""
FOR_ALL_SIZES = {"E0210", "E0309"}
"""Of symbolic sizes, `reshape` and a module that is used again take only what works for all: they make no condition."""


@dataclass
class Summary:
    """What came out."""

    outcomes: Counter[str] = field(default_factory=Counter)
    sizes: int = 0
    modules: int = 0
    found: list[str] = field(default_factory=list)


def program_of(seed: int, *, fixed: bool = False) -> Program:
    """Return the program of a seed. An odd one is that before it, with sizes left to chance, so that many work at none."""
    program = _grown(seed // 2, fixed)
    return disturbed(program, Random(seed)) if seed % 2 else program


@functools.lru_cache(1)
def _grown(seed: int, fixed: bool) -> Program:
    """Return a program that was grown to work, which takes a quarter of the time of examining one."""
    return replace(generate(seed, fixed=fixed), alias=None)


def disagreement(program: Program, random: Random, summary: Summary | None = None, *, modules: bool = True) -> str | None:
    """What the checker and PyTorch disagree about, none where they agree."""
    summary = summary if summary is not None else Summary()
    compiled, graph = _graph_of(text.program(program))
    codes = sorted({d.code for d in compiled.diagnostics if d.is_error})
    summary.outcomes[" ".join(codes) or "accepted"] += 1
    if NOT_COMPARED & {*codes} or (program.symbols and FOR_ALL_SIZES & {*codes}):
        return None
    if graph is None:
        return _fixed_refused(program, random, summary)
    oracle = Oracle(graph)
    lets = _allowed(compiled, graph)
    for at in _choices(compiled.sizes, random, refused=not compiled.ok):
        summary.sizes += 1
        found = _compare(oracle, at, lets(at))
        if found is not None:
            return found
    if not compiled.ok:
        return None
    works = next((at for at in _least(compiled.sizes) if compiled.sizes.works(at)), None)
    if works is None:
        return "accepted, and no sizes work together"
    if modules and oracle.flat.nodes:
        return _module_runs(graph, works, summary)
    return None


def _allowed(compiled: Compiled, graph: Graph) -> Callable[[dict[str, int]], bool]:
    """Whether the checker lets sizes through; one that refuses a condition (E0311) still says what the network needs."""
    codes = {d.code for d in compiled.diagnostics if d.is_error}
    if compiled.ok:
        return compiled.sizes.works
    return (lambda at: compiled.sizes.works(at)) if codes == {"E0311"} else (lambda at: False)


def _compare(oracle: Oracle, at: dict[str, int], allowed: bool) -> str | None:
    real = oracle.shapes(at)
    graph = oracle.graph
    if isinstance(real, list):
        stated = all(at[symbol] in sizes for symbol, sizes in graph.stated.items())
        if not allowed and stated:
            return f"refused, and runs at {at}"
        if allowed:
            for value, shape in zip(oracle.flat.values, real, strict=True):
                if predicted(value, at) != shape:
                    return f"{value.owner!r} is said to give {predicted(value, at)} at {at}, and gives {shape}"
    elif allowed:
        return f"accepted at {at}, and {real.node if isinstance(real, FlatNode) else real!r} fails"
    return None


def _choices(sizes: SymbolicSizes, random: Random, *, refused: bool) -> Iterator[dict[str, int]]:
    """Sizes to try: each symbol by itself while the others work, and some at random."""
    if not sizes.work:
        yield {}
        return
    near = {symbol: _near(work, [d.sizes for d in sizes.decisive(symbol)], random) for symbol, work in sizes.work.items()}
    good = {symbol: work.smallest() if work else 64 for symbol, work in sizes.work.items()}
    for symbol, numbers in near.items():
        yield from ({**good, symbol: n} for n in numbers)
    for _ in range(3 if len(near) > 1 else 0):
        yield {symbol: random.choice(numbers) for symbol, numbers in near.items()}
    if refused:
        yield from ({symbol: n for symbol in near} for n in random.sample((1, 2, 3, 4, 8, 16, 32, 64, 96, 128, 240, 256), 4))


def _near(work: SizeSet, demands: list[SizeSet], random: Random) -> list[int]:
    """Some small sizes, those around a few boundaries of each set, and one at random: more programs find more than more sizes."""
    numbers = {1, 2, *random.sample(range(3, 13), 3), random.randint(13, 100)}
    for sizes in (work, *demands):
        starts = [n for n in sizes.least if n is not None]
        edges = sorted({*starts, *sizes.points})
        period = len(sizes.least)
        for edge in {*edges[:1], *edges[-1:], *random.sample(edges, min(1, len(edges))), *(n + period for n in starts[:1])}:
            numbers |= {edge - 1, edge, edge + 1}
    return sorted(n for n in numbers if n >= 1)


def _graph_of(source: str) -> tuple[Compiled, Graph | None]:
    """What became of a program, with the graph whose sizes were decided, whether or not any works."""
    decided: list[Graph] = []

    def deciding(graph: Graph, limits: Limits) -> SymbolicSizes:
        decided.append(graph)
        return decide_sizes(graph, limits)

    with patch.object(analysis, "decide_sizes", deciding):
        compiled = driver.compile_text(source)
    return compiled, decided[0] if decided else compiled.graph  # without symbolic sizes there is nothing to decide


def _fixed_refused(program: Program, random: Random, summary: Summary) -> str | None:
    """A program that was refused before its sizes were decided is refused with numbers in their place, too."""
    for _ in range(2 if program.symbols else 0):
        summary.sizes += 1
        numbers = {symbol: random.choice((1, 2, 3, 5, 8, 16, 31, 64, 97, 128)) for symbol in program.symbols}
        if not isinstance(load(fixed(program, numbers)), SpecError):
            return f"refused, and accepted with {numbers}"
    return None


def _module_runs(graph: Graph, at: dict[str, int], summary: Summary) -> str | None:
    """The module that is built runs at sizes that work, and gives the result that is predicted."""
    summary.modules += 1
    module = build(graph, "meta").eval()
    types = [{"int": torch.long, "bool": torch.bool, "float": torch.float}[value.dtype] for value in graph.inputs]
    inputs = [torch.empty(1, *predicted(v, at), device="meta", dtype=t) for v, t in zip(graph.inputs, types, strict=True)]
    try:
        with torch.no_grad():
            results = module(*inputs)
    except Exception as error:
        return f"accepted at {at}, and the module fails: {type(error).__name__}: {error}"
    values = results if isinstance(results, tuple) else (results,)
    ends = [graph.result, *(value for _, value in graph.outputs)]
    shapes = [tuple(value.shape[1:]) for value in values]
    said = [predicted(value, at) for value in ends]
    return f"the module gives {shapes} at {at}, and {said} were predicted" if shapes != said else None


def _least(sizes: SymbolicSizes) -> Iterator[dict[str, int]]:
    """The least sizes, and larger ones of each for the conditions that tie them."""
    least = {symbol: work.smallest() for symbol, work in sizes.work.items()}
    yield least
    for tie in sizes.couplings:
        for symbol, within in tie.sizes.items():
            if both := sizes.work[symbol] & within:
                yield {**least, symbol: both.smallest()}
    for symbol, work in sizes.work.items():
        for n in range(1, 200):
            if n in work:
                yield {**least, symbol: n}


def run(
    seed: int,
    *,
    seconds: float = 1e9,
    programs: int = 1 << 60,
    first: int = 0,
    modules_every: int = 8,
    shrinking: float = SHRINKING,
    summary: Summary | None = None,
    tell: Callable[[str], object] = lambda found: None,
) -> Summary:
    """Compare random programs with PyTorch until a bound is reached; program `i` of a seed is always the same."""
    summary, until = summary if summary is not None else Summary(), time.monotonic() + seconds
    for index in range(first, first + programs):
        if time.monotonic() > until:
            break
        if index % 1000 == 999:
            _forget()
        number = 1_000_000 * seed + index
        program = program_of(number)
        found = _examined(program, number, summary, modules=index % modules_every == 0)
        if found is not None:
            small = _smaller(program, number, found, shrinking) if shrinking else text.program(program)
            summary.found.append(f"program {number}: {found}\n{small}")
            tell(summary.found[-1])
    return summary


def _examined(program: Program, number: int, summary: Summary | None = None, *, modules: bool = True) -> str | None:
    """What the checker and PyTorch disagree about; an exception of the checker is a disagreement, too."""
    try:
        return disagreement(program, Random(number), summary, modules=modules)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} in {last.name}: {error}"


def _forget() -> None:
    """Let go of the modules that were built; the loader keeps one for each source."""
    for name in [name for name in sys.modules if name.startswith("archdsl_generated_")]:
        del sys.modules[name]
    linecache.clearcache()


def _smaller(program: Program, number: int, found: str, seconds: float) -> str:
    """Return a part of a program that shows a disagreement of the same kind, with what it is."""
    kind = found.partition(" ")[0]

    def shows(part: Program) -> bool:
        return (_examined(part, number) or "").partition(" ")[0] == kind

    small = shrink(program, shows, seconds)
    return f"{text.program(small)}{_examined(small, number)}\n"


def main() -> int:
    """Run, print a summary, also of a run that is interrupted, and return how it went as an exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--programs", type=int, default=1 << 60)
    parser.add_argument("--first", type=int, default=0, help="the number of the first program of the seed")
    parser.add_argument("--shrink", type=float, default=SHRINKING, help="seconds to shrink a program; 0: do not")
    given = parser.parse_args()
    torch.set_num_threads(1)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a run that is ended prints its figures, too
    gc.freeze()  # what PyTorch and archdsl hold for good is not looked through again
    begun = time.monotonic()
    summary, interrupted = Summary(), False
    try:
        run(
            given.seed,
            seconds=given.seconds,
            programs=given.programs,
            first=given.first,
            shrinking=given.shrink,
            summary=summary,
            tell=lambda found: print(found, flush=True),
        )
    except KeyboardInterrupt:
        interrupted = True
    print(
        f"seed {given.seed}, from {given.first:,}: {summary.outcomes.total():,} programs, {summary.sizes:,} sizes, "
        f"{summary.modules:,} modules, {time.monotonic() - begun:.0f} s"
    )
    print("outcomes: " + ", ".join(f"{name} {count:,}" for name, count in summary.outcomes.most_common()))
    print(f"disagreements: {len(summary.found)}")
    return 130 if interrupted else 1 if summary.found else 0


if __name__ == "__main__":
    sys.exit(main())
