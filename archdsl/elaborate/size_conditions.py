"""`where`: a condition on symbolic sizes, as the exact set of the sizes that meet it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from archdsl.diagnostics import SpecError, codes
from archdsl.elaborate import budget
from archdsl.elaborate.arithmetic import COMPARE
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.values import UNKNOWN, Environment
from archdsl.literals import show
from archdsl.shapes import SizeError, SymbolicSize
from archdsl.sizes import ALL, SizeSet, compared
from archdsl.source import Span
from archdsl.syntax import nodes as ast

Stated = dict[str, SizeSet]
"""For each symbolic size that a condition speaks of, the sizes that meet it."""


def stated_sizes(evaluator: Evaluator, condition: ast.Expr, env: Environment, own: Iterable[str]) -> Stated:
    """Return the sizes that meet a condition, for each symbol by itself. Raise `SpecError` if they depend on each other.

    A condition is about the symbolic sizes that it names, and allows all values of one that it does not narrow (`H % 1 == 0`).
    One that names none (`true`) is about its `own`, those of the input that it stands at.
    """
    try:
        found = _sets(evaluator, condition, env)
    except SizeError as error:
        raise SpecError(codes.symbolic_sizes.UndecidedSizes(str(error)).at(condition.span)) from None
    if found is False:
        raise SpecError(codes.inputs.ConditionNeverHolds(sides_of(evaluator, condition, env)).at(condition.span))
    sets = {} if found is True else found
    values = list(_values(evaluator, condition, env))
    if any(value is UNKNOWN for value in values):
        return sets
    about = [symbol for value in values if isinstance(value, SymbolicSize) for symbol in value.symbols] or list(own)
    if not about:
        raise SpecError(codes.inputs.ConditionWithoutSizes().at(condition.span))
    return {**dict.fromkeys(about, ALL), **sets}


def _values(evaluator: Evaluator, condition: ast.Expr, env: Environment) -> Iterator[Any]:
    """Yield the value of each name, attribute and element in a condition, without sides of `if` that are not chosen."""
    pending: list[ast.Expr] = [condition]
    while pending:
        e = ast.bare(pending.pop())
        if isinstance(e, ast.Choice):
            pending.append(e.then if evaluator.truth(e.condition, env) else e.other)
        elif isinstance(e, ast.Chain):
            pending += e.operands
        elif isinstance(e, ast.Unary):
            pending.append(e.operand)
        elif isinstance(e, ast.CallExpr):
            pending += [argument.value for argument in e.arguments]
        elif not isinstance(e, ast.Literal):
            yield evaluator.evaluate(e, env)


def sides_of(evaluator: Evaluator, condition: ast.Expr, env: Environment, known: Sequence[Any] = ()) -> str:
    """Return the values of the sides of a comparison, as the end of a sentence; nothing for other conditions.

    `known` are the values of the first sides, which need not be evaluated again.
    """
    condition = ast.bare(condition)
    if not isinstance(condition, ast.Chain) or condition.operators[0] not in COMPARE:
        return ""
    values = [*known, *(evaluator.evaluate(operand, env) for operand in condition.operands[len(known) :])]
    sides = " and ".join(
        f"`{operand.span.text}` is {_counted(value)}"
        for operand, value in zip(condition.operands, values, strict=True)
        if not isinstance(ast.bare(operand), ast.Literal | ast.ListExpr)
    )
    return f": {sides}" if sides else ""


def _counted(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else show(value)


def _sets(evaluator: Evaluator, e: ast.Expr, env: Environment) -> Stated | bool:
    """Return what a condition states of each symbolic size, or its truth if it is about none."""
    e = ast.bare(e)
    if isinstance(e, ast.Unary) and e.operator == "not":
        inner, times = ast.bare(e.operand), 1
        while isinstance(inner, ast.Unary) and inner.operator == "not":
            inner, times = ast.bare(inner.operand), times + 1
        operand = _sets(evaluator, inner, env)
        if times % 2 == 0:
            return operand
        return (
            not operand if isinstance(operand, bool) else {symbol: ~sizes for symbol, sizes in _single(operand, e.span).items()}
        )
    if isinstance(e, ast.Choice):
        holds = evaluator.truth(e.condition, env)
        return True if holds is UNKNOWN else _sets(evaluator, e.then if holds else e.other, env)
    if not isinstance(e, ast.Chain) or e.operators[0] not in ("and", "or", *COMPARE):
        return evaluator.truth(e, env) is not False
    if e.operators[0] in ("and", "or"):
        return _joined(evaluator, e.operators[0], [_sets(evaluator, operand, env) for operand in e.operands], e.span)
    for side in e.operands:
        if isinstance(inner := ast.bare(side), ast.Chain) and inner.operators[0] in ("and", "or", *COMPARE):
            raise SpecError(codes.inputs.ConditionCompared(side.span.text).at(side.span))
    values = [evaluator.evaluate(operand, env) for operand in e.operands]
    pairs = zip(values, e.operators, values[1:], strict=False)
    return _joined(evaluator, "and", [_compared(left, sign, right, e.span) for left, sign, right in pairs], e.span)


def _joined(evaluator: Evaluator, operator: str, parts: list[Stated | bool], span: Span) -> Stated | bool:
    """Return what conditions state together, if all hold or one of them does."""
    decides = operator == "or"
    if decides in parts:
        return decides
    found: Stated = {}
    for part in parts:
        for symbol, sizes in part.items() if isinstance(part, dict) else ():
            if symbol in found:
                sizes = found[symbol] | sizes if decides else found[symbol] & sizes
            found[symbol] = sizes
            evaluator.budget.charge(budget.OPEN * len(sizes), span)
        if decides and isinstance(part, dict):
            _single({**found, **_single(part, span)}, span)
    return found or not decides


def _compared(left: Any, sign: str, right: Any, span: Span) -> Stated | bool:
    """Return what a comparison of two sizes states."""
    if left is UNKNOWN or right is UNKNOWN:
        return True
    for value in (left, right):
        if isinstance(value, bool) or not isinstance(value, int | SymbolicSize):
            raise SpecError(codes.inputs.ValueCompared(value).at(span))
    symbols = list(dict.fromkeys(s for value in (left, right) if isinstance(value, SymbolicSize) for s in value.symbols))
    if len(symbols) > 1:
        equal = sign == "==" and {str(left), str(right)} == set(symbols)
        raise SpecError(codes.symbolic_sizes.TiedSizes(symbols, equal=equal).at(span))
    sizes = compared(sign, left, right)
    return {symbols[0]: sizes} if symbols else bool(sizes)


def _single(stated: Stated, span: Span) -> Stated:
    """Return what is stated. Raise `SpecError` if it is about several symbols."""
    if len(stated) > 1:
        raise SpecError(codes.symbolic_sizes.TiedSizes(list(stated), several=True).at(span))
    return stated
