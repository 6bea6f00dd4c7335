"""Control at compile time: `repeat`, `for` and `if`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from archdsl.diagnostics import SpecError, codes
from archdsl.elaborate.comprehensions import bindings, check_targets, elements, unknown_bindings
from archdsl.elaborate.context import Context
from archdsl.elaborate.dispatcher import run_body
from archdsl.elaborate.groups import grouped
from archdsl.elaborate.modules import declaring_edits
from archdsl.elaborate.naming import Key, Naming
from archdsl.elaborate.values import UNKNOWN, Environment, MaybeValue, Unknown
from archdsl.ir import Value
from archdsl.syntax import nodes as ast


def repeat(
    context: Context, stage: ast.Repeat | ast.For | ast.If, env: Environment, x: MaybeValue, naming: Naming, key: Key | None
) -> MaybeValue:
    """Run the context one after the other: `x` flows through them."""
    return grouped(context, naming, key, stage.span, lambda inner: _in_turn(context, stage, env, x, inner))


def _in_turn(
    context: Context, stage: ast.Repeat | ast.For | ast.If, env: Environment, x: MaybeValue, naming: Naming
) -> MaybeValue:
    single = None if isinstance(stage, ast.If) else _single_stage(stage.body)
    for turn in turns(context, stage, env, naming):
        after = run_body(context, turn.body, turn.env, x if turn.certain else UNKNOWN, turn.naming)
        x = after if turn.certain else UNKNOWN
        if single is not None and isinstance(x, Value):
            if isinstance(context.evaluator.evaluate(single, turn.env), Value):
                declaring = declaring_edits(single, turn.env)
                raise SpecError(codes.structure.IdleLoop(single.span.text, declaring)).at(single.span)
            single = None
    return x


def _single_stage(body: ast.Body) -> ast.Expr | None:
    """Return the name that is the whole body; None if there is more in it."""
    if len(body.statements) != 1 or not isinstance(pipeline := body.statements[0], ast.Pipeline):
        return None
    if pipeline.label is not None or len(pipeline.stages) != 1 or not isinstance(stage := pipeline.stages[0], ast.CallStage):
        return None
    named = ast.bare(stage.call)
    return None if isinstance(named, ast.CallExpr) else named


class Turn(NamedTuple):
    """One run of a body. It is not `certain` where a count or condition is unknown: then its mistakes alone matter."""

    body: ast.Body
    env: Environment
    naming: Naming
    certain: bool


def turns(context: Context, stage: ast.Repeat | ast.For | ast.If, env: Environment, naming: Naming) -> Iterator[Turn]:
    """Yield the runs of bodies. An unknown count makes one, an unknown condition one of each arm, with keys of its own."""
    if isinstance(stage, ast.If):
        yield from _arms(context, stage, env, naming)
        return
    values = _loop_values(context, stage, env)
    if isinstance(values, Unknown):
        inside = Environment(env, env.module, control=True)
        inside.uncertain = naming.parts.partial = True
        inside.names.update(unknown_bindings(stage.targets) if isinstance(stage, ast.For) else {})
        over = stage.count if isinstance(stage, ast.Repeat) else stage.iterable
        with context.effects_discarded(f"the loop over `{over.span.text}` runs"):
            yield Turn(stage.body, inside, naming.copy(), False)
        return
    for bound in values:
        context.count_round(stage.span)
        inside = Environment(env, env.module, control=True)
        inside.names.update(bound)
        outer, loops = context.variables, context.pair_loops
        if bound:
            context.variables = outer | bound
            if len(bound) == 2 and isinstance(stage, ast.For) and _is_pair(bound.get(stage.targets[-1].name or "")):
                context.pair_loops = (*loops, stage)
        yield Turn(stage.body, inside, naming, True)
        context.variables, context.pair_loops = outer, loops


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2


def _arms(context: Context, stage: ast.If, env: Environment, naming: Naming) -> Iterator[Turn]:
    """Yield the arm that runs; if a condition is unknown, each that may."""
    certain, before = True, ""
    for condition, body in ((arm.condition, arm.body) for arm in stage.arms):
        truth = True if condition is None else context.evaluator.truth(condition, env)
        certain = certain and truth is not UNKNOWN
        inside = Environment(env, env.module, control=True)
        if truth is True and certain:
            yield Turn(body, inside, naming, True)
        elif truth is not False:
            inside.uncertain = naming.parts.partial = True
            holds = f"`{condition.span.text}` holds" if condition is not None else f"`{before}` does not hold"
            with context.effects_discarded(holds):
                yield Turn(body, inside, naming.copy(), False)
        before = condition.span.text if condition is not None else before
        if truth is True:
            return


def _loop_values(context: Context, stage: ast.Repeat | ast.For, env: Environment) -> Any:
    """Return the variables of each round; unknown if their number is."""
    if isinstance(stage, ast.Repeat):
        count = context.evaluator.count(stage.count, env, "the count of `repeat`")
        if isinstance(count, int) and count > context.limits.iterations:
            raise context.exceeded(codes.limits.RepeatTooLong(context.limits.iterations, count).at(stage.count.span))
        return count if isinstance(count, Unknown) else ({} for _ in range(count))
    check_targets(stage.targets, stage.span)
    values = elements(context.evaluator.evaluate(stage.iterable, env), stage.iterable, context.evaluator.paths.listed)
    if isinstance(values, Unknown) or len(stage.targets) > 2:
        return UNKNOWN
    return (bindings(stage.targets, index, value) for index, value in enumerate(values))
