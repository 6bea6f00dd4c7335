"""The `where` of a network: which combinations of its parameters are members of its search space.

Its conditions, joined by `and`, are judged one by one. One that reads nothing but parameters and the file is judged before the
body runs, so that most combinations cost little to refuse. The others see what the body names at its end, and the counts
of the complete network, like the claims of an alias.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archdsl.diagnostics import SpecError, codes
from archdsl.elaborate.arithmetic import COMPARE
from archdsl.elaborate.declarations import METRICS
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.size_conditions import sides_of
from archdsl.elaborate.values import FUNCTIONS, Environment, Unknown
from archdsl.ir import Claim
from archdsl.syntax import nodes as ast
from archdsl.syntax.free_names import names_from_around


def judge_parameters(evaluator: Evaluator, network: ast.Network, env: Environment) -> list[ast.Expr]:
    """Judge the conditions that the parameters decide, and return the others. Raise `SpecError` E0702 if one does not hold."""
    later = []
    own = {parameter.name for parameter in network.parameters}
    for condition in conditions(network):
        names = names_from_around(condition)
        if not _is_decided_by(evaluator, names, network, env):
            later.append(condition)
            continue
        chain = ast.bare(condition)
        values: list[Any] = []
        if isinstance(chain, ast.Chain) and chain.operators[0] in COMPARE:
            holds, values = evaluator.comparison(chain, env)
        else:
            holds = evaluator.truth(condition, env)
        if not own.intersection(names) and isinstance(holds, bool):
            raise SpecError(codes.spaces.NeverAMember(condition.span.text, holds).at(condition.span))
        if holds is False:
            sides = sides_of(evaluator, condition, env, values)
            raise SpecError(codes.spaces.NotAMember(condition.span.text, sides).at(condition.span))
    return later


def later_claims(later: list[ast.Expr], env: Environment) -> list[Claim]:
    """Return the conditions that the complete network decides, as claims."""
    return [Claim(ast.Expect(condition.span, condition, None), env, of_space=True) for condition in later]


def conditions(network: ast.Network) -> Iterator[ast.Expr]:
    """Yield the conditions of the `where` of a network, which are joined by `and`."""
    pending = [network.condition] if network.condition is not None else []
    while pending:
        condition = ast.bare(pending.pop())
        if isinstance(condition, ast.Chain) and condition.operators[0] == "and":
            pending += reversed(condition.operands)
        else:
            yield condition


def _is_decided_by(evaluator: Evaluator, names: dict[str, None], network: ast.Network, env: Environment) -> bool:
    """Return whether no name is a count, bound in the body, or undefined, which is reported where counts can be meant."""
    bound = evaluator.session.cached(_bound_in_body, network)
    for name in names:
        if env.find(name) is not Unknown:
            continue
        known = name in FUNCTIONS or evaluator.definition(name, env.module) is not None
        if name in bound or name in METRICS or not known:
            return False
    return True


def _bound_in_body(network: ast.Network) -> frozenset[str]:
    bound = {let.name for let in network.body.statements if isinstance(let, ast.Let)}
    bound |= {label.name for label in ast.walk(network.body) if isinstance(label, ast.Label) and label.name}
    bound |= {given.name for given in network.body.statements if isinstance(given, ast.Input)}
    return frozenset({*bound, "x"})
