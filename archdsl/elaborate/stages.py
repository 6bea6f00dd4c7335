"""Stages between arrows: ops, blocks and values by name, and groups in braces."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from archdsl.diagnostics import SpecError, codes
from archdsl.elaborate.apply import apply_op
from archdsl.elaborate.arguments import no_stage
from archdsl.elaborate.blocks import call_block
from archdsl.elaborate.context import Context
from archdsl.elaborate.declared import DeclaredModule
from archdsl.elaborate.dispatcher import run_body
from archdsl.elaborate.groups import grouped
from archdsl.elaborate.modules import declaring_edits, run_module
from archdsl.elaborate.naming import Key, Naming
from archdsl.elaborate.unwritten_channels import with_input_unwritten
from archdsl.elaborate.values import UNKNOWN, Callee, Environment, MaybeValue, Several, Unknown
from archdsl.ir import Value
from archdsl.ir.core import NO_NAMES
from archdsl.ops import Op
from archdsl.source import Span
from archdsl.syntax import nodes as ast


def call_stage(
    context: Context, stage: ast.CallStage, env: Environment, x: MaybeValue, naming: Naming, key: Key | None
) -> MaybeValue:
    """Apply an op, call a block, or take up a value of the network."""
    call = ast.bare(stage.call)
    known = context.op_cache.find(call, env)
    if known is not None:
        texts = context.expression_texts.of(call, known.__class__, None, env)
        return _op_at(context, known, (), call.span, x, naming, key, None, texts)
    try:
        value = context.evaluator.evaluate(call, env)
    except SpecError as error:
        raise _stage_error(context, error, call, env) from None
    if isinstance(value, Callee):
        if isinstance(value.target, ast.Definition):
            return call_block(context, value, call, env, x, naming, key)
        return _op(context, value, call, env, x, naming, key)
    if isinstance(value, DeclaredModule):
        return run_module(context, value, call.span, x, key)
    if isinstance(value, Value):
        _check_begins_pipeline(context, stage, call, env)
        return context.builder.visible(value)
    if isinstance(value, Unknown):
        return value
    raise no_stage(value, call, context.evaluator, env)


def _stage_error(context: Context, error: SpecError, call: ast.Expr, env: Environment) -> SpecError:
    """Return the error for a stage that has no value: another one if its name is not known."""
    found, name = error.diagnostic, ast.bare(call.callee if isinstance(call, ast.CallExpr) else call)
    while isinstance(name, ast.Attribute):
        name = ast.bare(name.base)
    if not isinstance(found, codes.names.Undefined) or not isinstance(name, ast.Name):
        return error
    if found.span is None or found.span.start != name.span.start or isinstance(found, codes.names.NotInImport):
        return error
    return context.evaluator.name_errors.stage(name, call, env)


def _check_begins_pipeline(context: Context, stage: ast.CallStage, value: ast.Expr, env: Environment) -> None:
    """Raise `SpecError` if a value stands behind an arrow."""
    for before, behind in pairwise(context.pipeline):
        if behind is stage:
            if isinstance(value, ast.Name) and value.id == "x":
                raise SpecError(codes.structure.FlowNamed(before.span)).at(value.span)
            raise SpecError(codes.structure.ReplacedValue(value.span.text, before.span, declaring_edits(value, env))).at(
                value.span
            )


def _check_takes_flow(context: Context, group: ast.Group, env: Environment) -> None:
    """Raise `SpecError` if a brace behind an arrow begins with a value."""
    for before, behind in pairwise(context.pipeline):
        if behind is group and group.body.statements and isinstance(first := group.body.statements[0], ast.Pipeline):
            stage = first.stages[0]
            name = ast.bare(stage.call) if isinstance(stage, ast.CallStage) else None
            if isinstance(name, ast.Name) and name.id != "x" and isinstance(env.find(name.id), Value):
                raise SpecError(codes.structure.ReplacedValue(name.id, before.span)).at(name.span)


def _op(
    context: Context, callee: Callee, call: ast.Expr, env: Environment, x: MaybeValue, naming: Naming, key: Key | None
) -> MaybeValue:
    assert isinstance(callee.target, type)
    if not issubclass(callee.target, Op):
        raise SpecError(codes.expressions.InitializerAsStage(callee.name).at(call.span))
    try:
        made = context.binder.declared(callee, call.span)
        if isinstance(made, Unknown):
            return _op_at(context, None, (), call.span, UNKNOWN, naming, key)
        op, operands = made
        assert isinstance(op, Op)
        if not operands:
            context.op_cache.keep(call, env, op)
        texts = context.expression_texts.of(call, callee.target, callee, env)
        return _op_at(context, op, operands, call.span, x, naming, key, callee, texts)
    except SpecError as error:
        raise with_input_unwritten(error, callee, x) from None


def _op_at(
    context: Context,
    op: Op | None,
    operands: tuple[Value, ...],
    span: Span,
    x: MaybeValue,
    naming: Naming,
    key: Key | None,
    callee: Callee | None = None,
    expressions: Mapping[str, str] = NO_NAMES,
) -> MaybeValue:
    """Apply an op at its place in a scope. The result is unknown if its input or arguments are."""
    place = naming.place(None, span) if key is None else key.place()
    if isinstance(x, Several):
        raise x.read(span)
    if op is None or isinstance(x, Unknown):
        return UNKNOWN
    made = apply_op(context, op, (x, *operands), place, span, callee, key, expressions)
    return made[0] if len(made) == 1 else Several(tuple(made), span)


def group(context: Context, group: ast.Group, env: Environment, x: MaybeValue, naming: Naming, key: Key | None) -> MaybeValue:
    """Run a brace in a scope of its own if it is labelled."""
    _check_takes_flow(context, group, env)
    inside = Environment(env, env.module)
    return grouped(context, naming, key, group.span, lambda inner: run_body(context, group.body, inside, x, inner))
