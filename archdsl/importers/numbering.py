"""Labels: which stages have the key that their position gives anyway, and which keys form a scope of their own."""

from __future__ import annotations

from archdsl.importers.statements import Group, Head, Join, Loop, Mark, Skip, Stage, Start, Statement, inner_lists


def numbered(statements: list[Statement]) -> list[Statement]:
    """Return the statements of a scope with scopes for dotted keys, and note which stages are labelled by their position."""
    statements = _scoped(statements)
    _count(statements, 0, set())
    return statements


def _scoped(statements: list[Statement]) -> list[Statement]:
    """Put neighbours whose keys begin alike (`layers.0`, `layers.1`) into a group of that name."""
    found: list[Statement] = []
    at = 0
    while at < len(statements):
        first = _common_part(statements[at])
        end = at + 1
        while first is not None and end < len(statements) and _common_part(statements[end]) == first:
            end += 1
        others = [_common_part(s) for s in statements[:at] + statements[end:]]
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


def _common_part(statement: Statement) -> str | None:
    """Return the first part of all keys in a statement if they are dotted and begin alike."""
    labels = _labels(statement)
    parts = {label.partition(".")[0] for label in labels}
    return parts.pop() if len(parts) == 1 and all("." in label for label in labels) else None


def _labels(statement: Statement) -> list[str]:
    if isinstance(statement, Stage):
        return [statement.label] if statement.label is not None else []
    if isinstance(statement, Group):
        return [statement.label]
    if isinstance(statement, Mark | Start | Head):
        return [""] if isinstance(statement, Mark | Head) else []
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
            if label is not None and "." in label and label.partition(".")[0] in families:
                continue
            if label is not None and "." in label:
                families.add(label.partition(".")[0])
            statement.automatic = label == str(at)
            if statement.callee == "param" or (label is None and not isinstance(statement.callee, str)):
                pass
            at += 1
        elif isinstance(statement, Group):
            at += 1
        elif isinstance(statement, Skip | Join | Loop):
            for inner in inner_lists(statement):
                at = _count(inner, at, families)
        elif isinstance(statement, Head):
            at += 1
    return at
