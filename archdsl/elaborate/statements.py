"""Statements of every body: pipelines and `let`."""

from __future__ import annotations

from archdsl.diagnostics import SpecError, codes
from archdsl.elaborate.context import Context
from archdsl.elaborate.dispatcher import hide, run_stage, run_stages
from archdsl.elaborate.labels import bind_label, label_key
from archdsl.elaborate.naming import Naming, Scope
from archdsl.elaborate.stages import grouped
from archdsl.elaborate.values import NO_INPUT, UNKNOWN, Environment, MaybeValue
from archdsl.syntax import nodes as ast


def statement(context: Context, statement: ast.Pipeline, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Run a pipeline that stands in a body. An op without an input declares a value, and leaves `x` as it is."""
    context.declared = None
    made = pipeline(context, statement, env, x, naming)
    if not context.declares(statement):
        return made
    if statement.label is None:
        raise SpecError(codes.structure.UnnamedValue(statement.span.text).at(statement.span))
    return x


def pipeline(context: Context, pipeline: ast.Pipeline, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Run the stages of a pipeline, and bind its label."""
    if x is NO_INPUT:
        context.report(codes.structure.BeforeInput().at(pipeline.span))
        env.names["x"] = x = UNKNOWN
    label, stages = pipeline.label, pipeline.stages
    if label is None:
        return run_stages(context, stages, env, x, naming)
    index = UNKNOWN if label.index is None else context.evaluator.count(label.index, env, "the index of a label")
    key = label_key(context, label, index, env, naming)
    if key is None:
        with context.out_of_the_graph():
            inner = naming if len(stages) == 1 else Naming(Scope("", naming.scope, "group", pipeline.span))
            x = run_stages(context, stages, env, x, inner)
    elif len(stages) == 1:
        x = run_stage(context, stages[0], env, x, naming, key)
    else:
        x = grouped(context, naming, key, pipeline.span, lambda inner: run_stages(context, stages, env, x, inner))
    bind_label(context, label, env, index, x)
    return x


def let(context: Context, let: ast.Let, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Bind a constant."""
    if let.name == "x":
        raise SpecError(codes.names.CalledX("constant").at(let.span))
    env.names[let.name] = context.evaluator.evaluate(let.value, env)
    return x


def skipped(context: Context, statement: ast.Skipped, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Note that nothing is known of what stood here."""
    hide(env, naming)
    return UNKNOWN
