"""Labels: which stages have the key that their position gives anyway, and which keys form a scope of their own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from archdsl.importers.statements import Gather, Group, Head, Join, Loop, Mark, Skip, Stage, Start, Statement, inner_lists


def numbered(statements: list[Statement]) -> list[Statement]:
    """Return the statements of a scope with scopes for dotted keys, and note which stages are labelled by their position."""
    statements = _scoped(statements)
    _count(statements, 0, set())
    by_position = _automatic(statements)
    kept, removed = _without_idle(statements)
    if removed:
        _count(kept, 0, set())
        if _automatic(kept) >= by_position:
            return _apart(kept)
        while _does_nothing(statements[-1]):  # no position follows that needs it
            statements.pop()
        _count(statements, 0, set())
    return _apart(statements)


def _apart(statements: list[Statement]) -> list[Statement]:
    """Label the stages without tensors whose position is the label of another stage."""
    own = list(_own_stages(statements))
    labels = {stage.label for stage in own if stage.label is not None and not stage.automatic}
    labels |= {group.label for group in _own_groups(statements)}
    for stage in own:
        if stage.label is None and isinstance(stage.callee, str) and str(stage.position) in labels:
            stage.label = next(name for name in _names(stage.callee) if name not in labels)
            labels.add(stage.label)
    return statements


def _names(callee: str) -> Iterator[str]:
    name = "parts" if callee == "split" else callee
    yield name
    yield from (f"{name}{n}" for n in count(2))


def _own_stages(statements: list[Statement]) -> Iterator[Stage]:
    """Yield the stages of a scope, without those of scopes inside."""
    for statement in statements:
        if isinstance(statement, Stage):
            if not statement.run:
                yield statement
        elif isinstance(statement, Skip | Join | Loop | Gather):
            for inner in inner_lists(statement):
                yield from _own_stages(inner)


def _own_groups(statements: list[Statement]) -> Iterator[Group]:
    for statement in statements:
        if isinstance(statement, Group):
            yield statement
        elif isinstance(statement, Skip | Join | Loop | Gather):
            for inner in inner_lists(statement):
                yield from _own_groups(inner)


def _without_idle(statements: list[Statement]) -> tuple[list[Statement], int]:
    """Return the statements of a scope without those that do nothing, and the number of these."""
    kept: list[Statement] = []
    removed = 0
    for statement in statements:
        if _does_nothing(statement):
            removed += 1
            continue
        if isinstance(statement, Skip):
            (body, n), (shortcut, m) = _without_idle(statement.body), _without_idle(statement.shortcut)
            statement, removed = Skip(body, shortcut, statement.taken, statement.drop), removed + n + m
        elif isinstance(statement, Join):
            branches = [_without_idle(branch) for branch in statement.branches]
            statement = Join(statement.op, statement.args, [branch for branch, _ in branches])
            removed += sum(n for _, n in branches)
        kept.append(statement)
    return kept, removed


def _does_nothing(statement: Statement) -> bool:
    """Whether a stage is a dropout with a probability of zero, which only takes a position."""
    return isinstance(statement, Stage) and statement.callee in ("dropout", "droppath") and statement.args["p"] == 0


def _automatic(statements: list[Statement]) -> int:
    """Return the number of stages of a scope that their positions label."""
    found = 0
    for statement in statements:
        if isinstance(statement, Stage):
            found += statement.automatic
        elif isinstance(statement, Skip | Join | Loop | Gather):
            found += sum(_automatic(inner) for inner in inner_lists(statement))
    return found


def _scoped(statements: list[Statement]) -> list[Statement]:
    """Put neighbours whose keys begin alike (`layers.0`, `layers.1`) into a group of that name."""
    found: list[Statement] = []
    at = 0
    while at < len(statements):
        first = _common_part(statements[at])
        end = _end_of_run(statements, at, first)
        others = (label.partition(".")[0] for s in statements[:at] + statements[end:] for label in _labels(s))
        if first is None or first in others:
            found.append(statements[at])
            at += 1
            continue
        run = statements[at:end]
        for statement in run:
            _strip(statement, first + ".")
        found.append(Group(first, numbered(run)))
        at = end
    return found


def _end_of_run(statements: list[Statement], at: int, first: str | None) -> int:
    """Return the end of the statements from one on whose keys begin alike; ops without tensors may be among them."""
    end = last = at + 1
    while first is not None and end < len(statements):
        if _common_part(statements[end]) == first:
            last = end + 1
        elif not isinstance(statements[end], Stage) or _labels(statements[end]):
            break
        end += 1
    return last


def _common_part(statement: Statement) -> str | None:
    """Return the first part of all keys in a statement if they are dotted and begin alike."""
    labels = _labels(statement)
    parts = {label.partition(".")[0] for label in labels}
    return parts.pop() if len(parts) == 1 and all("." in label for label in labels) else None


def _labels(statement: Statement) -> list[str]:
    if isinstance(statement, Stage):
        return [statement.label] if statement.label is not None else []
    if isinstance(statement, Group):
        return ["" if statement.member else statement.label]
    if isinstance(statement, Mark | Start | Head | Gather):
        return [] if isinstance(statement, Start) else [""]
    return [label for inner in inner_lists(statement) for item in inner for label in _labels(item)]


def _strip(statement: Statement, prefix: str) -> None:
    if isinstance(statement, Stage | Group):
        if statement.label is not None:
            statement.label = statement.label.removeprefix(prefix)
        return
    for inner in inner_lists(statement):
        for item in inner:
            _strip(item, prefix)


def _count(statements: list[Statement], at: int, families: set[str]) -> int:
    """Number the stages of a scope from `at`; return the next number."""
    for statement in statements:
        if isinstance(statement, Stage):
            label = statement.label
            if statement.run:
                continue
            if label is not None and "." in label and label.partition(".")[0] in families:
                continue
            if label is not None and "." in label:
                families.add(label.partition(".")[0])
            statement.automatic, statement.position = label == str(at), at
            at += 1
        elif isinstance(statement, Group):
            at += 1
        elif isinstance(statement, Skip | Join | Loop | Gather):
            for inner in inner_lists(statement):
                at = _count(inner, at, families)
        elif isinstance(statement, Head):
            at += 1
    return at
