"""Which ops of two networks correspond: functions are aligned with functions, step by step, and each pair of them once.

Steps that are equal are found first. What is left between them is paired by how much of it is equal, and pairs of calls are
aligned in turn. Where a block faces steps that no block contains, its steps take its place, so that it does not matter how a
text divides a network into blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal, NamedTuple, TypeAlias

from archdsl.differences.forms import Forms
from archdsl.differences.repeats import Repeat, repeat_of
from archdsl.differences.sequences import best_pairs, common_ends, common_pairs
from archdsl.differences.units import Unit, Units, size_of
from archdsl.ir import Call, Function

_MOST_CELLS = 20_000
"""Up to so many pairs of steps are judged one by one."""
_MOST_LEFT_OUT = 400
"""Longer sequences are aligned by what is equal, unless more steps than these are not."""
_CLEARLY = 0.7
"""The flat alignment replaces that by functions if its cost is at most this share."""

Row: TypeAlias = "tuple[Unit | None, Unit | None]"
"""Two units that correspond, or one that has no counterpart."""
Sign: TypeAlias = Literal["=", "-", "+"]


class Step(NamedTuple):
    """So many ops that correspond, or that only one of the networks has: removed ones or added ones."""

    sign: Sign
    size: int
    repeat: Repeat | None = None
    """The part of which they are repetitions, if the networks repeat one more or less often."""
    differing: bool = False


class Pair(NamedTuple):
    """Two ops that correspond, by their positions among all that run."""

    before: int
    after: int


class Run(NamedTuple):
    """Ops that only one of the networks has, by their positions among all that run."""

    sign: Sign
    start: int
    end: int
    repeat: Repeat | None


class Matching(NamedTuple):
    """The ops that correspond, and runs of others."""

    pairs: list[Pair]
    runs: list[Run]


def match_functions(before: Function, after: Function, forms: Forms) -> Matching:
    """Return which ops of two networks correspond."""
    matcher = _Matcher(forms)
    steps = matcher.functions(before, after)
    signs = {"~" if step.differing else step.sign for step in steps} - {"="}
    flat = matcher.flat(before, after, _cost(steps, 2)) if len(signs) > 1 else None
    pairs, runs, i, j = list[Pair](), list[Run](), 0, 0
    for step in flat if flat is not None and _cost(flat) <= _CLEARLY * _cost(steps) else steps:
        if step.sign == "=":
            pairs += [Pair(i + n, j + n) for n in range(step.size)]
        else:
            start = i if step.sign == "-" else j
            runs.append(Run(step.sign, start, start + step.size, step.repeat))
        i += step.size if step.sign != "+" else 0
        j += step.size if step.sign != "-" else 0
    return Matching(pairs, runs)


def _cost(steps: Sequence[Step], of_pair: int = 1) -> int:
    """Return how many ops have no counterpart, with those pairs that differ."""
    return sum([step.size * (of_pair if step.sign == "=" else 1) for step in steps if step.sign != "=" or step.differing])


class _Matcher:
    def __init__(self, forms: Forms) -> None:
        self._units = Units(forms)
        self._functions: dict[tuple[Function, Function], list[Step]] = {}

    def functions(self, before: Function, after: Function) -> list[Step]:
        """Return the steps from one function to another."""
        key = before, after
        found = self._functions.get(key)
        if found is None:
            found = self._functions[key] = self._steps(self._rows(self._units.of(before), self._units.of(after)))
        return found

    def flat(self, before: Function, after: Function, most: int) -> list[Step] | None:
        """Return the steps between all ops of two functions; None if more than `most` have no equal one."""
        one, other = (self._units.flat(self._units.of(function)) for function in (before, after))
        pairs = common_pairs([unit.form for unit in one], [unit.form for unit in other], min(most, _MOST_LEFT_OUT))
        return self._steps(self._between(one, other, pairs)) if pairs is not None else None

    def _rows(self, before: Sequence[Unit], after: Sequence[Unit]) -> list[Row]:
        """Return the rows of an alignment, with calls opened where that lets more correspond.

        Of equal units, those of one label correspond: of two equal branches, the one that is left is the one of that name.
        """
        start, end = common_ends(*[[(unit.form, unit.label) for unit in units] for units in (before, after)])
        one, other = before[start : len(before) - end], after[start : len(after) - end]
        rows: list[Row] = list(zip(before[:start], after[:start], strict=True))
        for unpaired, group in groupby(self._paired(one, other), lambda row: None in row):
            found = list(group)
            rows += self._opened(found) if unpaired else found
        return rows + list(zip(before[len(before) - end :], after[len(after) - end :], strict=True))

    def _paired(self, before: Sequence[Unit], after: Sequence[Unit]) -> list[Row]:
        """Return the rows of an alignment of units as they are."""
        if len(before) * len(after) <= _MOST_CELLS:
            apart = {unit.part for unit in before} & {unit.part for unit in after} - {""}
            pairs = best_pairs(len(before), len(after), lambda i, j: self._units.score(before[i], after[j], apart))
            return _rows_of(before, after, pairs)
        for key in (lambda unit: unit.form, _name):
            found = common_pairs([key(unit) for unit in before], [key(unit) for unit in after], _MOST_LEFT_OUT)
            if found is not None:
                return self._between(before, after, found)
        names = [[_name(unit) for unit in units] for units in (before, after)]
        start, end = common_ends(*names)
        ends = [(len(before) - i, len(after) - i) for i in range(end, 0, -1)]
        return _rows_of(before, after, [*((i, i) for i in range(start)), *ends])

    def _between(self, before: Sequence[Unit], after: Sequence[Unit], pairs: list[tuple[int, int]]) -> list[Row]:
        """Return the rows of an alignment with these pairs, and with the best ones between them."""
        rows: list[Row] = []
        i = j = 0
        for k, m in [*pairs, (len(before), len(after))]:
            one, other = before[i:k], after[j:m]
            if one and other and len(one) * len(other) <= _MOST_CELLS:
                rows += self._paired(one, other)
            else:
                rows += _rows_of(one, other, [])
            if k < len(before):
                rows.append((before[k], after[m]))
            i, j = k + 1, m + 1
        return rows

    def _opened(self, rows: list[Row]) -> list[Row]:
        """Return rows of units without counterparts with calls opened, if most of the smaller side then has counterparts."""
        before, after = [unit for unit, _ in rows if unit is not None], [unit for _, unit in rows if unit is not None]
        plain: list[Row] = [*((unit, None) for unit in before), *((None, unit) for unit in after)]
        if not before or not after or not any(isinstance(unit.node, Call) for unit in (*before, *after)):
            return plain
        opened = self._rows(self._units.opened(before), self._units.opened(after))
        shared = size_of([one for one, other in opened if one is not None and other is not None])
        return opened if 2 * shared >= min(size_of(before), size_of(after)) else plain

    def _steps(self, rows: list[Row]) -> list[Step]:
        """Return the steps of rows, with those inside calls that are not equal."""
        found: list[Step] = []
        before, after = [row[0] for row in rows], [row[1] for row in rows]
        at = 0
        for unpaired, group in groupby(rows, lambda row: None in row):
            members = list(group)
            if not unpaired:
                found += [step for one, other in members if one and other for step in self._pair(one, other)]
            else:
                removed, added = (size_of([unit for row in members if (unit := row[side]) is not None]) for side in (0, 1))
                repeat = repeat_of(before, after, at, at + len(members)) if not (removed and added) else None
                found += [Step(sign, size, repeat) for sign, size in _signed(removed, added) if size]
            at += len(members)
        return found

    def _pair(self, before: Unit, after: Unit) -> Iterator[Step]:
        if isinstance(before.node, Call) and isinstance(after.node, Call) and before.form != after.form:
            yield from self.functions(before.node.callee, after.node.callee)
        else:
            yield Step("=", before.size, differing=before.form != after.form)


def _signed(removed: int, added: int) -> tuple[tuple[Sign, int], tuple[Sign, int]]:
    return ("-", removed), ("+", added)


def _name(unit: Unit) -> tuple[object, ...]:
    """Return what two units have in common that may correspond: the name of the op, or of the block."""
    node = unit.node
    return ("call", node.callee.name) if isinstance(node, Call) else ("op", node.op.name)


def _rows_of(before: Sequence[Unit], after: Sequence[Unit], pairs: list[tuple[int, int]]) -> list[Row]:
    """Return the rows of an alignment with these pairs alone; of others the removed ones first."""
    rows: list[Row] = []
    i = j = 0
    for k, m in [*pairs, (len(before), len(after))]:
        rows += [*((unit, None) for unit in before[i:k]), *((None, unit) for unit in after[j:m])]
        if k < len(before):
            rows.append((before[k], after[m]))
        i, j = k + 1, m + 1
    return rows
