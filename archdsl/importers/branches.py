"""Families of branches: a join whose branches are alike and numbered, as the convolutions of several windows in MixNet.

Such a join has one branch, which is a loop. Instances with other numbers of branches have the same form then.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from archdsl.importers.model import Apply
from archdsl.importers.stage_text import is_depthwise
from archdsl.importers.statements import Group, Join, Loop, Stage, Start, Statement, stages

_FEW = 4
"""Fewer branches than this are written one after another if each instance has as many."""


def as_family(join: Join, form: Callable[[list[Statement]], str], continues: Callable[[list[list[Statement]]], bool]) -> None:
    """Make the branches of a join a loop if they are alike: each begins with the next part of a split, or all with `x`."""
    branches = join.branches
    if join.op not in ("add", "concat") or len(branches) < 2 or not all(map(_is_numbered, branches)) or not continues(branches):
        return
    split = isinstance(branches[0][0], Start)
    if split and not _begin_at_parts(branches):
        return
    if len({form(branch[1:] if split else branch) for branch in branches}) == 1 and len(set(map(_is_deep, branches))) == 1:
        branches[:] = [[Loop(list(branches))]]


def family(join: Join) -> Loop | None:
    """Return the loop over the branches of a join; None if they are not a family."""
    only = join.branches[0][0] if len(join.branches) == 1 and len(join.branches[0]) == 1 else None
    return only if isinstance(only, Loop) else None


def kind_of_branches(join: Join) -> str:
    """Return what all branches of a family have in common beside their form; nothing for other joins."""
    loop = family(join)
    return "" if loop is None else "depthwise" if _is_deep(loop.rounds[0]) else "dense"


def is_listed(loops: list[Loop]) -> bool:
    """Whether the branches of families are written one after another: a few, and as many in each instance."""
    counts = {len(loop.rounds) for loop in loops}
    return len(counts) == 1 and counts.pop() < _FEW


def _is_numbered(branch: list[Statement]) -> bool:
    """Whether a branch is a module with a number, behind the name of the value at which it begins."""
    last = branch[-1] if branch else None
    label = last.label if isinstance(last, Stage | Group) and len(branch) <= 2 else None
    return label is not None and re.fullmatch(r"([A-Za-z_]\w*\.)?\d+", label) is not None


def _begin_at_parts(branches: list[list[Statement]]) -> bool:
    """Whether each branch begins with the next part of one split."""
    values = [branch[0].reference.value for branch in branches if isinstance(branch[0], Start)]
    maker = values[0].producer
    return isinstance(maker, Apply) and maker.op == "split" and maker.outputs == values


def _is_deep(branch: list[Statement]) -> bool:
    return all(is_depthwise(stage) for stage in stages(branch) if stage.callee == "conv")
