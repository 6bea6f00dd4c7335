"""Steps of one form whose results are all concatenated: a loop that a person writes with a family of values."""

from __future__ import annotations

import re
from collections import Counter

from archdsl.importers.forms import form, labels_continue
from archdsl.importers.model import Value
from archdsl.importers.statements import Gather, Group, Head, Join, Mark, Stage, Start, Statement, inner_lists, references

_MANY = 3
"""From so many steps on, a loop is shorter than the steps one after another."""


def gathered(statements: list[Statement]) -> list[Statement]:
    """Return statements in which steps and the concatenation of all of their results are one statement."""
    for statement in statements:
        for inner in inner_lists(statement):
            inner[:] = gathered(inner)
    read = Counter(references(statements))
    found: list[Statement] = []
    for statement in statements:
        gather = _gather(found, statement, read) if isinstance(statement, Join) else None
        if gather is None:
            found.append(statement)
        else:
            del found[-_length(gather) :]
            found.append(gather)
    return found


def is_listed(gathers: list[Gather]) -> bool:
    """Whether the steps are written one after another: a few, and as many in each instance."""
    counts = {len(gather.rounds) for gather in gathers}
    return len(counts) == 1 and counts.pop() < _MANY


def _length(gather: Gather) -> int:
    return len(gather.plain()) - 1


def _gather(before: list[Statement], join: Join, read: Counter[Value]) -> Gather | None:
    """Return a join with the steps before it whose results it concatenates; None if there are none."""
    if join.op != "concat" or join.branches[-1] or len(join.branches) < 2:
        return None
    rounds: list[list[Statement]] = []
    values: list[Value] = []
    end = len(before)
    for branch in reversed(join.branches[:-1]):
        mark = _last_mark(before[:end])
        if mark is None or mark + 1 == end:
            break
        value = before[mark].value  # type: ignore[union-attr]
        if not _is(branch, value) or read[value] != 1:
            break
        rounds.insert(0, before[mark + 1 : end])
        values.insert(0, value)
        end = mark
    begin = max(end - len(rounds[-1]), 0) if rounds else _begin(before[:end])
    if _follows(before[begin:end], rounds) and (rounds or _starts_with(before[:begin], join.branches[-2])):
        return Gather([before[begin:end], *rounds], values, join)
    if len(rounds) < 2 or not _are_rounds(rounds):
        return None
    return Gather(rounds, values[1:], join, values[0])


def _is(branch: list[Statement], value: Value) -> bool:
    return len(branch) == 1 and isinstance(branch[0], Start) and branch[0].reference.value is value


def _last_mark(statements: list[Statement]) -> int | None:
    """Return the place of the mark behind which statements only flow; None if there is none."""
    for at in reversed(range(len(statements))):
        if isinstance(statements[at], Mark):
            return at
        if isinstance(statements[at], Start | Head):
            return None
    return None


def _begin(statements: list[Statement]) -> int:
    """Return the place behind the last name of a value."""
    return next((at + 1 for at in reversed(range(len(statements))) if isinstance(statements[at], Start | Mark)), 0)


def _starts_with(before: list[Statement], branch: list[Statement]) -> bool:
    """Whether statements end with a value that flows, and is a branch."""
    return bool(before) and isinstance(before[-1], Start) and _is(branch, before[-1].reference.value)


def _follows(first: list[Statement], rounds: list[list[Statement]]) -> bool:
    """Whether statements are the round before others. A single round is one if it is the first of numbered modules."""
    if not first or any(isinstance(statement, Start | Mark | Head) for statement in first):
        return False
    if rounds:
        return _are_rounds([first, *rounds])
    label = first[0].label if len(first) == 1 and isinstance(first[0], Stage | Group) else None
    return label is not None and re.fullmatch(r"[A-Za-z_]\w*\.0", label) is not None


def _are_rounds(rounds: list[list[Statement]]) -> bool:
    return len(set(map(form, rounds))) == 1 and labels_continue(rounds)
