"""Families of branches: a join whose branches are alike and numbered, as the convolutions of several windows in MixNet.

They are one statement, of which instances with other numbers of branches have as many rounds.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from archdsl.importers.model import Apply
from archdsl.importers.stage_text import is_depthwise
from archdsl.importers.statements import Family, Group, Join, Stage, Start, Statement, stages

_FEW = 4
"""Fewer branches than this are written one after another if each instance has as many."""

Branches = dict[int, list[list[Statement]]]
"""The branches of a join in each instance."""


def in_families(join: Join, form: Callable[[list[Statement]], str], continues: Callable[[list[list[Statement]]], bool]) -> None:
    """Make families of neighbouring branches that are alike: each begins with the next part of a split, or all with `x`."""
    if join.op not in ("add", "concat"):
        return
    found: list[list[Statement]] = []
    at = 0
    while at < len(join.branches):
        end = at + 1
        while end < len(join.branches) and _are_alike(join.branches[at : end + 1], form, continues):
            end += 1
        found.append([Family(join.branches[at:end])] if end > at + 1 else join.branches[at])
        at = end
    join.branches[:] = found


def _are_alike(
    branches: list[list[Statement]], form: Callable[[list[Statement]], str], continues: Callable[[list[list[Statement]]], bool]
) -> bool:
    if not all(map(_is_numbered, branches)) or not continues(branches):
        return False
    split = isinstance(branches[0][0], Start)
    if split and not _begin_at_parts(branches):
        return False
    return len({form(branch[1:] if split else branch) for branch in branches}) == 1 and len(set(map(_is_deep, branches))) == 1


def family(branch: list[Statement]) -> Family | None:
    """Return the family that stands for several branches; None for a branch of its own."""
    only = branch[0] if len(branch) == 1 else None
    return only if isinstance(only, Family) else None


def kind_of_branches(join: Join) -> str:
    """Return what the branches of families have in common beside their form."""
    loops = [loop for branch in join.branches if (loop := family(branch)) is not None]
    return ",".join("depthwise" if _is_deep(loop.rounds[0]) else "dense" for loop in loops)


def settled_families(lists: Branches, form: Callable[[list[Statement]], str]) -> Branches:
    """Write families as their branches if each instance has the same few; else make one of a single branch of their form."""
    loops = [[loop for branch in own if (loop := family(branch)) is not None] for own in lists.values()]
    counts = {tuple(len(loop.rounds) for loop in own) for own in loops}
    if len(counts) == 1 and max(next(iter(counts)), default=0) < _FEW:
        return {row: [inner for branch in own for inner in _listed(branch)] for row, own in lists.items()}
    forms = {form(loop.rounds[0]) for own in loops for loop in own}
    return {
        row: [[Family([branch])] if family(branch) is None and form(branch) in forms else branch for branch in own]
        for row, own in lists.items()
    }


def _listed(branch: list[Statement]) -> list[list[Statement]]:
    loop = family(branch)
    return [branch] if loop is None else loop.rounds


def as_statements(branches: list[list[Statement]]) -> list[Statement]:
    """Return a statement for each branch, so that those of several instances can be aligned."""
    return [branch[0] if len(branch) == 1 else Group(_name(branch), branch, member=True) for branch in branches]


def of_statement(statement: Statement) -> list[Statement]:
    """Return the branch that a statement stands for."""
    return statement.body if isinstance(statement, Group) and statement.member else [statement]


def _name(branch: list[Statement]) -> str:
    """Return the first label in a branch."""
    return next((s.label for s in branch if isinstance(s, Stage | Group) and s.label is not None), "x")


def _is_numbered(branch: list[Statement]) -> bool:
    """Whether a branch is a module with a number, behind the name of the value at which it begins."""
    last = branch[-1] if branch else None
    label = last.label if isinstance(last, Stage | Group) and len(branch) <= 2 else None
    return label is not None and re.fullmatch(r"([A-Za-z_]\w*\.)?\d+", label) is not None


def _begin_at_parts(branches: list[list[Statement]]) -> bool:
    """Whether each branch begins with the next part of one split."""
    values = [branch[0].reference.value for branch in branches if isinstance(branch[0], Start)]
    maker = values[0].producer
    return isinstance(maker, Apply) and maker.op == "split" and maker.outputs[: len(values)] == values


def _is_deep(branch: list[Statement]) -> bool:
    return all(is_depthwise(stage) for stage in stages(branch) if stage.callee == "conv")
