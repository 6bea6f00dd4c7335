"""The form of statements, which is all of them but their numbers, and loops over statements of one form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from operator import ne

from archdsl.importers.branches import in_families, kind_of_branches
from archdsl.importers.model import Call, Value
from archdsl.importers.statements import Gather, Group, Head, Join, Loop, Mark, Skip, Stage, Start, Statement, inner_lists
from archdsl.ops import Op
from archdsl.ops.base import Category

_WINDOW = 12
"""Rounds of a loop have at most so many statements."""
_OTHERWISE = 3
"""A first round that differs from all others in so many numbers stands before the loop."""
_REPEATED = 0.6
"""A table has a column for the number of equal calls if that leaves at most this share of rows."""


def form(statements: list[Statement], local: dict[Value, str] | None = None, *, exact: bool = False) -> str:
    """Return the form of statements: equal for those that differ in numbers alone; if `exact`, in the numbers of labels alone."""
    local = {} if local is None else local
    return ";".join(_form(statement, local, exact) for statement in statements)


def _form(statement: Statement, local: dict[Value, str], exact: bool) -> str:
    if isinstance(statement, Stage):
        if exact:
            numbers = _numbers(statement)
            return f"{callee_form(statement)}[{_label(statement)}]({numbers})" + "".join(
                _name(ref.value, local) for ref in statement.operands.values()
            )
        operands = ",".join(f"{name}={_name(ref.value, local)}" for name, ref in statement.operands.items())
        number = _number(local)
        local |= {value: f"{number}.{at}" for at, value in enumerate(statement.names)}
        words = ",".join(f"{k}={v}" for k, v in statement.args.items() if isinstance(v, str) and k not in ("pad", "__name__"))
        return f"{callee_form(statement)}[{_label(statement)}]({words}|{operands})"
    if isinstance(statement, Start):
        return f"@{_name(statement.reference.value, local)}"
    if isinstance(statement, Mark):
        local[statement.value] = _number(local)
        return "mark"
    if isinstance(statement, Group | Head):
        kind = statement.kind if isinstance(statement, Head) else "group"
        return f"{kind}:{without_digits(statement.label)}{{{form(statement.body, local, exact=exact)}}}"
    if isinstance(statement, Join):
        branches = "|".join(form(branch, local, exact=exact) for branch in statement.branches)
        return f"{statement.op}{kind_of_branches(statement)}{{{branches}}}"
    if isinstance(statement, Skip):
        return f"skip{{{form(statement.body, local, exact=exact)}|{form(statement.shortcut, local, exact=exact)}}}"
    if isinstance(statement, Gather):
        others = "|".join(form(branch, local, exact=exact) for branch in statement.others)
        steps = (
            "|".join(form(inner, local, exact=True) for inner in statement.rounds) if exact else form(statement.rounds[0], local)
        )
        return f"gather{statement.first is not None}{{{steps}||{others}}}"
    if exact:
        return f"loop{{{'|'.join(form(inner, local, exact=True) for inner in statement.rounds)}}}"
    return f"loop{{{form(statement.rounds[0], local)}}}"


def _numbers(stage: Stage) -> str:
    if isinstance(stage.callee, str):
        return ",".join(f"{k}={v}" for k, v in stage.args.items() if k != "__name__")
    block = stage.callee.block
    return ",".join(f"{p.name}={block.value(p.name, stage.callee.row)}" for p in block.parameters) if block is not None else ""


def _name(value: Value, local: dict[Value, str]) -> str:
    return local.get(value, f"#{id(value)}")


def _number(local: dict[Value, str]) -> str:
    """Return the number of the next statement that names values."""
    return str(len({name.partition(".")[0] for name in local.values()}))


def callee_form(stage: Stage) -> str:
    """Return what a stage calls: an op, or the block that its call is an instance of."""
    if isinstance(stage.callee, str):
        return stage.callee
    block = stage.callee.block
    return f"<{(block.kin or block.name) if block is not None else stage.callee.origin.name}>"


def _label(stage: Stage) -> str:
    return "" if stage.automatic or stage.label is None else without_digits(stage.label)


def without_digits(label: str) -> str:
    """Return a label with a sign in place of each number."""
    return re.sub(r"\d+", "#", label)


def numbers_in(label: str) -> list[int]:
    """Return the numbers in a label."""
    return [int(number) for number in re.findall(r"\d+", label)]


def category(stage: Stage) -> Category | None:
    """Return the category of the op of a stage; None for a block."""
    op = Op.registry.get(stage.callee) if isinstance(stage.callee, str) else None
    return op.category if op is not None else None


def rolled(statements: list[Statement], *, free: bool = False, alone: bool = True) -> list[Statement]:
    """Return statements in which neighbours of one form are loops, from the inside out.

    Rounds with other numbers are a loop only in a `free` scope, such as that of a network; elsewhere numbers have to agree.
    Networks that are not `alone` but of one family have all loops that they can have, so that they stay of one form.
    """
    for statement in statements:
        for inner in inner_lists(statement):
            inner[:] = rolled(inner, free=free, alone=alone)
        if isinstance(statement, Join):
            in_families(statement, form, labels_continue)
    return _without_single_rounds(_rolled(statements, free, alone))


def _rolled(statements: list[Statement], free: bool, alone: bool) -> list[Statement]:
    width = 1
    statements = _with_single_rounds(statements)
    while width <= _WINDOW:
        found = _rolled_at(statements, width, free, alone)
        changed = len(found) < len(statements)
        statements = _with_single_rounds(found) if changed or width == 1 else found
        width = 1 if changed else width + 1
    return statements


def _with_single_rounds(statements: list[Statement]) -> list[Statement]:
    """Make loops of one round where the same statements are a loop elsewhere, as the single convolutions of VGG-11."""
    shapes = {
        form(s.rounds[0]): len(s.rounds[0]) for s in statements if isinstance(s, Loop) and not _is_unit(s.rounds[0])
    }  # fmt: skip
    grouped = {
        form(s.body[0].rounds[0]): len(s.body[0].rounds[0])
        for s in statements
        if isinstance(s, Group) and len(s.body) == 1 and isinstance(s.body[0], Loop)
    }
    for statement in statements:
        if isinstance(statement, Group) and grouped.get(form(statement.body)) == len(statement.body):
            statement.body = [Loop([statement.body])]
    return in_single_rounds(statements, shapes)


def in_single_rounds(statements: list[Statement], shapes: Mapping[str, int]) -> list[Statement]:
    """Make a loop of one round of statements that have one of these forms; of each, the number of statements is known."""
    found: list[Statement] = []
    at = 0
    while at < len(statements):
        width = next((w for shape, w in shapes.items() if form(statements[at : at + w]) == shape), 0)
        found.append(Loop([statements[at : at + width]]) if width else statements[at])
        at += width or 1
    return found


def _without_single_rounds(statements: list[Statement]) -> list[Statement]:
    found: list[Statement] = []
    for statement in statements:
        if isinstance(statement, Loop) and len(statement.rounds) == 1:
            found += statement.rounds[0]
            continue
        if isinstance(statement, Group) and len(statement.body) == 1 and isinstance(statement.body[0], Loop):
            if len(statement.body[0].rounds) == 1:
                statement.body = statement.body[0].rounds[0]
        found.append(statement)
    return found


def _rolled_at(statements: list[Statement], width: int, free: bool, alone: bool) -> list[Statement]:
    found: list[Statement] = []
    at = 0
    while at < len(statements):
        rounds = None if width == 1 and _ends_pairs(statements, at) else _rounds(statements, at, width)
        if rounds is not None and (not _alike(rounds, free) or _ends_otherwise(rounds)):
            same = _rounds(statements, at, width, exact=True)
            rounds = same
        if rounds is None:
            found.append(statements[at])
            at += 1
        else:
            rounds = (_in_pairs(rounds) if free else None) or rounds
            first = 1 if free and alone and _begins_otherwise(rounds) else 0
            found += [statement for one in rounds[:first] for statement in one]
            found.append(_in_segments(Loop(rounds[first:])) if free else Loop(rounds[first:]))
            at += sum(map(len, rounds))
    return found


def _in_segments(loop: Loop) -> Loop:
    """Return a long loop over calls of one block as a loop of loops, if that is shorter: rows of a table with a number of layers.

    The rounds of an inner loop have the same arguments, but for one of the first round, as its stride.
    """
    calls = [inner[0] for inner in loop.rounds if len(inner) == 1 and isinstance(inner[0], Stage)]
    if len(calls) < max(5, len(loop.rounds)) or any(isinstance(call.callee, str) for call in calls):
        return loop
    given = list(map(_values, calls))
    best: list[int] | None = None
    for at in range(len(given[0])):
        starts = [0] + [n for n in range(1, len(given)) if given[n][at] != given[n - 1][at]]
        ends = [*starts[1:], len(given)]
        fits = all(_differ_at_first(given[start:end]) for start, end in zip(starts, ends, strict=True))
        if fits and 3 <= len(starts) <= _REPEATED * len(given) and (best is None or len(starts) < len(best)):
            best = starts
    if best is None:
        return loop
    ends = [*best[1:], len(given)]
    return Loop([[Loop(loop.rounds[start:end])] for start, end in zip(best, ends, strict=True)])


def _differ_at_first(rows: list[list[object]]) -> bool:
    """Whether rows are equal, but for one argument of the first."""
    return all(row == rows[1] for row in rows[2:]) and (len(rows) < 2 or sum(map(ne, rows[0], rows[1])) <= 1)


def _is_unit(statements: list[Statement]) -> bool:
    """Whether a round is a layer with its norm and activation, and nothing else."""
    stage = statements[0] if len(statements) == 1 else None
    return isinstance(stage, Stage) and isinstance(stage.callee, Call) and stage.callee.origin.unit


def _alike(rounds: list[list[Statement]], free: bool) -> bool:
    """Whether rounds are a loop for a person: those of a list, or equal ones."""
    if all(map(_is_unit, rounds)):
        return len({form(statements, exact=True) for statements in rounds}) == 1
    if len(rounds) > 2 and (free or len(rounds) > 3):
        return True
    if free and all(len(r) == 1 and isinstance(r[0], Stage) and not isinstance(r[0].callee, str) for r in rounds):
        return True
    return len({form(statements, exact=True) for statements in rounds}) == 1


def _ends_pairs(statements: list[Statement], at: int) -> bool:
    """Whether a unit is the last of two equal pairs, as in widths of 512, 1024, 512, 1024, which are a loop of their own."""
    last = statements[at - 3 : at + 1] if at >= 3 else []
    if not last or not all(_is_unit([statement]) for statement in last):
        return False
    a, b, c, d = [form([statement], exact=True) for statement in last]
    return a == c != b == d


def _ends_otherwise(rounds: list[list[Statement]]) -> bool:
    """Whether rounds of units are equal but for the last one, which a person writes behind the loop."""
    if not all(_is_unit([statement]) for statements in rounds for statement in statements):
        return False
    *first, last = [form(statements, exact=True) for statements in rounds]
    return len(first) > 1 and len(set(first)) == 1 and last not in first


def _in_pairs(rounds: list[list[Statement]]) -> list[list[Statement]] | None:
    """Return calls that differ in several numbers by turns as rounds of two calls; None if they are others."""
    calls = [statements[0] for statements in rounds if len(statements) == 1 and isinstance(statements[0], Stage)]
    labels = any(call.label is not None and not call.automatic for call in calls)
    if labels or len(calls) < max(4, len(rounds)) or any(isinstance(call.callee, str) for call in calls):
        return None
    given = list(map(_values, calls))
    if given[2:] != given[:-2] or sum(map(ne, given[0], given[1])) < 2:
        return None
    return [[*one, *other] for one, other in zip(rounds[::2], rounds[1::2], strict=False)]


def _begins_otherwise(rounds: list[list[Statement]]) -> bool:
    """Whether rounds are equal calls but for the first, in so many numbers that a person writes it before the loop."""
    calls = [statements[0] for statements in rounds if len(statements) == 1 and isinstance(statements[0], Stage)]
    if len(calls) < max(3, len(rounds)) or any(isinstance(call.callee, str) for call in calls):
        return False
    first, *rest = map(_values, calls)
    return all(row == rest[0] for row in rest) and sum(map(ne, first, rest[0])) >= _OTHERWISE


def _values(call: Stage) -> list[object]:
    """Return the block of a call, and its arguments."""
    block, row = call.callee.block, call.callee.row  # type: ignore[union-attr]
    return [block.name, *(block.value(parameter.name, row) for parameter in block.parameters)]


def _rounds(statements: list[Statement], at: int, width: int, *, exact: bool = False) -> list[list[Statement]] | None:
    """Return the rounds of the loop that begins at a statement; None if there is none."""
    window = statements[at : at + width]
    if len(window) < width or not _worth(window):
        return None
    exact = exact or _is_unit(window)
    shape = form(window, exact=exact)
    rounds = [window]
    end = at + width
    while end + width <= len(statements) and form(statements[end : end + width], exact=exact) == shape:
        candidate = [*rounds, statements[end : end + width]]
        if not labels_continue(candidate):
            break
        rounds = candidate
        end += width
    if len(rounds) < 2 or exact:
        return rounds if len(rounds) > 1 else None
    rest = statements[end : end + width] if len(rounds) > 2 else []
    for length in range(min(width - 1, len(rest)), 0, -1):  # a last round without its end
        head = rest[:length]
        longer = [*rounds, head]
        if form(head) == form(window[:length]) and labels_continue([r[:length] for r in longer]) and _labelled(head):
            return longer
    return rounds


def _labelled(statements: list[Statement]) -> bool:
    return any(isinstance(s, Group) or (isinstance(s, Stage) and s.label is not None and not s.automatic) for s in statements)


def _worth(window: list[Statement]) -> bool:
    """Whether a loop over these statements would be a loop of layers: not one of activations, or with heads or names."""
    if any(isinstance(statement, Head | Mark) for statement in window):
        return False
    first = window[0]
    if isinstance(first, Start) or (isinstance(first, Stage) and first.standalone):
        return False
    if len(window) > 1 and any(isinstance(statement, Loop) and len(window) == 1 for statement in window):
        return False
    if isinstance(first, Stage) and isinstance(first.callee, str) and len(window) == 1:
        return first.label is not None
    return any(
        not isinstance(statement, Stage) or statement.label is not None or not isinstance(statement.callee, str)
        for statement in window
    )


def labels_continue(rounds: list[list[Statement]]) -> bool:
    """Whether the labels of all rounds are one formula of the round's number."""
    columns = [_own_labels(statements) for statements in rounds]
    if len({len(column) for column in columns}) != 1:
        return False
    for labels in zip(*columns, strict=True):
        if all(label == "" for label in labels):
            continue
        if "" in labels or len({without_digits(label) for label in labels}) != 1:
            return False
        for numbers in zip(*map(numbers_in, labels), strict=True):
            if len({b - a for a, b in pairwise(numbers)}) > 1:
                return False
        if len(set(labels)) == 1:
            return False
    return True


def _own_labels(statements: list[Statement]) -> list[str]:
    """Return the labels in the scope of the statements; an empty one for a stage that its position labels."""
    found: list[str] = []
    for statement in statements:
        if isinstance(statement, Stage):
            found.append("" if statement.automatic or statement.label is None else statement.label)
        elif isinstance(statement, Group):
            found.append(statement.label)
        elif isinstance(statement, Loop):
            found += [label for label in _own_labels(statement.rounds[0]) if label]
        elif not isinstance(statement, Start | Mark | Head):
            for inner in inner_lists(statement):
                found += _own_labels(inner)
    return found


def unrolled(statements: list[Statement]) -> list[Statement]:
    """Return the statements with every loop of their own level taken apart."""
    found: list[Statement] = []
    for statement in statements:
        if isinstance(statement, Loop):
            for inner in statement.rounds:
                found += unrolled(inner)
        else:
            found.append(statement)
    return found
