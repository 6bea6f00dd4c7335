"""W0129: names that do not mean what they seem to: `add { x; relu }` below a label `relu`, and a label that hides an input.

A label that is called like an op is a key alone, and the name still means the op. In a join, where the names of values are
branches, an op alone is reported below such a label; `relu()` is not. A label that is called like an input is reported if its
name is read below.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics import Diagnostic, codes
from archdsl.lints.rule import Tree, TreeRule
from archdsl.ops import Op
from archdsl.syntax import nodes as ast


def _check(tree: Tree) -> Iterable[Diagnostic]:
    for definition in tree.definitions.values():
        if isinstance(definition, ast.Block | ast.Network) and tree.is_sound_in(definition):
            labels = [label for label in ast.walk(definition.body) if isinstance(label, ast.Label) and label.name is not None]
            yield from _ops(tree, definition, [label for label in labels if label.name in Op.registry])
            yield from _inputs(definition, labels)


def _ops(tree: Tree, definition: ast.Block | ast.Network, labels: list[ast.Label]) -> Iterable[Diagnostic]:
    """Yield findings about ops that stand alone as branches below a label of their name."""
    others = {*tree.definitions, *(parameter.name for parameter in definition.parameters)} if labels else set[str]()
    for join in ast.walk(definition.body) if labels else ():
        for statement in join.body.statements if isinstance(join, ast.Join) else ():
            name = _alone(statement)
            first = next((label for label in labels if label.name == name and label.span.start < statement.span.start), None)
            if name is not None and first is not None and name not in others:
                yield codes.misread_bodies.OpAsBranch(name, first.span).at(statement.span)


def _alone(statement: ast.Statement) -> str | None:
    """Return the name that is the whole statement; None if it is more."""
    stage = statement.stages[0] if isinstance(statement, ast.Pipeline) and len(statement.stages) == 1 else None
    call = ast.bare(stage.call) if isinstance(stage, ast.CallStage) else None
    return call.id if isinstance(call, ast.Name) and isinstance(statement, ast.Pipeline) and statement.label is None else None


def _inputs(definition: ast.Block | ast.Network, labels: list[ast.Label]) -> Iterable[Diagnostic]:
    """Yield findings about labels that hide an input whose name is read below them."""
    inputs = {one.name: one for one in definition.body.statements if isinstance(one, ast.Input)}
    for label in labels:
        hidden = inputs.get(label.name or "")
        if hidden is None or label.indices:
            continue
        read = next(
            (name for name in ast.names(definition.body) if name.id == label.name and name.span.start > label.span.end), None
        )
        if read is not None:
            yield codes.misread_bodies.HiddenInput(hidden.name, hidden.span, read.span).at(label.span)


RULE = TreeRule("W0129", _check)
