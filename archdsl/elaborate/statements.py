"""Statements of every body: pipelines and `let`."""

from __future__ import annotations

from dataclasses import replace

from archdsl.diagnostics import SpecError, codes
from archdsl.elaborate import budget
from archdsl.elaborate.context import Context
from archdsl.elaborate.declared import DeclaredModule
from archdsl.elaborate.dispatcher import hide, run_stage, run_stages
from archdsl.elaborate.functions import make_function
from archdsl.elaborate.groups import grouped
from archdsl.elaborate.labels import bind_each, bind_family, bind_label, label_indices, label_key
from archdsl.elaborate.naming import Naming, Scope
from archdsl.elaborate.values import NO_INPUT, UNKNOWN, Environment, MaybeValue, Several, Unknown
from archdsl.ir import Value
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
    if label is None or label.each:
        made = run_stages(context, stages, env, x, naming)
        return _unlabelled(pipeline, x, made) if label is None else bind_each(context, label, env, made, naming.parts)
    indices = label_indices(context, label, env)
    key = label_key(context, label, indices, env, naming)
    if key is None:
        with context.out_of_the_graph():
            inner = naming if len(stages) == 1 else Naming(Scope("", naming.scope, "group", pipeline.span))
            x = run_stages(context, stages, env, x, inner)
    elif len(stages) == 1:
        x = run_stage(context, stages[0], env, x, naming, key)
    elif len(stages) == 2 and _names_value(context, stages[0], env):
        context.pipeline = stages
        env.names["x"] = x = run_stage(context, stages[0], env, x, naming)
        x = run_stage(context, stages[1], env, x, naming, key)
    else:
        x = grouped(context, naming, key, pipeline.span, lambda inner: run_stages(context, stages, env, x, inner))
    inside = key.inside if key is not None else None
    if isinstance(x, Several) and inside is None and _is_unnamed(x, stages[-1]):
        if label.name is not None and not indices and len(stages) == 1:
            return bind_family(context, label, env, x, naming.parts)
        unnamed = codes.several.SeveralUnnamed(stages[-1].span.text, len(x.values), label.span, True, not x.names)
        raise SpecError(unnamed.at(stages[-1].span))
    if isinstance(x, Several):
        within = key.label if key is not None and label.name is not None else None
        x = Several(x.values, x.made, tuple([f"{within}.{name}" for name in x.names]) if within is not None else ())
    if inside is not None:
        inside = replace(inside, value=x)
    bind_label(context, label, env, indices, x, naming.parts, inside)
    return x


def _names_value(context: Context, stage: ast.Stage, env: Environment) -> bool:
    """Return whether a stage is the name of a value, which is no stage for a label."""
    call = ast.bare(stage.call) if isinstance(stage, ast.CallStage) else None
    if not isinstance(call, ast.Name | ast.Attribute | ast.Index):
        return False
    try:
        return isinstance(context.evaluator.evaluate(call, env), Value | Unknown)
    except SpecError:
        return False  # it is reported where the stage runs


def _unlabelled(pipeline: ast.Pipeline, before: MaybeValue, made: MaybeValue) -> MaybeValue:
    """Return what a pipeline without a label makes. Raise `SpecError` if it is several values, of which none has a name."""
    if not isinstance(made, Several) or made is before:
        return made
    last = pipeline.stages[-1]
    if _is_unnamed(made, last):
        begin = pipeline.span._replace(end=pipeline.span.start)
        unnamed = codes.several.SeveralUnnamed(last.span.text, len(made.values), begin, of_an_op=not made.names)
        raise SpecError(unnamed.at(last.span))
    return Several(made.values, made.made) if isinstance(last, ast.Group) else made  # the names end with the braces


def _is_unnamed(x: MaybeValue, last: ast.Stage) -> bool:
    """Return whether the last stage of a pipeline is an op or a block that gives several values."""
    return isinstance(x, Several) and isinstance(last, ast.CallStage)


def let(context: Context, let: ast.Let, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Bind a constant."""
    if let.name == "x":
        raise SpecError(codes.names.CalledX("constant").at(let.span))
    if isinstance(env.names.get(let.name), DeclaredModule):
        raise SpecError(codes.modules.NameTaken(let.name).at(let.span))
    if let.parameters is None:
        env.names[let.name] = context.evaluator.evaluate(let.value, env)
        return x
    first: dict[str, ast.Parameter] = {}
    for parameter in let.parameters:
        if parameter.name == "x":
            raise SpecError(codes.definitions.ParameterCalledX().at(parameter.span))
        if parameter.name in first:
            twice = codes.definitions.ParameterTwice(first[parameter.name].span, let.name, parameter.name)
            raise SpecError(twice.at(parameter.span))
        first[parameter.name] = parameter
    context.budget.charge(budget.STAGE, let.span)
    env.names[let.name] = make_function(context.evaluator, let, env)
    return x


def skipped(context: Context, statement: ast.Skipped, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Note that nothing is known of what stood here."""
    hide(env, naming)
    return UNKNOWN
