"""Align the statements of several instances: which of them are the same place, and which only some instances have."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from archdsl.importers.branches import Branches, as_statements, kind_of_branches, of_statement
from archdsl.importers.forms import callee_form, category, form, in_single_rounds, without_digits
from archdsl.importers.gathering import is_listed
from archdsl.importers.model import applications
from archdsl.importers.statements import (
    Gather,
    Group,
    Head,
    Join,
    Loop,
    Mark,
    Skip,
    Stage,
    Start,
    Statement,
    stages,
    weight,
)
from archdsl.ops.base import Category


class Misfit(Exception):
    """Instances that are not of one form after all."""


_ALIKE = 0.65
"""The share that rounds of two loops have in common at least."""


def with_skips(bundle: dict[int, list[Statement]]) -> dict[int, list[Statement]]:
    """Give all instances the residual connection that only some have, not `taken` in the others."""
    skipping = {row: [s for s in statements if isinstance(s, Skip)] for row, statements in bundle.items()}
    example = next((row for row, skips in skipping.items() if len(skips) == 1), None)
    if example is None or all(skipping.values()) or any(len(skips) > 1 for skips in skipping.values()):
        return bundle
    own = bundle[example]
    at = next(n for n, s in enumerate(own) if isinstance(s, Skip))
    before, after = at, len(own) - at - 1
    made = dict(bundle)
    for row, statements in bundle.items():
        if skipping[row]:
            continue
        body = statements[before : len(statements) - after]
        if not body:
            return bundle
        made[row] = [*statements[:before], Skip(list(body), [], False), *statements[len(statements) - after :]]
    return made


def with_single_rounds(bundle: dict[int, list[Statement]]) -> dict[int, list[Statement]]:
    """Make a loop of one round in the instances that have the statements once which others repeat."""
    lists = bundle.values()
    shapes = {form(s.rounds[0]): len(s.rounds[0]) for statements in lists for s in statements if isinstance(s, Loop)}
    if not shapes or len(bundle) == 1 or len({form(statements) for statements in lists}) == 1:
        return bundle
    return {row: _joined(in_single_rounds(statements, shapes)) for row, statements in bundle.items()}


def _joined(statements: list[Statement]) -> list[Statement]:
    """Make one loop of neighbouring ones of one form."""
    found: list[Statement] = []
    for statement in statements:
        last = found[-1] if found else None
        if isinstance(statement, Loop) and isinstance(last, Loop) and form(last.rounds[0]) == form(statement.rounds[0]):
            found[-1] = Loop([*last.rounds, *statement.rounds])
        else:
            found.append(statement)
    return found


def _without_odd_gathers(bundle: dict[int, list[Statement]]) -> dict[int, list[Statement]]:
    """Write steps and their concatenation one after another where not all instances have them, or all have the same few.

    Where one instance reads the first value elsewhere, too, it gets a name of its own in all of them.
    """
    per_row = [[s for s in statements if isinstance(s, Gather)] for statements in bundle.values()]
    gathers = [gather for own in per_row for gather in own]
    if not gathers:
        return bundle
    if len(set(map(len, per_row))) > 1 or is_listed(gathers):
        return {row: [made for s in own for made in (s.plain() if isinstance(s, Gather) else [s])] for row, own in bundle.items()}
    if len({gather.first is None for gather in gathers}) == 1:
        return bundle
    return {row: [made for s in own for made in _with_mark(s)] for row, own in bundle.items()}


def _with_mark(statement: Statement) -> list[Statement]:
    if not isinstance(statement, Gather) or statement.first is None:
        return [statement]
    return [Mark(statement.first), Gather(statement.rounds, statement.values, statement.join)]


def aligned(bundle: dict[int, list[Statement]]) -> list[dict[int, Statement]]:
    """Return the places, each with the statement of every instance that has it. Raise `Misfit` if nothing is common."""
    bundle = _without_odd_gathers(bundle)
    rows = list(bundle)
    by_form: dict[str, list[int]] = {}
    for row in rows:
        by_form.setdefault(form(bundle[row]), []).append(row)
    if len(by_form) == 1 or (len({len(s) for s in bundle.values()}) == 1 and _fit_all(bundle)):
        return [{row: bundle[row][at] for row in rows} for at in range(len(bundle[rows[0]]))]
    groups = sorted(by_form.values(), key=lambda group: -len(bundle[group[0]]))
    slots: list[dict[int, Statement]] = [dict.fromkeys(()) or {groups[0][0]: s} for s in bundle[groups[0][0]]]  # type: ignore[misc]
    for row in groups[0][1:]:
        for slot, statement in zip(slots, bundle[row], strict=True):
            slot[row] = statement
    for group in groups[1:]:
        slots = _merged(slots, group, bundle)
    return slots


def _fit_all(bundle: dict[int, list[Statement]]) -> bool:
    first = next(iter(bundle.values()))
    return all(_fit(a, b) > 0 for statements in bundle.values() for a, b in zip(first, statements, strict=True))


def _merged(
    slots: list[dict[int, Statement]], group: list[int], bundle: dict[int, list[Statement]]
) -> list[dict[int, Statement]]:
    """Add instances of one form to the places, by the alignment with the most in common."""
    added = bundle[group[0]]
    if len(slots) * len(added) > 40_000:
        raise Misfit("bodies that are too long to align")
    best = _alignment(slots, added)
    found: list[dict[int, Statement]] = []
    i = j = 0
    while i < len(slots) or j < len(added):
        move = best(i, j)[1]
        own = {row: bundle[row][j] for row in group} if move != 1 else {}
        found.append({**(slots[i] if move != 2 else {}), **own})
        i, j = i + (move != 2), j + (move != 1)
    return found


def _alignment(slots: list[dict[int, Statement]], added: list[Statement]) -> Callable[[int, int], tuple[int, int]]:
    """Return the score of the best alignment from two positions on, and its move: 0 pairs, 1 leaves out a place, 2 adds one."""

    def fit(slot: dict[int, Statement], statement: Statement) -> int:
        examples = list(slot.values()) if len(slot) < 4 else [next(iter(slot.values()))]
        return max((_fit(example, statement) for example in examples), default=0)

    @cache
    def best(i: int, j: int) -> tuple[int, int]:
        if i == len(slots) and j == len(added):
            return 0, -1
        choices = []
        if i < len(slots) and j < len(added) and (common := fit(slots[i], added[j])) > 0:
            choices.append((best(i + 1, j + 1)[0] + common, 0))
        if i < len(slots):
            choices.append((best(i + 1, j)[0], 1))
        if j < len(added):
            choices.append((best(i, j + 1)[0], 2))
        return max(choices, key=lambda choice: (choice[0], -choice[1]))

    return best


def _fit(a: Statement, b: Statement) -> int:
    """Return how well two statements are the same place; 0 if they cannot be."""
    if type(a) is not type(b):
        return 0
    if isinstance(a, Stage) and isinstance(b, Stage):
        return _fit_stages(a, b)
    if isinstance(a, Group | Head) and isinstance(b, Group | Head):
        return 5 + weight(a.body) if a.label == b.label else (2 if without_digits(a.label) == without_digits(b.label) else 0)
    if isinstance(a, Join) and isinstance(b, Join):
        return _fit_joins(a, b)
    if isinstance(a, Skip):
        return 10
    if isinstance(a, Gather) and isinstance(b, Gather):
        return 8 if form(a.rounds[0]) == form(b.rounds[0]) and len(a.others) == len(b.others) else 0
    if isinstance(a, Loop) and isinstance(b, Loop):
        first, second = a.rounds[0], b.rounds[0]
        return 8 if _fit_lists(first, second) or likeness(first, second) >= _ALIKE else 0
    return 3 if isinstance(a, Mark | Start) else 0


def _fit_joins(a: Join, b: Join) -> int:
    """Return how well two joins are the same place; a sum may have terms that another one lacks."""
    if a.op != b.op or set(a.args) != set(b.args):
        return 0
    if len(a.branches) == len(b.branches) and kind_of_branches(a) == kind_of_branches(b):
        return 8
    return 6 if a.op == "add" and min(len(a.branches), len(b.branches)) > 1 else 0


def aligned_branches(lists: Branches) -> list[dict[int, list[Statement]]]:
    """Return the branches of joins, each with those of all instances that have it. Raise `Misfit` if no branch is in all."""
    bundle = {row: as_statements(own) for row, own in lists.items()}
    alike = len(set(map(len, bundle.values()))) == 1
    slots = [] if alike and _fit_all(bundle) else aligned(bundle)
    if any(len(slot) == len(lists) for slot in slots):
        return [{row: of_statement(statement) for row, statement in slot.items()} for slot in slots]
    if not alike:
        raise Misfit("joins with other branches")
    return [{row: own[at] for row, own in lists.items()} for at in range(len(next(iter(lists.values()))))]


def _fit_stages(a: Stage, b: Stage) -> int:
    if not _labels_fit(a, b) or set(a.operands) != set(b.operands):
        return 0
    if len(a.names) != len(b.names) and not a.callee == b.callee == "split":
        return 0
    if a.callee == "rearrange" == b.callee and (a.args["pattern"] != b.args["pattern"] or set(a.args) != set(b.args)):
        return 0
    if callee_form(a) == callee_form(b):
        return 10 + _numbers_in_common(a, b)
    if category(a) == category(b) == Category.ACTIVATION and a.label is None:
        return 4
    both_blocks = not isinstance(a.callee, str) and not isinstance(b.callee, str)
    return 6 if both_blocks and _signatures_fit(a, b) else 0


def _labels_fit(a: Stage, b: Stage) -> bool:
    """Whether the labels of two stages are those of one place: equal but for their numbers, or given by their positions."""
    if a.label is None or b.label is None:
        return a.label is b.label
    if a.automatic or b.automatic:
        return a.automatic and b.automatic
    return without_digits(a.label) == without_digits(b.label)


def _numbers_in_common(a: Stage, b: Stage) -> int:
    """Return how alike the arguments of two stages are; windows and groups tell more than channels."""
    first, second = _given(a), _given(b)
    common = 0
    for name, (role, value) in first.items():
        other = second.get(name, (role, None))[1]
        if role == "groups":
            common += 2 if (value == 1) == (other == 1) else 0
        elif value == other:
            common += 3 if role == "k" else 1
    return common


def _given(stage: Stage) -> dict[str, tuple[str, object]]:
    if isinstance(stage.callee, str):
        return {name: (name, value) for name, value in stage.args.items() if name != "__name__"}
    block, row = stage.callee.block, stage.callee.row
    return {p.name: (p.role, block.value(p.name, row)) for p in block.parameters}


def _signatures_fit(a: Stage, b: Stage) -> bool:
    """Whether two blocks take the same arguments, so that a parameter can stand for either."""
    first, second = a.callee.block, b.callee.block  # type: ignore[union-attr]
    return [p.name for p in first.parameters] == [p.name for p in second.parameters]


def _fit_lists(a: list[Statement], b: list[Statement]) -> bool:
    return len(a) == len(b) and all(_fit(s, t) > 0 for s, t in zip(a, b, strict=True))


def likeness(a: list[Statement], b: list[Statement]) -> float:
    """Return the share of what two bodies have in common, from 0 to 1."""
    if form(a) == form(b):
        return 1.0
    try:
        slots = aligned(with_skips({0: a, 1: b}))
    except Misfit:
        return 0.0
    common = sum(weight([next(iter(slot.values()))]) for slot in slots if len(slot) == 2)
    longest = sum(max(weight([s]) for s in slot.values()) for slot in slots)
    return common / longest if longest else 1.0


def differ_in_parts(a: list[Statement], b: list[Statement]) -> bool:
    """Whether two bodies have half of all ops in common, and differ in nothing but parts that only one has.

    The ops of blocks that they call count, too. Most of the statements are the same, and no two alternatives.
    """
    try:
        slots = aligned(with_skips(with_single_rounds({0: a, 1: b})))
    except Misfit:
        return False
    both, apart = [slot for slot in slots if len(slot) == 2], [slot for slot in slots if len(slot) == 1]
    alternatives = min(sum(row in slot for slot in apart) for row in (0, 1))
    if any(isinstance(statement, Mark | Start | Head | Gather) for slot in apart for statement in slot.values()):
        return False
    common, rest = 0, sum(_ops(list(slot.values())) for slot in apart)
    for slot in both:
        if not _inner_differ_in_parts(slot[0], slot[1]):
            return False
        common += min(_ops([slot[0]]), _ops([slot[1]]))
    return alternatives <= len(both) and common >= rest


def _inner_differ_in_parts(a: Statement, b: Statement) -> bool:
    """Whether groups and residual connections differ in parts, too, of which the shortcut of one may be one."""
    if isinstance(a, Group) and isinstance(b, Group):
        return differ_in_parts(a.body, b.body)
    if not isinstance(a, Skip) or not isinstance(b, Skip):
        return True
    return differ_in_parts(a.body, b.body) and (not a.shortcut or not b.shortcut or differ_in_parts(a.shortcut, b.shortcut))


def _ops(statements: list[Statement]) -> int:
    """Return the number of ops in statements, and in the blocks that they call."""
    own = [stage.callee for stage in stages(statements)]
    return sum(1 if isinstance(callee, str) else sum(1 for _ in applications(callee)) for callee in own)
