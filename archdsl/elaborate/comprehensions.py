"""What loops and lists bind, and the values of `[f(v) for v in values if c]` and `a..b by n`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from archdsl.diagnostics import SpecError, codes
from archdsl.elaborate.evaluates import Evaluates
from archdsl.elaborate.values import UNKNOWN, Environment, Family, Unknown, bounded, length, within
from archdsl.source import Span
from archdsl.syntax import nodes as ast

_LONG: Final = 12
"""The number of elements from which on it takes less time to translate a comprehension to Python than to evaluate it."""


def bindings(targets: tuple[ast.Pattern, ...], index: int, value: Any) -> dict[str, Any]:
    """Return what one round binds: the element, or its index and the element. Raise `SpecError` if the parts do not fit."""
    found: dict[str, Any] = {}
    if len(targets) == 1:
        _match(targets[0], index, value, found)
    else:
        _match(targets[0], index, index, found)
        _match(targets[1], index, value, found)
    return found


def unknown_bindings(targets: tuple[ast.Pattern, ...]) -> dict[str, Any]:
    """Return what a round binds of which nothing is known."""
    return {leaf.name: UNKNOWN for target in targets for leaf in target.leaves if leaf.name is not None}


def _match(pattern: ast.Pattern, index: int, value: Any, found: dict[str, Any]) -> None:
    if pattern.name is not None:
        found[pattern.name] = value
    elif isinstance(value, Unknown):
        found.update(unknown_bindings((pattern,)))
    elif not isinstance(value, tuple | range) or length(value) != len(pattern.items):
        raise SpecError(codes.reuse.OtherParts(pattern.span.text, len(pattern.items), value, index).at(pattern.span))
    else:
        for item, part in zip(pattern.items, value, strict=True):
            _match(item, index, part, found)


def elements(
    values: Any, iterable: ast.Expr, listed: Callable[[Family, Span], tuple[Any, ...] | Unknown]
) -> tuple[Any, ...] | range | Unknown:
    """Return what a loop or list goes through; `listed` gives the members of a family. Raise `SpecError` if it is no list."""
    if isinstance(values, Family):
        return listed(values, iterable.span)
    if isinstance(values, tuple | range | Unknown):
        return values
    raise SpecError(codes.arguments.NotIterable(values, iterable.span.text).at(iterable.span))


def check_targets(targets: tuple[ast.Pattern, ...], span: Span) -> None:
    """Raise `SpecError` if a name is that of the tensor that flows."""
    if any(leaf.name == "x" for target in targets for leaf in target.leaves):
        raise SpecError(codes.names.CalledX("loop variable").at(span))


def range_of(evaluator: Evaluates, e: ast.RangeExpr, env: Environment) -> range | Unknown:
    """Return the range that an expression gives."""
    start, stop = evaluator.whole(e.start, env, "the start of a range"), evaluator.whole(e.stop, env, "the end of a range")
    step = evaluator.whole(e.step, env, "the step of a range") if e.step is not None else 1
    if isinstance(start, Unknown) or isinstance(stop, Unknown) or isinstance(step, Unknown):
        return UNKNOWN
    if step < 1:
        literal = not ast.names(e)
        raise SpecError(codes.reuse.StepNotPositive(start, stop, step, e.span, literal).at((e.step or e).span))
    return range(start, stop, step)


def comprehension(evaluator: Evaluates, e: ast.Comprehension, env: Environment) -> Any:
    """Return the list of what the element is in each round for which the condition holds."""
    check_targets(e.targets, e.span)
    values = elements(evaluator.evaluate(e.iterable, env), e.iterable, evaluator.paths.listed)
    inside = Environment(env, env.module)
    if isinstance(values, Unknown) or len(e.targets) > 2:
        inside.names = unknown_bindings(e.targets)
        for part in (e.condition, e.element):  # for the mistakes in them
            if part is not None:
                evaluator.evaluate(part, inside)
        return UNKNOWN
    within(bounded, values, evaluator.limits, e.iterable.span)
    if len(values) >= _LONG:
        from archdsl.elaborate.number_lists import number_list  # here: few specs have long lists

        found = number_list(evaluator, e, values, env)
        if found is not None:
            return found
    made: list[Any] = []
    for index, value in enumerate(values):
        inside.names = bindings(e.targets, index, value)
        keep = True if e.condition is None else evaluator.truth(e.condition, inside)
        element = evaluator.evaluate(e.element, inside) if keep is True else None
        if isinstance(keep, Unknown) or element is UNKNOWN:
            return UNKNOWN
        if keep:
            made.append(element)
    return evaluator.checked(tuple(made), e.span)
