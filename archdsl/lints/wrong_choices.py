"""Values of domains with which a network is wrong (W0127): each value is tried with the defaults of all other parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.elaborate import KnownOps, Module, argument_identity, elaborate
from archdsl.elaborate.domains import Choices, Domain, domain_of
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.values import Unknown
from archdsl.literals import show
from archdsl.session import Session
from archdsl.source import Span
from archdsl.syntax import nodes as ast

_TRIED: Final = 8
"""Values of a domain that are tried: all of a short one, and else values that are spread over it."""


def wrong_choices(
    module: Module, network: ast.Definition, defaults: Mapping[str, Any], session: Session, known_ops: KnownOps
) -> Iterator[Diagnostic]:
    """Yield a warning for each value of a domain with which the network has an error. It is right with its `defaults`."""
    if not isinstance(network, ast.Network):
        return
    evaluator = Evaluator(session)
    for parameter in network.parameters:
        if parameter.domain is None:
            continue
        try:
            domain = domain_of(evaluator, parameter.name, parameter.domain, module)
        except SpecError:  # reported already
            continue
        default = argument_identity(defaults[parameter.name]) if parameter.name in defaults else None
        for value, place in _values(domain, parameter.domain.span) if not isinstance(domain, Unknown) else ():
            if default is not None and argument_identity(value) == default:
                continue
            made = elaborate(module, network, {}, session, member={parameter.name: value}, known_ops=known_ops)
            found = [*made.diagnostics, *(false.diagnostic for false in made.false_claims)]
            wrong = next((one for one in found if one.is_error and not isinstance(one, codes.spaces.NotAMember)), None)
            if wrong is not None:
                name = domain.name_of(value) if isinstance(domain, Choices) else ""
                yield codes.spaces.WrongChoice(parameter.name, name or show(value), wrong.code, wrong.message).at(place)


def _values(domain: Domain, otherwise: Span) -> Iterator[tuple[Any, Span]]:
    """Yield the values of a domain that are tried, with their places."""
    if not isinstance(domain, Choices):
        yield from ((domain.low, otherwise), (domain.high, otherwise))
        return
    last = len(domain.values) - 1
    positions = range(last + 1) if last < _TRIED else sorted({last * step // (_TRIED - 1) for step in range(_TRIED)})
    for position in positions:
        yield domain.values[position], domain.place(position, otherwise)
