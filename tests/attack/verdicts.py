"""Compare what archdsl says of a program with what PyTorch does: accepted or refused, at which sizes, with which codes."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import archdsl
from archdsl.ir import flatten
from tests.attack import network, text
from tests.attack.places import Modules
from tests.attack.program import Binary, Expression, Input, Literal, Name, Program, Size
from tests.attack.values import Refused, evaluate

LARGEST = 25
LARGER = (26, 31, 32, 33, 40, 48)
ALONE = "E0310"  # no size works
PROMISED = "E0311"  # a condition is not enough
UNDECIDED = {"E0307", "E0309"}  # products of symbolic sizes whose form or equality the language leaves out


@dataclass(frozen=True)
class Disagreement:
    """Something that archdsl and the interpreter say differently; `kind` is its class, `detail` the figures."""

    kind: str
    detail: str


@dataclass
class Report:
    """What was compared for one program, and where the two sides differ."""

    counts: Counter[str] = field(default_factory=Counter)
    disagreements: list[Disagreement] = field(default_factory=list)

    def differ(self, kind: str, detail: object) -> None:
        """Note a disagreement."""
        self.disagreements.append(Disagreement(kind, str(detail)))


@dataclass
class Point:
    """One assignment of sizes: whether the stated conditions hold, and what refuses the program there, if anything."""

    sizes: dict[str, int]
    stated: bool
    refusal: Refused | None
    run: network.Run | None

    @property
    def works(self) -> bool:
        """Whether archdsl has to accept these sizes."""
        return self.stated and self.refusal is None


def load(program: Program) -> archdsl.Network | archdsl.SpecError:
    """Return archdsl's network, or its errors."""
    try:
        return archdsl.loads(text.program(program), *(["fixed"] if program.alias is not None else []))
    except archdsl.SpecError as error:
        return error


def codes(error: archdsl.SpecError) -> set[str]:
    """Return the codes of all errors."""
    return {found.code for found in error.diagnostics if found.severity == "error"}


def assignments(program: Program, chance: random.Random) -> list[dict[str, int]]:
    """Return the sizes to try: every small one on a line or diagonal, some larger, and random pairs."""
    symbols = program.symbols
    if not symbols:
        return [{}]
    most = 10 if max(len(item.sizes) for item in program.inputs) > 3 else LARGEST
    line = [*range(1, most + 1), *(size for size in LARGER if most == LARGEST)]
    tried = [dict.fromkeys(symbols, size) for size in line]
    if len(symbols) > 1:
        for symbol in symbols:
            others = {other: chance.choice((8, 12, 16)) for other in symbols}
            tried += [{**others, symbol: size} for size in line[::2]]
        tried += [{symbol: chance.choice(line) for symbol in symbols} for _ in range(12)]
    return list({tuple(sizes.items()): sizes for sizes in tried}.values())


def observe(program: Program, modules: Modules, sizes: dict[str, int]) -> Point:
    """Run a program at one assignment of sizes."""
    stated = network.stated(program, sizes)
    try:
        return Point(sizes, stated, None, network.shape_run(program, modules, sizes))
    except Refused as refused:
        return Point(sizes, stated, refused, None)


def compare_verdicts(
    program: Program, found: archdsl.Network | archdsl.SpecError, report: Report, chance: random.Random
) -> list[Point]:
    """Compare the verdicts on a program; return what was observed at all sizes, empty where it was refused."""
    modules = Modules()
    points = [observe(program, modules, sizes) for sizes in assignments(program, chance)]
    report.counts["sizes"] += len(points)
    if isinstance(found, archdsl.SpecError):
        report.counts["refused"] += 1
        _check_refusal(program, found, points, modules, report)
        return []
    report.counts["accepted"] += 1
    tied = [point for point in points if point.refusal and "E0307" in point.refusal.codes]
    if tied:
        report.differ("accepted: needs a fixed size", tied[0].refusal)
        return []
    if not program.symbols:
        if points[0].refusal:
            report.differ("accepted: PyTorch refuses", points[0].refusal)
            return []
        return points
    _check_sizes(program, found, points, report)
    return points


def _check_sizes(program: Program, found: archdsl.Network, points: list[Point], report: Report) -> None:
    differing: dict[str, str] = {}
    for point in points:
        if (says := found.sizes.works(point.sizes)) != point.works:
            differing.setdefault(_kind(point, says), f"{point.sizes}: {point.refusal}")
    for kind, detail in differing.items():
        report.differ(kind, detail)
    # With one symbolic size, a condition has to rule out each size that does not work; with several it may leave that to another.
    broken = next((point for point in points if point.stated and point.refusal), None)
    if broken and len(program.symbols) == 1 and any(item.where is not None for item in program.inputs):
        report.differ("accepted: the condition is not enough", f"{broken.sizes}: {broken.refusal}")


def _kind(point: Point, says: bool) -> str:
    """Return the class of a false verdict on a size."""
    if not says:
        return "does not work: PyTorch accepts"
    if not point.stated:
        return "works: where it is ruled out"
    return "works: window of padding alone" if _padding_alone(point) else "works: PyTorch refuses"


def _padding_alone(point: Point) -> bool:
    return "window of padding" in str(point.refusal)


WITNESS = re.compile(r"\b([A-Z]) = (\d+)")


