"""W0121: a statement that names the value that `x` is already, as `stem` alone on the line after `stem: conv(64, 7)`.

It is likely meant to run the stages of `stem` again, which nothing does. In a loop or an `if` it may be needed in another case,
alone in braces it says that they are empty, and in a join it is a branch: these are not reported. A label that is called like an
op, a block or a parameter is a key alone, so that its name is a stage. `p: param([4])` leaves `x` as it is, so that `p` begins
with it. A value right before a statement that begins with another one, as in `sub: { a; b }`, goes nowhere either.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from itertools import pairwise

from archdsl.diagnostics import Diagnostic, codes
from archdsl.lints.edits import without_statement
from archdsl.lints.rule import Tree, TreeRule
from archdsl.ops import Op
from archdsl.syntax import nodes as ast


def _check(tree: Tree) -> Iterable[Diagnostic]:
    for definition in tree.definitions.values():
        if isinstance(definition, ast.Block | ast.Network) and tree.is_sound_in(definition):
            keys: set[str] = {*Op.registry.names(), *tree.definitions, *(parameter.name for parameter in definition.parameters)}
            values = {one.name for one in definition.body.statements if isinstance(one, ast.Input)}
            values |= {
                label.name for label in ast.walk(definition.body) if isinstance(label, ast.Label) and label.name is not None
            }
            for body in _bodies(definition.body):
                yield from _idle(body, keys) if len(body.statements) > 1 else ()
                yield from _dropped(body, values - keys)


def _bodies(body: ast.Body) -> Iterator[ast.Body]:
    """Yield a body and those of the groups and skips in it, which run once, one statement after the other."""
    yield body
    for statement in body.statements:
        pipeline = statement.pipeline if isinstance(statement, ast.Aux | ast.Output) else statement
        for stage in pipeline.stages if isinstance(pipeline, ast.Pipeline) else ():
            if isinstance(stage, ast.Group | ast.Skip):
                yield from _bodies(stage.body)


def _dropped(body: ast.Body, values: Container[str]) -> Iterator[Diagnostic]:
    """Yield what is wrong with statements that only name a value, right before one that begins with another value."""
    for before, behind in pairwise(body.statements):
        if not isinstance(before, ast.Pipeline) or not isinstance(behind, ast.Pipeline) or (name := _value(before)) not in values:
            continue
        stage = behind.stages[0]
        first = ast.bare(stage.call) if isinstance(stage, ast.CallStage) else None
        if isinstance(first, ast.Name) and first.id in values:
            yield codes.habits.DroppedValue(str(name), first.span, without_statement(before.span)).at(before.span)


def _idle(body: ast.Body, keys: Container[str]) -> Iterator[Diagnostic]:
    """Yield what is wrong with statements that only name what the statement before them has labelled."""
    current: ast.Label | None = None
    for statement in body.statements:
        if not isinstance(statement, ast.Pipeline) or _declares(statement):
            continue  # heads, outputs, constants and claims leave `x` as it is, and so does a `param`
        name = _value(statement)
        if name is not None and (name == "x" or (current is not None and current.name == name and name not in keys)):
            made_by = current.span if current is not None and name != "x" else None
            yield codes.habits.IdleValue(name, made_by, without_statement(statement.span)).at(statement.span)
        else:
            label = statement.label
            current = label if label is not None and label.name and not label.indices else None


def _declares(statement: ast.Pipeline) -> bool:
    """Return whether a statement only declares a value of its own, as `cls: param([1, 64])` does."""
    stage = statement.stages[0] if len(statement.stages) == 1 and statement.label is not None else None
    call = ast.bare(stage.call) if isinstance(stage, ast.CallStage) else None
    callee = ast.bare(call.callee) if isinstance(call, ast.CallExpr) else None
    op = Op.registry.get(callee.id) if isinstance(callee, ast.Name) else None
    return op is not None and op.arity == 0


def _value(statement: ast.Pipeline) -> str | None:
    """Return the name that is the whole statement; None if it is more, or computed."""
    if statement.label is not None or len(statement.stages) != 1 or not isinstance(stage := statement.stages[0], ast.CallStage):
        return None
    named = ast.bare(stage.call)
    return named.id if isinstance(named, ast.Name) else None


RULE = TreeRule("W0121", _check)
