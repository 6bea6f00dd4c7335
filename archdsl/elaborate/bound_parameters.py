"""The values of the parameters of a block, a network or a function: what a call gives, and else the defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archdsl.diagnostics import Diagnostic, SpecError, codes, merged
from archdsl.elaborate.evaluates import Evaluates
from archdsl.elaborate.parameters import KINDS, WithParameters, header
from archdsl.elaborate.values import UNKNOWN, Bound, Environment, Unknown
from archdsl.source import Span
from archdsl.syntax import nodes as ast


def parameters_given(definition: WithParameters, positional: Sequence[Bound], keywords: Mapping[str, Bound]) -> dict[str, Bound]:
    """Return the arguments of a call by the names of the parameters. Raise `SpecError` if one has no parameter, or two."""
    names = [parameter.name for parameter in definition.parameters or ()]
    if len(positional) > len(names):
        extra = positional[len(names)].span
        raise SpecError(
            codes.arguments.TooManyArguments(definition.name, len(names), len(positional), header(definition)).at(extra)
        )
    given = dict(zip(names, positional, strict=False))
    for name, bound in keywords.items():
        if name in given:
            raise SpecError(codes.arguments.GivenTwice(name, by_position=True).at(bound.span))
        if name not in names:
            unknown = codes.names.UnknownParameter(definition.name, name, tuple(names), header(definition))
            raise SpecError(unknown.at(bound.span))
        given[name] = bound
    return given


def bound_parameters(
    evaluator: Evaluates, definition: WithParameters, given: Mapping[str, Bound], span: Span, env: Environment
) -> dict[str, Any]:
    """Return the values of all parameters, and bind them in an environment of the definition's module.

    Raise `SpecError` if one has neither an argument nor a default, or a value of another type than it is declared with.
    """
    values: dict[str, Any] = {}
    wrong: list[SpecError] = []
    for parameter in definition.parameters or ():
        bound = given.get(parameter.name)
        if bound is not None:
            value = bound.value
            place = bound.span
        elif parameter.default is not None:
            value = evaluator.evaluate(parameter.default, env)
            place = parameter.default.span
        else:
            alone = isinstance(definition, ast.Network) and not given
            signature = header(definition)
            missing = codes.arguments.MissingParameter(definition.name, parameter.name, signature, parameter.span, alone)
            raise SpecError(missing.at(span))
        try:
            _check_kind(definition, parameter, value, place)
        except SpecError as found:
            wrong.append(found)
            value = UNKNOWN
        values[parameter.name] = env.names[parameter.name] = value
    if wrong:
        raise merged(wrong)
    damage = env.module.file.damage
    if damage is not None and damage.holds(definition.span.start):  # its defaults may be others than those that were understood
        values = dict.fromkeys(values, UNKNOWN)
        env.names.update(values)
    return values


def _check_kind(definition: WithParameters, parameter: ast.Parameter, value: Any, place: Span) -> None:
    if parameter.kind is None or isinstance(value, Unknown):
        return
    default = ast.bare(parameter.default) if parameter.default is not None else None
    if value is None and isinstance(default, ast.Literal) and default.value is None:
        return  # what may be left out may be passed on as left out
    if parameter.kind not in KINDS:
        raise SpecError(codes.arguments.UnknownType(parameter.kind, tuple(KINDS)).at(_kind_span(parameter)))
    words, kinds = KINDS[parameter.kind]
    if isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds):
        return
    declared = parameter.span if place != getattr(parameter.default, "span", None) else None
    found: Diagnostic
    if parameter.kind == "int" and isinstance(value, float):
        found = codes.whole_numbers.FloatForParameter(definition.name, parameter.name, value, declared=declared)
    else:
        found = codes.arguments.WrongParameterType(definition.name, parameter.name, value, expected=words, declared=declared)
    raise SpecError(found.at(place))


def _kind_span(parameter: ast.Parameter) -> Span:
    """Return the place of a parameter's type, which follows its colon."""
    assert parameter.kind is not None
    text = parameter.span.text
    start = parameter.span.start + text.index(parameter.kind, text.index(":"))
    return parameter.span._replace(start=start, end=start + len(parameter.kind))
