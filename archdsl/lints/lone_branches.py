"""W0123: `add { conv(16, 3) }`, a join of one branch, which joins nothing.

Each statement in the braces is a branch, and what flows in is one if `x` is written. A loop or an `if` may give any number of
branches, and is not reported.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from archdsl.diagnostics import Diagnostic, Edit, codes
from archdsl.lints.rule import Tree, TreeRule
from archdsl.syntax import nodes as ast

_WITH_INPUT: Final = frozenset({"add", "mul", "concat"})
"""Joins that are often meant with what flows in."""


def _check(tree: Tree) -> Iterable[Diagnostic]:
    for definition in tree.definitions.values():
        if not isinstance(definition, ast.Block | ast.Network) or not tree.is_sound_in(definition):
            continue
        for join in ast.walk(definition.body):
            if isinstance(join, ast.Join) and len(join.body.statements) == 1:
                branch = join.body.statements[0]
                if isinstance(branch, ast.Pipeline) and not isinstance(branch.stages[0], ast.For | ast.If | ast.Repeat):
                    yield _finding(join, branch)


def _finding(join: ast.Join, branch: ast.Pipeline) -> Diagnostic:
    stage = branch.stages[0]
    name = ast.bare(stage.call) if isinstance(stage, ast.CallStage) else None
    is_x = len(branch.stages) == 1 and isinstance(name, ast.Name) and name.id == "x"
    edit = Edit(branch.span._replace(end=branch.span.start), "x; ") if join.kind in _WITH_INPUT and not is_x else None
    return codes.misread_bodies.LoneBranch(join.kind, branch.span.text, edit).at(join.keyword)


RULE = TreeRule("W0123", _check)
