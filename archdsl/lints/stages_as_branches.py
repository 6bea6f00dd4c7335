"""W0124: `add { conv(16, 3); bn }`, where the second statement is a branch and not the next stage of the first.

Only a normalization or activation by itself is reported, and only right behind a branch that ends with a layer. As a branch of
a RepVGG block, `bn` stands behind others that end with a norm; a gate such as `mul { conv(16, 1); sigmoid }` may be meant.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from archdsl.diagnostics import Diagnostic, Edit, codes
from archdsl.lints.rule import Tree, TreeRule
from archdsl.ops import Category, Op
from archdsl.source import Span
from archdsl.syntax import nodes as ast

_JOINS: Final = frozenset({"add", "concat", "shake"})
_LAYERS: Final = frozenset({Category.CONVOLUTION, Category.DENSE})
_FOLLOWERS: Final = frozenset({Category.NORMALIZATION, Category.ACTIVATION})


def _check(tree: Tree) -> Iterable[Diagnostic]:
    for definition in tree.definitions.values():
        if isinstance(definition, ast.Block | ast.Network) and tree.is_sound_in(definition):
            for join in ast.walk(definition.body):
                if isinstance(join, ast.Join) and join.kind in _JOINS:
                    for body in _bodies(join.body):
                        yield from _in_body(tree, join, body)


def _bodies(body: ast.Body) -> Iterable[ast.Body]:
    """Yield the bodies whose statements are branches: that of a join, and those of its loops and `if`."""
    yield body
    for statement in body.statements:
        stage = statement.stages[0] if isinstance(statement, ast.Pipeline) and len(statement.stages) == 1 else None
        if isinstance(stage, ast.For | ast.Repeat):
            yield from _bodies(stage.body)
        elif isinstance(stage, ast.If):
            for arm in stage.arms:
                yield from _bodies(arm.body)


def _in_body(tree: Tree, join: ast.Join, body: ast.Body) -> Iterable[Diagnostic]:
    for before, behind in pairwise(body.statements):
        if not isinstance(before, ast.Pipeline) or not isinstance(behind, ast.Pipeline) or behind.label is not None:
            continue
        layer, follower = before.stages[-1], behind.stages[0]
        if _category(tree, layer) in _LAYERS and len(behind.stages) == 1 and _category(tree, follower) in _FOLLOWERS:
            between = Span(before.span.file, before.span.end, behind.span.start)
            finding = codes.misread_bodies.StageAsBranch(
                join.kind, follower.span.text, layer.span.text, layer.span, Edit(between, " -> ")
            )
            yield finding.at(follower.span)


def _category(tree: Tree, stage: ast.Stage) -> Category | None:
    """Return what the op of a stage is for; None if it is a block, or no call of an op."""
    call = ast.bare(stage.call) if isinstance(stage, ast.CallStage) else None
    name = ast.bare(call.callee) if isinstance(call, ast.CallExpr) else call
    if not isinstance(name, ast.Name) or name.id in tree.definitions:
        return None
    op = Op.registry.get(name.id)
    return op.category if op is not None else None


RULE = TreeRule("W0124", _check)
