"""Control at compile time: `repeat`, `for` and `if`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archdsl import limits
from archdsl.declared import show, type_name
from archdsl.diagnostics import Diagnostic, Mark
from archdsl.elaborate.naming import Naming
from archdsl.elaborate.values import UNKNOWN, Environment, Exhausted, Unknown, Value, problem
from archdsl.source import Span
from archdsl.syntax import nodes as ast

if TYPE_CHECKING:
    from archdsl.elaborate.bodies import Bodies, Key


def repeat(
    bodies: Bodies, stage: ast.Repeat | ast.For | ast.If, env: Environment, x: Value, naming: Naming, key: Key | None
) -> Value:
    """Run the bodies one after the other: `x` flows through them."""
    naming = bodies.inner(naming, key, stage.span)
    for body, inside in rounds_of(bodies, stage, env):
        x = bodies.run(body, inside, x, naming)
    return x


def rounds_of(bodies: Bodies, stage: ast.Repeat | ast.For | ast.If, env: Environment) -> Any:
    """Each body that control runs, with its environment. An unknown count runs once; an unknown condition, every arm."""
    if isinstance(stage, ast.If):
        for condition, body in stage.arms:
            truth = True if condition is None else bodies.evaluator.truth(condition, env)
            if truth is not False:
                yield body, Environment(env, env.module, control=True)
            if truth is True:
                return
        return
    for bound in _loop_values(bodies, stage, env):
        bodies.rounds += 1
        if bodies.rounds > limits.ITERATIONS:
            raise too_large(bodies, f"loops run more than {limits.ITERATIONS:,} rounds", stage.span, "ITERATIONS")
        inside = Environment(env, env.module, control=True)
        inside.names.update(bound)
        outer = bodies.variables
        if bound:
            bodies.variables = outer | bound
        yield stage.body, inside
        bodies.variables = outer


def _loop_values(bodies: Bodies, stage: ast.Repeat | ast.For, env: Environment) -> Any:
    if isinstance(stage, ast.Repeat):
        count = bodies.evaluator.count(stage.count, env, "the count of `repeat`")
        if isinstance(count, int) and count > limits.ITERATIONS:
            raise too_large(
                bodies, f"this `repeat` has {count:,} rounds, over the limit of {limits.ITERATIONS:,}", stage.count.span, "ITERATIONS"
            )
        return ({} for _ in range(1 if isinstance(count, Unknown) else count))
    values = bodies.evaluator.evaluate(stage.iterable, env)
    if isinstance(values, Unknown):
        return [dict.fromkeys(stage.names, UNKNOWN)]
    if not isinstance(values, tuple | range):
        raise problem("E0401", f"`for` goes through a list or a range, and {show(values)} is {type_name(values)}", stage.iterable.span,
                      f"write `0..{values}`" if isinstance(values, int) else None)  # fmt: skip
    if len(stage.names) == 1:
        return ({stage.names[0]: value} for value in values)
    return ({stage.names[0]: i, stage.names[1]: value} for i, value in enumerate(values))


def too_large(bodies: Bodies, message: str, span: Span, limit: str, help: str = "is a count larger than meant?") -> Exhausted:
    """Report a count that goes over a limit; what to raise."""
    bodies.report(Diagnostic("E0502", message, Mark(span), help=f"{help} {limits.remedy(limit)}"))
    return Exhausted()


def too_many_ops(bodies: Bodies, span: Span) -> Exhausted:
    """Report that a network has more ops than are allowed; what to raise."""
    return too_large(bodies, f"this network has more than {limits.NODES:,} ops", span, "NODES")
