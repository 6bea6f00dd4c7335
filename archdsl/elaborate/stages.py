"""Stages between arrows: ops, blocks and values by name, and groups in braces."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import Any, Final

from archdsl.diagnostics import Diagnostic, Mark, SpecError, codes
from archdsl.diagnostics.record import Edit
from archdsl.elaborate.apply import apply_op
from archdsl.elaborate.arguments import no_stage
from archdsl.elaborate.blocks import call_block
from archdsl.elaborate.context import Context
from archdsl.elaborate.declared import DeclaredModule
from archdsl.elaborate.dispatcher import run_body
from archdsl.elaborate.fixed_arguments import fix_arguments
from archdsl.elaborate.groups import grouped
from archdsl.elaborate.modules import declaring_edits, run_module
from archdsl.elaborate.naming import Key, Naming
from archdsl.elaborate.tied import is_tied, unembedded
from archdsl.elaborate.values import FUNCTIONS, UNKNOWN, Callee, Environment, MaybeValue, Several, Unknown
from archdsl.ir import Value
from archdsl.ir.core import NO_NAMES
from archdsl.ops import Op
from archdsl.ops.join import Join
from archdsl.source import Span
from archdsl.syntax import nodes as ast


def call_stage(
    context: Context, stage: ast.CallStage, env: Environment, x: MaybeValue, naming: Naming, key: Key | None
) -> MaybeValue:
    """Apply an op, call a block, or take up a value of the network."""
    call = ast.bare(stage.call)
    known = context.op_cache.find(call, env)
    if known is not None:
        if not known.takes_x:
            _check_takes_x(context, stage, call, known.__class__)
        texts = context.expression_texts.of(call, known.__class__, None, env)
        return _op_at(context, known, (), call.span, x, naming, key, None, texts)
    value = _named(context, call, env)
    if isinstance(value, Callee):
        if isinstance(value.target, ast.Definition):
            return call_block(context, value, call, env, x, naming, key)
        if issubclass(value.target, Op) and not value.target.takes_x:
            _check_takes_x(context, stage, call, value.target)
        return _op(context, value, call, env, x, naming, key)
    if isinstance(value, DeclaredModule):
        return run_module(context, value, call.span, x, key)
    if isinstance(value, Value):
        _check_begins_pipeline(context, stage, call, env)
        return context.builder.visible(value)
    if isinstance(value, Unknown):
        return value
    raise no_stage(value, call, context.evaluator, env)


def _named(context: Context, call: ast.Expr, env: Environment) -> Any:
    """Return what a stage names. Raise `SpecError` about stages if its name is undefined."""
    name = ast.bare(call.callee) if isinstance(call, ast.CallExpr) else None
    try:
        if isinstance(call, ast.CallExpr) and isinstance(name, ast.Name) and name.id in FUNCTIONS and name.id in Op.registry:
            callee = context.evaluator.named(name, env)
            if isinstance(callee, Callee):  # in the place of a stage, `max(0)` is the op, and not the function
                return fix_arguments(context.evaluator, callee, call.arguments, env)
        return context.evaluator.evaluate(call, env)
    except SpecError as error:
        raise _stage_error(context, error, call, env) from None


def _check_takes_x(context: Context, stage: ast.CallStage, call: ast.Expr, op: type[Op]) -> None:
    """Raise `SpecError` if something flows into an op that takes nothing of it. Note that one without inputs declares a value."""
    for before, behind in pairwise(context.pipeline):
        if behind is stage:
            operands = op.operands[0] if op.operands else None
            raise SpecError(codes.structure.FlowIgnored(op.name, call.span.text, before.span, operands).at(call.span))
    if op.arity == 0:
        context.declared = stage


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


def _called_join(callee: Callee, takes_number: bool, place: Span) -> Diagnostic:
    """Return the error for a join that is called with values: `add(a, b)`, and `sub(a, 3)`, which is a stage behind `a`."""
    texts = [bound.span.text for bound in callee.positional]
    if len(texts) == 2 and takes_number and isinstance(callee.positional[1].value, int | float):
        begin = "" if texts[0] == "x" else f"{texts[0]} -> "
        return codes.bodies.NotAroundABody(callee.name, "its branches", f"{begin}{callee.name}({texts[1]})", None)
    if len(texts) == 1:  # `x -> add(skipped)` joins what flows with it
        texts = ["x", texts[0] if texts[0] != "x" else "..."]
    written = f"{callee.name} {{ {'; '.join(texts)} }}"
    if texts[-1] == "...":
        return codes.bodies.NotAroundABody(callee.name, "its branches", written, None)
    return codes.bodies.NotAroundABody(callee.name, "its branches", written, Edit(place, written))


def _op(
    context: Context, callee: Callee, call: ast.Expr, env: Environment, x: MaybeValue, naming: Naming, key: Key | None
) -> MaybeValue:
    assert isinstance(callee.target, type)
    if not issubclass(callee.target, Op):
        raise SpecError(codes.expressions.InitializerAsStage(callee.name).at(call.span))
    if issubclass(callee.target, Join) and any(isinstance(bound.value, Callee | Value) for bound in callee.positional):
        raise SpecError(_called_join(callee, callee.target.called, call.span).at(call.span))
    if is_tied(callee):
        return unembedded(context, callee, call.span, x, key)
    try:
        made = context.binder.declared(callee, call.span)
        if isinstance(made, Unknown):
            return _op_at(context, None, (), call.span, UNKNOWN, naming, key)
        op, operands = made
        assert isinstance(op, Op)
        if isinstance(op, Join) and op.joins_branches:
            raise SpecError(codes.calls.CalledWithoutBraces(op.name, op.forms).at(call.span))
        if op.sizes_by_name and isinstance(x, Value):
            from archdsl.elaborate.axis_sizes import with_sources  # here: few ops take sizes by name

            op, operands = with_sources(op, callee, x, env, call.span)
        if not operands:
            context.op_cache.keep(call, env, op)
        texts = context.expression_texts.of(call, callee.target, callee, env)
        return _op_at(context, op, operands, call.span, x, naming, key, callee, texts)
    except SpecError as error:
        label = context.keys_alone.get(call.id) if isinstance(call, ast.Name) else None
        if label is not None:
            raise error.map(lambda found: found.with_notes([_KEY_ALONE]).with_marks([_label(label)])) from None
        from archdsl.elaborate.call_habits import with_habit  # here: most calls are right

        raise with_habit(error, callee, x) from None


_KEY_ALONE: Final = "a label that is called like an op is a key alone, and no value: another label would name the value"


def _label(span: Span) -> Mark:
    return Mark(span, "a key alone")


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
    if op is not None and op.keys_in_scope and key is not None and key.placed is not None:  # a module, which is their scope
        run = partial(_op_at, context, op, operands, span, x, key=None, callee=callee, expressions=expressions)
        return grouped(context, naming, key, span, lambda inner: run(naming=inner))
    place = _place(op, span, naming, key)
    if op is None:
        return UNKNOWN
    if op.takes_x:
        if isinstance(x, Several):
            raise x.read(span)
        if isinstance(x, Unknown):
            return UNKNOWN
        operands = (x, *operands)
    made = apply_op(context, op, operands, place, span, callee, key, expressions)
    return made[0] if len(made) == 1 else Several(tuple(made), span)


def _place(op: Op | None, span: Span, naming: Naming, key: Key | None) -> tuple[str, ...]:
    """Take the place of an op in its scope: its label, its position, or the keys that it has in any case."""
    if op is not None and op.keys_in_scope:
        try:
            return naming.places(op.keys_in_scope, span)
        except SpecError as error:
            found = error.diagnostic
            if not isinstance(found, codes.keys.SameKey | codes.keys.SameKeyInLoop):
                raise
            raise SpecError(codes.keys.FixedKeyTaken(op.name, found.name, getattr(found, "first", None)).at(span)) from None
    return naming.place(None, span) if key is None else key.place()


def group(context: Context, group: ast.Group, env: Environment, x: MaybeValue, naming: Naming, key: Key | None) -> MaybeValue:
    """Run a brace in a scope of its own if it is labelled."""
    _check_takes_flow(context, group, env)
    inside = Environment(env, env.module)
    return grouped(context, naming, key, group.span, lambda inner: run_body(context, group.body, inside, x, inner))
