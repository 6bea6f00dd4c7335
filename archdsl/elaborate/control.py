"""Control at compile time: `repeat`, `for` and `if`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from archdsl.diagnostics import Mark
from archdsl.diagnostics.untyped import untyped
from archdsl.elaborate.naming import Naming
from archdsl.elaborate.values import UNKNOWN, Environment, Exhausted, Family, MaybeValue, Unknown, problem
from archdsl.limits import remedy
from archdsl.literals import show, type_name
from archdsl.source import Span
from archdsl.syntax import nodes as ast

if TYPE_CHECKING:
    from archdsl.elaborate.naming import Key
    from archdsl.elaborate.statements import Bodies


def repeat(
    bodies: Bodies, stage: ast.Repeat | ast.For | ast.If, env: Environment, x: MaybeValue, naming: Naming, key: Key | None
) -> MaybeValue:
    """Run the bodies one after the other: `x` flows through them."""
    return bodies.grouped(naming, key, stage.span, lambda inner: _in_turn(bodies, stage, env, x, inner))


def _in_turn(bodies: Bodies, stage: ast.Repeat | ast.For | ast.If, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    for turn in turns(bodies, stage, env, naming):
        after = bodies.run(turn.body, turn.env, x if turn.certain else UNKNOWN, turn.naming)
        x = after if turn.certain else UNKNOWN
    return x


class Turn(NamedTuple):
    """One run of a body. It is not `certain` where a count or condition is unknown: then its mistakes alone matter."""

    body: ast.Body
    env: Environment
    naming: Naming
    certain: bool


def turns(bodies: Bodies, stage: ast.Repeat | ast.For | ast.If, env: Environment, naming: Naming) -> Iterator[Turn]:
    """The runs that control makes. An unknown count makes one, an unknown condition one of each arm, with keys of its own."""
    if isinstance(stage, ast.If):
        yield from _arms(bodies, stage, env, naming)
        return
    values = _loop_values(bodies, stage, env)
    if isinstance(stage, ast.For) and len(stage.names) > 2:
        values = UNKNOWN
    if isinstance(values, Unknown):
        inside = Environment(env, env.module, control=True)
        inside.names.update(dict.fromkeys(stage.names if isinstance(stage, ast.For) else (), UNKNOWN))
        over = stage.count if isinstance(stage, ast.Repeat) else stage.iterable
        with tentative(bodies, f"the loop over `{over.span.text}` runs"):
            yield Turn(stage.body, inside, naming.copy(), False)
        return
    for bound in values:
        bodies.rounds += 1
        if bodies.rounds > bodies.limits.iterations:
            raise too_large(bodies, f"loops run more than {bodies.limits.iterations:,} rounds", stage.span, "iterations")
        inside = Environment(env, env.module, control=True)
        inside.names.update(bound)
        outer = bodies.variables
        if bound:
            bodies.variables = outer | bound
        yield Turn(stage.body, inside, naming, True)
        bodies.variables = outer


def _arms(bodies: Bodies, stage: ast.If, env: Environment, naming: Naming) -> Iterator[Turn]:
    """The arm that runs; each that may, where a condition is unknown."""
    certain, before = True, ""
    for condition, body in ((arm.condition, arm.body) for arm in stage.arms):
        truth = True if condition is None else bodies.evaluator.truth(condition, env)
        certain = certain and truth is not UNKNOWN
        inside = Environment(env, env.module, control=True)
        if truth is True and certain:
            yield Turn(body, inside, naming, True)
        elif truth is not False:
            holds = f"`{condition.span.text}` holds" if condition is not None else f"`{before}` does not hold"
            with tentative(bodies, holds):
                yield Turn(body, inside, naming.copy(), False)
        before = condition.span.text if condition is not None else before
        if truth is True:
            return


@contextmanager
def tentative(bodies: Bodies, condition: str | None = None) -> Iterator[None]:
    """Around what is looked at for its mistakes alone: what it says about the network is forgotten.

    The condition says when it runs, as a clause.
    """
    results, claims = len(bodies.results), len(bodies.builder.function.claims)
    assuming = bodies.assuming
    if assuming is not None and condition is not None:
        assuming.conditions.append(condition)
    bodies.nodes.detached += 1
    try:
        yield
    finally:
        bodies.nodes.detached -= 1
        if assuming is not None and condition is not None:
            assuming.conditions.pop()
        while len(bodies.results) > results:
            bodies.results.popitem()
        del bodies.builder.function.claims[claims:]


def _loop_values(bodies: Bodies, stage: ast.Repeat | ast.For, env: Environment) -> Any:
    """The variables of each round; unknown where their number is."""
    if isinstance(stage, ast.Repeat):
        count = bodies.evaluator.count(stage.count, env, "the count of `repeat`")
        if isinstance(count, int) and count > bodies.limits.iterations:
            raise too_large(
                bodies,
                f"this `repeat` has {count:,} rounds, over the limit of {bodies.limits.iterations:,}",
                stage.count.span,
                "iterations",
            )
        return count if isinstance(count, Unknown) else ({} for _ in range(count))
    if "x" in stage.names:
        raise problem("E0205", "`x` is the tensor that flows, and cannot be a loop variable", stage.span, "choose another name")
    values = bodies.evaluator.evaluate(stage.iterable, env)
    if isinstance(values, Unknown):
        return values
    if not isinstance(values, tuple | range):
        raise problem("E0401", f"`for` goes through a list or a range, and {show(values)} is {type_name(values)}", stage.iterable.span,
                      f"write `0..{values}`" if isinstance(values, int) else
                      f"go through its indices: `for i in 0..{max(values, default=-1) + 1} {{ {stage.iterable.span.text}[i] ... }}`"
                      if isinstance(values, Family) else None)  # fmt: skip
    if len(stage.names) == 1:
        return ({stage.names[0]: value} for value in values)
    return ({stage.names[0]: i, stage.names[1]: value} for i, value in enumerate(values))


def too_large(bodies: Bodies, message: str, span: Span, limit: str, help: str = "is a count larger than meant?") -> Exhausted:
    """Report a count that goes over a limit; what to raise."""
    bodies.report(untyped("E0502", message, Mark(span), help=f"{help} {remedy(limit)}"))
    return Exhausted()
