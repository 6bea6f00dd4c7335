"""Differences between runs: settings, keys of the recipe, and lines of the spec."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import unified_diff
from typing import NamedTuple

from archdsl.literals import show
from archdsl.runs.record import RunRecord
from archdsl.source import SourceFile
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import parse_expression

_RECIPE = "train."


def values_of(record: RunRecord) -> dict[str, str]:
    """Return what was set for a run, as text: parameters of the network by name, and every key of the recipe as `train.KEY`."""
    settings = record.facts.get("settings")
    own = (
        {key: str(value) for key, value in settings.items() if not key.startswith(_RECIPE)} if isinstance(settings, dict) else {}
    )
    sizes = record.facts.get("sizes")
    own |= {"size": ", ".join(map(str, sizes))} if isinstance(sizes, list) and sizes else {}
    for key, value in record.recipe.items():
        own |= _parts(f"{_RECIPE}{key}", _shown(value))
    return own


def _parts(key: str, text: str) -> dict[str, str]:
    """Return a value of a recipe by key: of a call such as `sgd(lr = 0.1)` its name, and each argument as `KEY.lr`."""
    tree = parse_expression(SourceFile(key, text))[0] if text.endswith(")") else None
    if not isinstance(tree, ast.CallExpr) or not all(argument.name for argument in tree.arguments):
        return {key: text}
    return {key: tree.callee.span.text} | {f"{key}.{argument.name}": argument.value.span.text for argument in tree.arguments}


def _shown(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return value if isinstance(value, str) else show(value)


def varying(records: Sequence[RunRecord]) -> list[dict[str, str]]:
    """Return for each run the values that are not the same in all runs of its network that have begun."""
    found = []
    for record in records:
        beside = [values_of(other) for other in records if other.network == record.network and other.recipe]
        own = values_of(record) if record.recipe else {}
        found.append({key: value for key, value in own.items() if any(other.get(key) != value for other in beside)})
    return found


class SpecChange(NamedTuple):
    """A file of the specs of two runs that differs, with the lines that only one has."""

    file: str
    removed: tuple[str, ...]
    added: tuple[str, ...]


def spec_changes(one: RunRecord, other: RunRecord) -> list[SpecChange]:
    """Return the files of two specs that differ, without comments and blank lines."""
    before, after = one.spec, other.spec
    if len(before) == len(after) == 1:  # the file may have been renamed
        after = dict(zip(before, after.values(), strict=True))
    found = []
    for file in sorted(before.keys() | after.keys()):
        changed = list(unified_diff(_lines(before.get(file, "")), _lines(after.get(file, "")), n=0, lineterm=""))[2:]
        removed = tuple([line[1:] for line in changed if line.startswith("-")])
        added = tuple([line[1:] for line in changed if line.startswith("+")])
        if removed or added:
            found.append(SpecChange(file, removed, added))
    return found


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
