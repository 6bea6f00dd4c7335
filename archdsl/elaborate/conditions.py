"""`where`: a condition on open sizes, as the exact set of the sizes that meet it."""

from __future__ import annotations

from typing import Any

from archdsl.declared import show, type_name
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.values import Environment, problem
from archdsl.shapes import OpenSize, SizeError
from archdsl.sizes import ALL, NONE, SizeSet, at_least, equal
from archdsl.source import Span
from archdsl.syntax import nodes as ast

Stated = dict[str, SizeSet]
"""For each open size that a condition speaks of, the sizes that meet it."""


def stated_sizes(evaluator: Evaluator, condition: ast.Expr, env: Environment) -> Stated:
    """The sizes that meet a condition, each open size by itself; raises `Problem` where they depend on each other."""
    try:
        return _sets(evaluator, condition, env)
    except SizeError as error:
        raise problem("E0307", str(error), condition.span) from None


def _sets(evaluator: Evaluator, e: ast.Expr, env: Environment) -> Stated:
    if isinstance(e, ast.Unary) and e.operator == "not":
        return {symbol: ~sizes for symbol, sizes in _single(_sets(evaluator, e.operand, env), e.span).items()}
    if not isinstance(e, ast.Chain):
        value = evaluator.truth(e, env)
        return {} if value is True else _never(env)
    if e.operators[0] == "and":
        return _all([_sets(evaluator, operand, env) for operand in e.operands])
    if e.operators[0] == "or":
        found: Stated = {}
        for operand in e.operands:
            for symbol, sizes in _single(_sets(evaluator, operand, env), e.span).items():
                found[symbol] = found.get(symbol, NONE) | sizes
        return _single(found, e.span)
    values = [evaluator.evaluate(operand, env) for operand in e.operands]
    return _all(
        [_compared(left, sign, right, e.span) for left, sign, right in zip(values, e.operators, values[1:], strict=False)]
    )


def _all(sets: list[Stated]) -> Stated:
    found: Stated = {}
    for stated in sets:
        for symbol, sizes in stated.items():
            found[symbol] = found.get(symbol, ALL) & sizes
    return found


def _compared(left: Any, sign: str, right: Any, span: Span) -> Stated:
    """One comparison of two sizes."""
    for value in (left, right):
        if isinstance(value, bool) or not isinstance(value, int | OpenSize):
            raise problem("E0408", f"a condition on sizes compares whole numbers, and {show(value)} is {type_name(value)}", span)
    difference = left - right
    sizes = {
        "==": lambda: equal(left, right),
        "!=": lambda: ~equal(left, right),
        ">=": lambda: at_least(difference, 0),
        ">": lambda: at_least(difference, 1),
        "<=": lambda: at_least(-difference, 0),
        "<": lambda: at_least(-difference, 1),
    }[sign]()
    symbols = [value.symbol for value in (left, right) if isinstance(value, OpenSize)]
    if symbols:
        return {symbols[0]: sizes}
    if sizes:
        return {}
    raise problem("E0701", "this condition never holds", span)


def _single(stated: Stated, span: Span) -> Stated:
    if len(stated) > 1:
        raise problem(
            "E0307",
            f"this condition ties {' to '.join(stated)}: each open size has its own",
            span,
            "join conditions on different sizes with `and`, or give both the same name",
        )
    return stated


def _never(env: Environment) -> Stated:
    return {name: NONE for name in env.visible() if isinstance(env.find(name), OpenSize)}
