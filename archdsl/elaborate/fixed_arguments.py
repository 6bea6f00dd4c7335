"""Arguments that are given before a call: `let block = residual(gated = true)` fixes one of a block, which is called later."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics import SpecError, codes
from archdsl.elaborate.evaluates import Evaluates
from archdsl.elaborate.parameters import names_it_takes, parameter_names, what_it_takes, word_advice
from archdsl.elaborate.values import UNKNOWN, Bound, Callee, Environment, Unknown, nested, within
from archdsl.syntax import nodes as ast


def fix_arguments(evaluator: Evaluates, callee: Callee, arguments: tuple[ast.Argument, ...], env: Environment) -> Callee:
    """Return the callee with more arguments fixed; they are checked when it is applied."""
    if not arguments:
        return callee
    positional, keywords = list(callee.positional), dict(callee.keywords or {})
    for argument in arguments:
        value = argument_value(evaluator, callee, argument, len(positional), env)
        if argument.name is None:
            if keywords and not callee.keywords:
                raise SpecError(codes.arguments.PositionAfterName().at(argument.span))
            positional.append(Bound(value, argument.span))
        elif argument.name in keywords:
            raise SpecError(codes.arguments.GivenTwice(argument.name).at(argument.span))
        else:
            keywords[argument.name] = Bound(value, argument.span)
    made = Callee(callee.target, callee.module, tuple(positional), keywords)
    evaluator.budget.charge(within(nested, made, evaluator.limits, arguments[0].span), arguments[0].span)
    return made


def argument_value(evaluator: Evaluates, callee: Callee, argument: ast.Argument, position: int, env: Environment) -> Any:
    """Return the value of an argument; a bare word that the op's parameter knows, such as `same`, is that word."""
    value = ast.bare(argument.value)
    if not isinstance(value, ast.Name) or env.find(value.id) is not Unknown:
        return evaluator.evaluate(value, env)
    target, order = callee.target, parameter_names(callee.target)
    name = argument.name or (order[position] if position < len(order) else "")
    is_word = isinstance(target, type) and name in target.fields and value.id in target.words(name)
    if is_word and not isinstance(env.module.definitions.get(value.id), ast.Constant):
        return value.id
    if argument.name is not None and name not in order and evaluator.named(value, env) is Unknown:
        return UNKNOWN  # the name is at fault, which is said where the argument is bound
    takes = what_it_takes(target, name)
    if takes is not None and evaluator.named(value, env) is Unknown:
        takes = word_advice(target, name, value.id) or takes
        raise evaluator.name_errors.name(value, env, [*env.visible(), *names_it_takes(target, name, env.module)], takes)
    return evaluator.evaluate(value, env)
