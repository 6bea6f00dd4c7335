"""Functions of expressions: `let rounded(v, by = 8) = make_divisible(v * width, by)`.

A function sees the names of its body as they are where it is defined, and those of its file. So it is pure: it gives the same
for the same arguments, wherever it is called. It is called, and is no value by itself.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

from archdsl.diagnostics import SpecError, codes
from archdsl.elaborate.bound_parameters import bound_parameters, parameters_given
from archdsl.elaborate.evaluates import Evaluates
from archdsl.elaborate.values import FUNCTIONS, ITERATING, UNKNOWN, Bound, Environment, Function, Unknown, bounded, length, within
from archdsl.literals import show
from archdsl.syntax import nodes as ast
from archdsl.syntax.free_names import free_names


def make_function(evaluator: Evaluates, definition: ast.Let | ast.Constant, env: Environment) -> Function:
    """Return the function that a `let` with parameters defines. Raise `SpecError` if any call of it would fail."""
    seen = Environment(None, env.module)
    seen.damaged = env.damaged
    for name in free_names(definition):
        value = env.find(name)
        if value is not Unknown:
            seen.names[name] = value
        elif isinstance(definition, ast.Let) and name == definition.name and name not in env.module.definitions:
            place = next(used.span for used in ast.names(definition.value) if used.id == name)
            raise SpecError(codes.reuse.DefinedByItself([name, name], True).at(place))
    made = Function(definition, seen)
    if definition not in evaluator.examined:
        evaluator.examined.add(definition)
        _examine(evaluator, made)
    return made


def _examine(evaluator: Evaluates, function: Function) -> None:
    """Find the mistakes that do not depend on the arguments."""
    undecided = evaluator.undecided
    inside = Environment(function.env, function.env.module)
    for parameter in function.definition.parameters or ():
        if parameter.default is not None:
            evaluator.evaluate(parameter.default, inside)
        inside.names[parameter.name] = UNKNOWN
    evaluator.evaluate(function.definition.value, inside)
    evaluator.undecided = undecided


def call_function(evaluator: Evaluates, function: Function, call: ast.CallExpr, env: Environment) -> Any:
    """Return the value of a call."""
    definition = function.definition
    positional: list[Bound] = []
    keywords: dict[str, Bound] = {}
    for argument in call.arguments:
        bound = Bound(evaluator.evaluate(argument.value, env), argument.span)
        if argument.name is None and keywords:
            raise SpecError(codes.arguments.PositionAfterName().at(argument.span))
        if argument.name is None:
            positional.append(bound)
        elif argument.name in keywords:
            raise SpecError(codes.arguments.GivenTwice(argument.name).at(argument.span))
        else:
            keywords[argument.name] = bound
    inside = Environment(function.env, function.env.module)
    given = parameters_given(definition, positional, keywords)
    values = bound_parameters(evaluator, definition, given, call.span, inside)
    try:
        return evaluator.evaluate(definition.value, inside)
    except SpecError as error:
        shown = ", ".join(f"{name} = {show(value)}" for name, value in values.items())
        raise error.map(lambda found: found.with_notes([f"in {function.name}({shown}), called at {call.span.place}"])) from None


def call_builtin(evaluator: Evaluates, e: ast.CallExpr, name: str, env: Environment) -> Any:
    """Return the value of a function that the language brings along."""
    for argument in e.arguments:
        if argument.name is not None:
            prefix = argument.span._replace(end=argument.value.span.start)
            raise SpecError(codes.names.NamedArgument(name, prefix).at(argument.span))
    values = [evaluator.evaluate(argument.value, env) for argument in e.arguments]
    values = evaluator.paths.all_listed(values, e.span) if name == "len" else values
    if UNKNOWN in values:
        return UNKNOWN
    if any(value.__class__ is tuple or value.__class__ is range for value in values):
        items = (min(length(value), evaluator.limits.list_items) for value in values if isinstance(value, tuple | range))
        evaluator.budget.charge(sum(items), e.span)
    if name in ITERATING and len(values) == 1 and isinstance(values[0], tuple | range):
        within(bounded, values[0], evaluator.limits, e.span)
    try:
        result = FUNCTIONS[name](*values)
        if isinstance(result, float) and not isfinite(result):
            raise SpecError(codes.magnitudes.ResultTooLarge(e.span.text))
        return result
    except SpecError as error:
        raise error.at(e.span) from None
    except TypeError:
        raise SpecError(codes.arguments.WrongNumberOfArguments(name, len(values)).at(e.span)) from None
    except (OverflowError, ValueError) as error:
        raise SpecError(codes.expressions.NoFunctionValue(name, str(error)).at(e.span)) from None
