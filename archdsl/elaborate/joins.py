"""Where two or more values meet: `skip` and the joins."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics import SpecError, codes
from archdsl.elaborate.apply import apply_op
from archdsl.elaborate.arguments import read_options
from archdsl.elaborate.context import Context
from archdsl.elaborate.control import turns
from archdsl.elaborate.dispatcher import after_error, run_body, run_doubtful, run_statement
from archdsl.elaborate.groups import grouped
from archdsl.elaborate.naming import Key, Naming
from archdsl.elaborate.statements import pipeline
from archdsl.elaborate.values import UNKNOWN, Environment, Family, MaybeValue, Several, Unknown
from archdsl.ir import Value
from archdsl.ops import Op
from archdsl.ops.join import Add, Join
from archdsl.shapes import Stretch, SymbolicSize
from archdsl.source import Span
from archdsl.syntax import nodes as ast

_ADD = Add()


def skip(context: Context, skip: ast.Skip, env: Environment, x: MaybeValue, naming: Naming, key: Key | None) -> MaybeValue:
    """Run the body and the shortcut from the same `x`, and add them."""
    if isinstance(x, Several):
        raise x.read(skip.keyword)
    when, others = _when(context, skip, env)
    options = read_options(context.evaluator, "skip", others, env, {"drop": 0.0, "scale": 1.0}, ("when",))
    if when is True:
        return grouped(context, naming, key, skip.span, lambda inner: _sum(context, skip, env, x, inner, options))
    return grouped(context, naming, key, skip.span, lambda inner: _body_alone(context, skip, env, x, inner, when))


def _when(context: Context, skip: ast.Skip, env: Environment) -> tuple[bool | Unknown, tuple[ast.Argument, ...]]:
    """Return whether there is a shortcut, which is true without `when`, and the other arguments."""
    conditions = [argument for argument in skip.arguments if argument.name == "when"]
    for repeated in conditions[1:]:
        raise SpecError(codes.arguments.GivenTwice("when").at(repeated.span))
    when = True if not conditions else context.evaluator.truth(conditions[0].value, env)
    return when, tuple([argument for argument in skip.arguments if argument not in conditions])


def _body_alone(
    context: Context, skip: ast.Skip, env: Environment, x: MaybeValue, naming: Naming, when: bool | Unknown
) -> MaybeValue:
    """Return what the body of a skip makes where there is no shortcut; unknown if there may be one."""
    body = run_body(context, skip.body, Environment(env, env.module), x, naming)
    if when is False:
        return body
    if skip.via is not None:
        condition = next(argument.value.span.text for argument in skip.arguments if argument.name == "when")
        with context.effects_discarded(f"`{condition}` holds"):
            run_body(context, skip.via, Environment(env, env.module), x, naming.copy())
    return UNKNOWN


def _sum(
    context: Context, skip: ast.Skip, env: Environment, x: MaybeValue, naming: Naming, options: dict[str, Any]
) -> MaybeValue:
    """Return the sum of the body and the shortcut of a skip."""
    spans = {argument.name: argument.span for argument in skip.arguments}
    body = run_body(context, skip.body, Environment(env, env.module), x, naming)
    shortcut = run_body(context, skip.via, Environment(env, env.module), x, naming) if skip.via is not None else x
    if not isinstance(body, Value) or not isinstance(shortcut, Value) or not isinstance(x, Value) or UNKNOWN in options.values():
        return UNKNOWN
    if body is x:
        raise SpecError(codes.structure.EmptySkip().at(skip.body.span))
    if body.shape != shortcut.shape:
        _same_sizes(context, env, body, shortcut, x, skip)
    for option, neutral, name, parameter in (("scale", 1.0, "scale", "factor"), ("drop", 0.0, "droppath", "p")):
        if options[option] != neutral:
            op = _option_op(context, name, parameter, options[option], spans[option], option)
            texts = context.expression_texts.of_option(option, skip.arguments, parameter, env)
            (body,) = apply_op(context, op, (body,), None, skip.keyword, expressions=texts)
    return apply_op(context, _ADD, (body, shortcut), None, skip.keyword)[0]


def _same_sizes(context: Context, env: Environment, body: Value, shortcut: Value, x: Value, skip: ast.Skip) -> None:
    """Record where symbolic sizes have to agree; an error where fixed ones do not."""
    if len(body.shape) == len(shortcut.shape):
        differing = [(a, b) for a, b in zip(body.shape, shortcut.shape, strict=True) if a != b]
        if all(isinstance(a, SymbolicSize) or isinstance(b, SymbolicSize) for a, b in differing):
            if not context.detached:
                for a, b in differing:
                    context.builder.condition(a, b, skip.keyword, "skip", (body, shortcut))
            return
    if not context.detached:
        context.builder.failure("skip", (body, shortcut), skip.keyword)
    from archdsl.elaborate.join_errors import skip_differs  # here: most joins fit
    from archdsl.elaborate.shortcut_fix import projection

    projected = None
    if skip.via is None:
        once = context.scope is not None and context.scope.kind == "network" and not _in_control(env)
        projected = projection(context.builder, skip, env, x, body, once=once)
    raise skip_differs(context.builder, x, body, shortcut, skip.keyword, projected)


def _in_control(env: Environment) -> bool:
    """Return whether a place is in a loop or `if`, so that it may run several times or not at all."""
    around: Environment | None = env
    while around is not None:
        if around.control:
            return True
        around = around.outer
    return False


def _option_op(context: Context, name: str, field: str, value: float, span: Span, option: str) -> Op:
    op = Op.registry.get(name)
    assert op is not None
    try:
        return context.binder.make(op, {field: float(value)}, span)  # type: ignore[no-any-return]
    except SpecError as error:
        raise error.of("skip", option).at(span) from None


def join(context: Context, join: ast.Join, env: Environment, x: MaybeValue, naming: Naming, key: Key | None) -> MaybeValue:
    """Run the branches, each from the same `x`, and join them."""
    cls = Op.registry.get(join.kind)
    assert cls is not None and issubclass(cls, Join)
    options = read_options(context.evaluator, join.kind, join.arguments, env, cls.options())
    return grouped(context, naming, key, join.span, lambda inner: _joined(context, join, cls, env, x, inner, options))


def _joined(
    context: Context,
    join: ast.Join,
    cls: type[Join],
    env: Environment,
    x: MaybeValue,
    naming: Naming,
    options: dict[str, Any],
) -> MaybeValue:
    """Return what a join makes of its branches."""
    spans = {argument.name: argument.span for argument in join.arguments}
    outer_scope, context.scope = context.scope, naming.scope
    branches = _branches(context, join, join.body, Environment(env, env.module), x, naming)
    context.scope = outer_scope
    if not branches:
        raise SpecError(codes.structure.NoBranches(join.kind).at(join.span))
    if any(isinstance(branch, Unknown) for branch in branches) or UNKNOWN in options.values():
        return UNKNOWN
    nodes = tuple(branch for branch in branches if isinstance(branch, Value))
    op: Join | None = None
    try:
        op = context.binder.make(cls, options, join.keyword)
        (joined,) = apply_op(context, op, nodes, None, join.keyword)
        _open_branches(context, op, joined, nodes, join)
        return joined
    except SpecError as error:
        from archdsl.elaborate.branch_fix import with_branches_joined  # here: most joins fit
        from archdsl.elaborate.join_remedies import with_ways

        if op is not None:
            error = with_branches_joined(context, error, op, join, env, x, nodes, naming)
        named = error.map(lambda found: with_ways(context.builder, found, nodes, join.body, env))
        raise named.placed(lambda found: spans.get(found.argument or "", join.keyword)) from None


def _open_branches(context: Context, op: Op, joined: Value, branches: tuple[Value, ...], join: ast.Join) -> None:
    """Record where symbolic sizes have to agree: each with the size of the result, on every axis but the one that grows."""
    if context.detached:
        return
    assert isinstance(op, Join)
    grows = op.growing_axis(len(joined.shape))
    stretch: Stretch = "either" if op.stretches else None
    for axis, size in enumerate(joined.shape):
        if axis == grows:
            continue
        whole = next((branch for branch in branches if branch.shape[axis] == size), branches[0])
        for branch in branches:
            own = branch.shape[axis]
            if own != size and not (op.stretches and own == 1):
                context.builder.condition(own, size, join.keyword, join.kind, (branch, whole), stretch)


def _branches(
    context: Context, join: ast.Join, body: ast.Body, env: Environment, x: MaybeValue, naming: Naming
) -> list[MaybeValue]:
    """Return the value of each statement, each from the same `x`; loops and `if` add theirs."""
    found: list[MaybeValue] = []
    damage = env.module.file.damage
    for statement in body.statements:
        env.names["x"] = x
        try:
            if isinstance(statement, ast.Pipeline):
                stage = statement.stages[0]
                _check_operand(statement, join, env)
                if statement.label is None and len(statement.stages) == 1 and isinstance(stage, ast.Repeat | ast.For | ast.If):
                    for turn in turns(context, stage, env, naming):
                        context.enter(turn.body)
                        branches = _branches(context, join, turn.body, turn.env, x if turn.certain else UNKNOWN, turn.naming)
                        context.leave()
                        found += branches if turn.certain else [UNKNOWN]
                else:
                    hurt = damage is not None and damage.holds(statement.span.start)
                    value = (
                        run_doubtful(context, statement, env, x, naming) if hurt else pipeline(context, statement, env, x, naming)
                    )
                    found.append(_branch(value, statement))
            elif isinstance(statement, ast.Let | ast.Expect | ast.Skipped | ast.Declaration):
                run_statement(context, statement, env, x, naming)
                if isinstance(statement, ast.Skipped):
                    found.append(UNKNOWN)
            else:
                raise SpecError(codes.structure.NotABranch().at(statement.span))
        except SpecError as error:
            context.failed(error)
            after_error(context, statement, env, naming)
            found.append(UNKNOWN)
    return found


def _check_operand(statement: ast.Pipeline, join: ast.Join, env: Environment) -> None:
    """Raise `SpecError` for a branch that is a number, `sub { x; 0.5 }`, or several values, `concat { enc }`."""
    stage = statement.stages[0] if statement.label is None and len(statement.stages) == 1 else None
    call = ast.bare(stage.call) if isinstance(stage, ast.CallStage) else None
    family = env.find(call.id) if isinstance(call, ast.Name) else None
    if isinstance(family, Family) or isinstance(call, ast.Literal | ast.Unary | ast.Index):
        from archdsl.elaborate.branch_fix import operand_error  # here: most branches are right

        error = operand_error(call, join, family)
        if error is not None:
            raise error


def _branch(value: MaybeValue, statement: ast.Pipeline) -> MaybeValue:
    """Return the value of a branch. Raise `SpecError` if it is several."""
    if isinstance(value, Several):
        raise value.ending("a branch", statement.span)
    return value
