"""W0125: `let width = width * 2` in a loop, which reads the constant outside in each round and so never grows.

What reads the counter of the loop, another constant of the round or a size may differ from round to round, and is meant.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics import Diagnostic, codes
from archdsl.lints.rule import Tree, TreeRule
from archdsl.syntax import nodes as ast


def _check(tree: Tree) -> Iterable[Diagnostic]:
    for definition in tree.definitions.values():
        if isinstance(definition, ast.Block | ast.Network) and tree.is_sound_in(definition):
            for loop in ast.walk(definition.body):
                if isinstance(loop, ast.For | ast.Repeat):
                    yield from _in_round(loop)


def _in_round(loop: ast.For | ast.Repeat) -> Iterable[Diagnostic]:
    changing = {"x", *(loop.names if isinstance(loop, ast.For) else ())}
    for statement in loop.body.statements:
        if not isinstance(statement, ast.Let):
            continue
        read = [name for name in ast.names(statement.value) if name.id == statement.name]
        if read and statement.parameters is None and not _changes(statement.value, changing):
            yield codes.misread_bodies.AnewInEachRound(statement.name, read[0].span).at(statement.span)
        changing.add(statement.name)


def _changes(value: ast.Expr, changing: set[str]) -> bool:
    """Return whether a value may differ from round to round: it reads something of the round, or a size."""
    names = {name.id for name in ast.names(value)}
    return bool(names & changing) or any(isinstance(node, ast.Attribute) for node in ast.walk(value))


RULE = TreeRule("W0125", _check)