def _check_refusal(program: Program, error: archdsl.SpecError, points: list[Point], modules: Modules, report: Report) -> None:
    """Compare errors with what was observed: a program that works somewhere may be refused for what it promises alone."""
    given = codes(error)
    said = "; ".join(f"{found.code} {found.message}" for found in error.diagnostics if found.severity == "error")
    if "--limit" in said:
        report.counts["refused: a limit"] += 1
        return
    if PROMISED in given:
        _check_witness(program, error, points, modules, report, said)
        return
    if "E0307" in given and (reason := _documented(program, points)):
        report.counts[f"refused: {reason}"] += 1
        return
    if given & UNDECIDED and _has_products(points):
        report.counts["refused: a product that is not decided"] += 1
        return
    expected = {code for point in points if point.refusal for code in point.refusal.codes}
    if "E0307" in expected and "E0307" in given:
        return
    if "E0701" in given and not any(point.stated for point in points):
        return  # a condition that never holds
    if all(point.refusal is None for point in points) or any(point.works for point in points):
        if "E0307" not in expected:
            report.differ(f"refused ({', '.join(sorted(given))}): PyTorch accepts", said)
        return
    codeless = any(point.refusal and not point.refusal.codes for point in points)
    if not codeless and not given & (expected | ({ALONE} if program.symbols else set())):
        report.differ(f"refused with {', '.join(sorted(given))}", f"expected {sorted(expected)}: {said}")


def _documented(program: Program, points: list[Point]) -> str | None:
    """Return what the language leaves out that a program has, None if there is nothing."""
    if any(value.open and value.open[0] for point in points if point.run for value in point.run.machine.nodes):
        return "an open number of channels"
    return "a remainder by a symbolic size" if any(_divides_by_a_size(item.where) for item in program.inputs) else None


def _has_products(points: list[Point]) -> bool:
    """Return whether a value has a product of symbolic sizes."""
    return any("*" in size for point in points if point.run for value in point.run.machine.nodes for size in value.open)


def _divides_by_a_size(condition: Expression | None) -> bool:
    """Return whether a condition has a remainder by a size, where the language takes remainders by numbers alone."""
    if not isinstance(condition, Binary):
        return False
    own = condition.operator == "%" and isinstance(condition.right, Name | Size)
    return own or _divides_by_a_size(condition.left) or _divides_by_a_size(condition.right)


def _check_witness(
    program: Program, error: archdsl.SpecError, points: list[Point], modules: Modules, report: Report, said: str
) -> None:
    """Check the sizes that a message names: they meet the condition, and the network does not work there."""
    for found in error.diagnostics:
        named = {symbol: int(size) for symbol, size in WITNESS.findall(found.message)}
        if found.code != PROMISED or not named:
            continue
        fine = [point.sizes for point in points if point.refusal is None] or [points[-1].sizes]
        for others in fine[:6]:
            try:
                point = observe(program, modules, {**others, **named})
            except (MemoryError, RuntimeError):
                continue
            if point.refusal is None and point.stated:
                report.differ("refused (E0311): PyTorch accepts the size named", said)
                return


# Fixed sizes ----------------------------------------------------------------------------------------------------------


def fixed(program: Program, sizes: Mapping[str, int]) -> Program:
    """Return the program with numbers for its symbolic sizes, and without conditions."""
    names = {**network.parameters(program), **sizes}

    def numbered(item: Input) -> Input:
        return replace(item, sizes=tuple(Literal(evaluate(size, names)) for size in item.sizes), where=None)

    return replace(program, inputs=tuple(map(numbered, program.inputs)), symbols=())


def compare_fixed(program: Program, points: list[Point], report: Report, chance: random.Random) -> None:
    """Load a program of symbolic sizes with numbers in their place, and compare verdicts, shapes and counts."""
    if not program.symbols or not points:
        return
    working = [point for point in points if point.refusal is None]
    failing = [point for point in points if point.refusal is not None]
    for point in [*chance.sample(working, min(2, len(working))), *chance.sample(failing, min(2, len(failing)))]:
        report.counts["fixed programs"] += 1
        found = load(fixed(program, point.sizes))
        if isinstance(found, archdsl.SpecError):
            if point.refusal is None:
                report.differ("fixed: refused, PyTorch accepts", f"{point.sizes}: {codes(found)}")
        elif point.refusal is not None:
            kind = "fixed: window of padding alone" if _padding_alone(point) else "fixed: accepted, PyTorch refuses"
            report.differ(kind, f"{point.sizes}: {point.refusal}")
        elif point.run:
            compare_counts(found, point.run, report)


def compare_counts(found: archdsl.Network, run: network.Run, report: Report) -> None:
    """Compare shapes of layers, and multiply-accumulates, of a network of fixed sizes."""
    if found.table().macs != run.macs():
        report.differ("MACs", f"archdsl {found.table().macs}, interpreter {run.macs()}")
    shapes: dict[str, list[tuple[int, ...]]] = {}
    for value in run.machine.nodes:
        shapes.setdefault(value.path or "", []).append(value.shape)
    theirs: dict[str, list[Any]] = {}
    for node in flatten(found.graph).nodes:
        if node.path in shapes and _is_op(node):
            theirs.setdefault(node.path, []).append(tuple(node.shape))
    for path, known in theirs.items():  # a module runs several times
        if sorted(known) != sorted(shapes[path]):
            report.differ("shape of a layer", f"{path}: archdsl {known}, interpreter {shapes[path]}")
            return
    report.counts["counts"] += 1


def _is_op(node: Any) -> bool:
    return not node.op.statement and node.op.name not in ("droppath", "scale")
