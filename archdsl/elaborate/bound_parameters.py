"""The values of the parameters of a block, a network or a function: what a call gives, and else the defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archdsl.diagnostics import Diagnostic, SpecError, codes, merged
from archdsl.elaborate.domains import Choices, Domain, Interval, domain_of
from archdsl.elaborate.evaluates import Evaluates
from archdsl.elaborate.parameters import KINDS, WithParameters, header
from archdsl.elaborate.values import UNKNOWN, Bound, Environment, Module, Unknown
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
        try:
            domain = _domain(evaluator, definition, parameter, env.module)
        except SpecError as found:
            wrong.append(found)
            domain = UNKNOWN
        value, place = _given_or_default(evaluator, definition, parameter, given, domain, span, env)
        try:
            _check_kind(definition, parameter, value, place)
            _check_within(parameter, domain, value, place)
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


def _given_or_default(
    evaluator: Evaluates,
    definition: WithParameters,
    parameter: ast.Parameter,
    given: Mapping[str, Bound],
    domain: Domain | Unknown | None,
    span: Span,
    env: Environment,
) -> tuple[Any, Span]:
    """Return the value of a parameter, and where it comes from. Raise `SpecError` if there is none."""
    bound = given.get(parameter.name)
    if bound is not None:
        return bound.value, bound.span
    if parameter.default is not None:
        return evaluator.evaluate(parameter.default, env), parameter.default.span
    if domain is not None:
        return UNKNOWN if isinstance(domain, Unknown) else domain.default, parameter.span
    alone = isinstance(definition, ast.Network) and not given
    missing = codes.arguments.MissingParameter(definition.name, parameter.name, header(definition), parameter.span, alone)
    raise SpecError(missing.at(span))


def _domain(
    evaluator: Evaluates, definition: WithParameters, parameter: ast.Parameter, module: Module
) -> Domain | Unknown | None:
    """Return the domain of a parameter, if it has one. Raise `SpecError` if it is none, or has values of another type."""
    if parameter.domain is None:
        return None
    if not isinstance(definition, ast.Network):  # reported as a syntax error
        return UNKNOWN
    domain = domain_of(evaluator, parameter.name, parameter.domain, module)
    if isinstance(domain, Choices):
        values = domain.values[:1] if isinstance(domain.values, range) else domain.values
        for position, value in enumerate(values):
            _check_kind(definition, parameter, value, domain.place(position, parameter.domain.span))
    elif isinstance(domain, Interval):
        _check_kind(definition, parameter, domain.low, parameter.domain.span)
    return domain


def _check_within(parameter: ast.Parameter, domain: Domain | Unknown | None, value: Any, place: Span) -> None:
    """Raise `SpecError` E0415 if a value is not in the domain of its parameter."""
    if domain is None or isinstance(domain, Unknown) or isinstance(value, Unknown) or domain.holds(value):
        return
    assert parameter.domain is not None
    own, here = parameter.span, place
    declared = None if own.file is here.file and own.start <= here.start < own.end else own
    raise SpecError(codes.spaces.NotInDomain(parameter.name, value, parameter.domain.span.text, declared).at(place))


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
