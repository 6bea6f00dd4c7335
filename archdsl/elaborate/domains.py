"""Domains: the values that a search may choose for a parameter of a network, or for a part of a recipe.

A domain is a list, a range, or an interval of real numbers: `uniform(low, high)` and `log(low, high)`. Those two words mean an
interval in this place only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from archdsl.diagnostics import SpecError, codes
from archdsl.elaborate.block_cache import argument_identity
from archdsl.elaborate.evaluates import Evaluates
from archdsl.elaborate.values import UNKNOWN, Environment, Module, Unknown
from archdsl.literals import show
from archdsl.source import Span
from archdsl.syntax import nodes as ast

_DIGITS: Final = 6
"""Significant digits of a real number that is drawn."""
INTERVALS: Final = ("uniform", "log")
"""The kinds of intervals, which are called like functions."""


class Choices(NamedTuple):
    """A list or range of values.

    `places` are those of the items in the text, if it lists them. `names` are those by which the file knows the values, empty
    for a value without one.
    """

    values: Sequence[Any]
    places: tuple[Span, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def default(self) -> Any:
        """The first value."""
        return self.values[0]

    @property
    def size(self) -> int | None:
        """The number of values."""
        return len(self.values)

    def holds(self, value: Any) -> bool:
        """Return whether a value is one of the choices."""
        return any(_same(value, choice) for choice in self.values) if not isinstance(self.values, range) else (
            isinstance(value, int) and not isinstance(value, bool) and value in self.values
        )  # fmt: skip

    def name_of(self, value: Any) -> str:
        """Return the name by which the file knows one of the values; empty if it has none."""
        return next((name for name, choice in zip(self.names, self.values, strict=False) if choice is value), "")

    def place(self, position: int, otherwise: Span) -> Span:
        """Return the place of a choice."""
        return self.places[position] if position < len(self.places) else otherwise


class Interval(NamedTuple):
    """The real numbers from `low` to `high`, both included; on a logarithmic scale if `log`."""

    low: float
    high: float
    log: bool

    @property
    def default(self) -> float:
        """The middle of the interval, on its scale."""
        return math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2

    @property
    def size(self) -> int | None:
        """None: there are infinitely many values."""
        return None

    def holds(self, value: Any) -> bool:
        """Return whether a number lies in the interval."""
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high

    def at(self, fraction: float) -> float:
        """Return the number at a fraction of the way from low to high."""
        if self.log:
            return math.exp(math.log(self.low) + fraction * (math.log(self.high) - math.log(self.low)))
        return self.low + fraction * (self.high - self.low)

    def rounded(self, number: float) -> float:
        """Return a number of the interval with few digits, as a spec is written; an end if that lies outside."""
        return min(self.high, max(self.low, float(f"{number:.{_DIGITS}g}")))


Domain: TypeAlias = "Choices | Interval"


def domain_of(evaluator: Evaluates, name: str, expression: ast.Expr, module: Module) -> Domain | Unknown:
    """Return the domain that an expression describes, which sees the file only. Raise `SpecError` E0414 if it is none."""
    env, bare = Environment(None, module), ast.bare(expression)
    if (interval := interval_in(bare)) is not None:
        return _interval(evaluator, interval, env)
    if isinstance(bare, ast.ListExpr):  # item by item, so that each has a place
        values: Any = tuple([evaluator.evaluate(item, env) for item in bare.items])
        places = tuple([item.span for item in bare.items])
    else:
        values, places = evaluator.evaluate(expression, env), ()
    if isinstance(values, Unknown) or (isinstance(values, tuple) and UNKNOWN in values):
        return UNKNOWN
    if not isinstance(values, tuple | range):
        raise SpecError(codes.spaces.NotADomain(name, values).at(expression.span))
    if not values:
        raise SpecError(codes.spaces.EmptyDomain(name, expression.span.text).at(expression.span))
    if isinstance(values, tuple):
        _refuse_repeated(name, values, places, expression.span)
    return Choices(values, places, _names(bare, module))


def _names(domain: ast.Expr, module: Module) -> tuple[str, ...]:
    """Return the names of the values of a domain, if it is a list, or a constant of the file that is one."""
    constant = module.definitions.get(domain.id) if isinstance(domain, ast.Name) else None
    listed = ast.bare(constant.value) if isinstance(constant, ast.Constant) else domain
    if not isinstance(listed, ast.ListExpr):
        return ()
    return tuple([item.id if isinstance(item, ast.Name) else "" for item in map(ast.bare, listed.items)])


def _refuse_repeated(name: str, values: tuple[Any, ...], places: tuple[Span, ...], span: Span) -> None:
    """Raise `SpecError` if a domain has a value twice."""
    seen: set[Any] = set()
    for position, value in enumerate(values):
        identity = _identity(value)
        if identity in seen:
            place = places[position] if places else span
            raise SpecError(codes.spaces.ChoiceTwice(name, show(value)).at(place))
        seen.add(identity)


def _identity(value: Any) -> Any:
    """Return a key that equal values have; numbers are equal whatever their type."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    found = argument_identity(value)
    return (id(value),) if found is None else found


def _same(one: Any, other: Any) -> bool:
    return bool(_identity(one) == _identity(other))


def interval_in(expression: ast.Expr | None) -> ast.CallExpr | None:
    """Return the call `uniform(low, high)` or `log(low, high)` that an expression is; None if it is none."""
    call = ast.bare(expression) if expression is not None else None
    callee = ast.bare(call.callee) if isinstance(call, ast.CallExpr) else None
    return call if isinstance(call, ast.CallExpr) and isinstance(callee, ast.Name) and callee.id in INTERVALS else None


def _interval(evaluator: Evaluates, call: ast.CallExpr, env: Environment) -> Interval | Unknown:
    """Return the interval that a call describes."""
    kind = call.callee.span.text
    if len(call.arguments) != 2 or any(argument.name is not None for argument in call.arguments):
        raise SpecError(codes.spaces.WrongInterval(kind, "two numbers, the lower and the upper end").at(call.span))
    ends: list[float] = []
    for argument in call.arguments:
        value = evaluator.evaluate(argument.value, env)
        if isinstance(value, Unknown):
            return UNKNOWN
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise SpecError(codes.spaces.WrongInterval(kind, f"numbers, found {show(value)}").at(argument.span))
        ends.append(float(value))
    low, high = ends
    if low >= high:
        reason = f"a lower end below the upper end, found {low:g} and {high:g}"
        raise SpecError(codes.spaces.WrongInterval(kind, reason).at(call.span))
    if kind == "log" and low <= 0:
        raise SpecError(codes.spaces.WrongInterval(kind, f"a lower end over 0, found {low:g}").at(call.span))
    return Interval(low, high, kind == "log")
