"""Bodies and statements: each is handed to the handler of its kind, and what is wrong with one is reported before the next.

After an error, what the statement would have made or bound is unknown, so that one mistake gives one error.
"""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.diagnostics import SpecError
from archdsl.elaborate import budget
from archdsl.elaborate.context import Context
from archdsl.elaborate.labels import bind_unknown
from archdsl.elaborate.naming import Key, Naming
from archdsl.elaborate.values import UNKNOWN, Environment, MaybeValue
from archdsl.syntax import nodes as ast


def run_body(context: Context, body: ast.Body, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Run the statements of a body from `x` on, and return what the last one leaves."""
    outer, context.scope = context.scope, naming.scope
    try:
        context.enter(body)
        handlers, damage = context.handlers.statements, env.module.file.damage
        for statement in body.statements:
            env.names["x"] = x
            try:
                if damage is not None and damage.holds(statement.span.start):
                    x = run_doubtful(context, statement, env, x, naming)
                else:
                    x = handlers[statement.__class__](context, statement, env, x, naming)
            except SpecError as error:
                context.failed(error)
                after_error(context, statement, env, naming)
                if isinstance(statement, ast.Pipeline | ast.Input) and not context.declares(statement):
                    x = UNKNOWN
        env.names["x"] = x
        return x
    finally:
        context.leave()
        context.scope = outer


def run_statement(context: Context, statement: ast.Statement, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Return the value of `x` behind a statement. Raise `SpecError` if something is wrong with it."""
    return context.handlers.statements[statement.__class__](context, statement, env, x, naming)


def run_stage(
    context: Context, stage: ast.Stage, env: Environment, x: MaybeValue, naming: Naming, key: Key | None = None
) -> MaybeValue:
    """Return the value of `x` behind a stage. Raise `SpecError` if something is wrong with it."""
    return context.handlers.stages[stage.__class__](context, stage, env, x, naming, key)


def run_stages(context: Context, stages: tuple[ast.Stage, ...], env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Run stages one after the other. Those behind a mistake are still examined."""
    context.budget.charge(budget.STAGE * len(stages), stages[0].span)
    handlers = context.handlers.stages
    for stage in stages:
        env.names["x"] = x
        context.pipeline = stages
        try:
            x = handlers[stage.__class__](context, stage, env, x, naming, None)
        except SpecError as error:
            context.failed(error)
            naming.unsure = True
            for label in _labels_in(stage):
                bind_unknown(context, label, env, naming.parts)
            x = UNKNOWN
    return x


def _labels_in(stage: ast.Stage) -> Iterator[ast.Label]:
    """Yield the labels in a loop or `if`, which belong to the body around it."""
    bodies = [arm.body for arm in stage.arms] if isinstance(stage, ast.If) else []
    for body in [stage.body] if isinstance(stage, ast.Repeat | ast.For) else bodies:
        for statement in body.statements:
            if isinstance(statement, ast.Pipeline):
                if statement.label is not None:
                    yield statement.label
                for inner in statement.stages:
                    yield from _labels_in(inner)


def run_doubtful(context: Context, statement: ast.Statement, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Examine the bodies in a statement that holds a syntax error; what it makes or defines is not known."""
    pipeline = statement.pipeline if isinstance(statement, ast.Aux | ast.Output | ast.Declaration) else statement
    if isinstance(pipeline, ast.Pipeline) and not all(isinstance(stage, ast.CallStage) for stage in pipeline.stages):
        run_statement(context, statement, env, x, naming)
    hide(env, naming)
    after_error(context, statement, env, naming)
    return UNKNOWN


def after_error(context: Context, statement: ast.Statement, env: Environment, naming: Naming) -> None:
    """Bind what a failed statement would have bound, as unknown, so that nothing follows from the error."""
    naming.unsure = naming.parts.partial = True
    if isinstance(statement, ast.Let | ast.Input):
        env.names[statement.name] = UNKNOWN
    pipeline = statement.pipeline if isinstance(statement, ast.Aux | ast.Output | ast.Declaration) else statement
    if isinstance(pipeline, ast.Pipeline) and pipeline.label is not None:
        bind_unknown(context, pipeline.label, env, naming.parts)


def hide(env: Environment, naming: Naming) -> None:
    """Note that a syntax error may hide names and positions."""
    around: Environment | None = env
    while around is not None:  # an indexed label is visible outside of the loop around it
        around.damaged, around = True, around.outer
    naming.unsure = naming.parts.partial = True
