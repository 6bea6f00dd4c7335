"""List comprehensions over plain numbers as Python functions: `[8 * round(w * m^i / 8) for i in 0..n if i % 2 == 0]`.

The evaluator looks at every part of an expression again for each element, since it can be anything. In most lists, all parts are
integers and floats. The expression is then translated to Python once in a session, and runs tens of times as fast. Whatever is
beyond this (other values, numbers that are too large, errors) raises an exception, and the evaluator does the whole list instead:
expressions have no effects, so that it finds the same, and reports the errors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

from archdsl.diagnostics import SpecError
from archdsl.elaborate import budget
from archdsl.elaborate.arithmetic import COMPARE
from archdsl.elaborate.evaluates import Evaluates
from archdsl.elaborate.parts import scope_named
from archdsl.elaborate.values import FUNCTIONS, Environment, Unknown
from archdsl.syntax import nodes as ast

_NUMBERS: Final = frozenset({int, float})
_SCALAR: Final = frozenset({"min", "max", "abs", "ceil", "floor", "round", "sqrt", "log2", "int", "make_divisible"})
"""The functions that take numbers and return one."""

Kind = Literal["number", "condition"]


class NumberList(NamedTuple):
    """A comprehension as a function of what it goes through, and of the names from around it.

    `numbers` must be integers or floats, `lists` lists of these, and the names of `functions` must mean those. `steps` are what
    an element takes of the budget, and `depth` is how deeply its expressions are nested.
    """

    function: Callable[..., list[Any]]
    numbers: tuple[str, ...]
    lists: tuple[str, ...]
    functions: tuple[str, ...]
    steps: int
    depth: int


def number_list(evaluator: Evaluates, e: ast.Comprehension, values: tuple[Any, ...] | range, env: Environment) -> Any:
    """Return the list that a comprehension gives as a tuple; None if the evaluator has to find it."""
    made = evaluator.session.cached(_translated, e, evaluator.limits.integer_bits)
    if made is None or not _only_numbers(values):
        return None
    given = [env.find(name) for name in made.numbers]
    lists = [env.find(name) for name in made.lists]
    work = evaluator.budget
    steps = made.steps * len(values)
    if not (
        all(value.__class__ in _NUMBERS for value in given)
        and all(value.__class__ is tuple and _only_numbers(value) for value in lists)
        and all(env.find(name) is Unknown for name in made.functions)
        and all(scope_named(env, name) is None for name in made.lists)
        and work.spent + steps <= work.limit
        and made.depth <= evaluator.depth_left
    ):
        return None
    try:
        found = made.function(values, *given, *lists)
    except (SpecError, ArithmeticError, LookupError, TypeError, ValueError):
        return None
    work.spent += steps
    return tuple(found)


def _only_numbers(values: tuple[Any, ...] | range) -> bool:
    return values.__class__ is range or _NUMBERS.issuperset([value.__class__ for value in values])


def _translated(e: ast.Comprehension, integer_bits: int) -> NumberList | None:
    """Return a comprehension as a function; None if it may be about more than numbers."""
    if len(e.targets) > 2 or any(target.name is None for target in e.targets):
        return None
    names = _Names({str(target.name): f"t{position}" for position, target in enumerate(e.targets)})
    try:
        element = names.translate(e.element, 1)[0]
        condition = names.number_or_condition(e.condition, 1, "condition") if e.condition is not None else ""
    except _MoreThanNumbers:
        return None
    targets = [names.targets[str(target.name)] for target in e.targets]
    loop = f"{targets[0]} in values" if len(targets) == 1 else f"{', '.join(targets)} in enumerate(values)"
    around = ["values", *names.numbers.values(), *names.lists.values()]
    source = f"lambda {', '.join(around)}: [{element} for {loop}{f' if {condition}' if condition else ''}]"
    functions = {name: FUNCTIONS[name] for name in names.functions}
    function = eval(
        source,
        {"__builtins__": {}, "checked": _check(integer_bits), "power": _power(integer_bits), "enumerate": enumerate, **functions},
    )
    steps = budget.EXPRESSION * names.expressions
    return NumberList(function, tuple(names.numbers), tuple(names.lists), tuple(functions), steps, names.depth)


class _MoreThanNumbers(Exception):
    """An expression may have another value than a number."""


class _Names:
    """Translates expressions to Python, and collects the names in them."""

    def __init__(self, targets: dict[str, str]) -> None:
        self.targets = targets
        self.numbers: dict[str, str] = {}
        self.lists: dict[str, str] = {}
        self.functions: set[str] = set()
        self.expressions = 0
        self.depth = 0

    def number_or_condition(self, e: ast.Expr, depth: int, kind: Kind) -> str:
        """Return an expression in Python. Raise `_MoreThanNumbers` if its value may be of another kind."""
        text, found = self.translate(e, depth)
        if found != kind:
            raise _MoreThanNumbers
        return text

    def number(self, e: ast.Expr, depth: int) -> str:
        """Return an expression whose value is a number in Python."""
        return self.number_or_condition(e, depth, "number")

    def translate(self, e: ast.Expr, depth: int) -> tuple[str, Kind]:
        """Return an expression in Python, and of what kind its value is."""
        if isinstance(e, ast.Literal):
            return self._literal(e.value)
        self.expressions += 1
        self.depth = max(self.depth, depth)
        match ast.bare(e):
            case ast.Literal(value=value):
                return self._literal(value)
            case ast.Name(id=name):
                return self.targets.get(name) or self.numbers.setdefault(name, f"n{len(self.numbers)}"), "number"
            case ast.Chain() as chain:
                return self._chain(chain, depth + 1)
            case ast.Unary(operator="not", operand=operand):
                return f"(not {self.number_or_condition(operand, depth + 1, 'condition')})", "condition"
            case ast.Unary(operator=sign, operand=operand):
                return f"checked({sign}{self.number(operand, depth + 1)})", "number"
            case ast.Choice(then=then, condition=condition, other=other):
                tested = self.number_or_condition(condition, depth + 1, "condition")
                return f"({self.number(then, depth + 1)} if {tested} else {self.number(other, depth + 1)})", "number"
            case ast.Index(base=ast.Name(id=name), index=index) if name not in self.targets:
                self.expressions += 1
                place = self.number(index, depth + 1)
                return f"{self.lists.setdefault(name, f'l{len(self.lists)}')}[{place}]", "number"
            case ast.CallExpr() as call:
                return self._call(call, depth + 1), "number"
        raise _MoreThanNumbers

    def _literal(self, value: Any) -> tuple[str, Kind]:
        if value.__class__ is bool:
            return repr(value), "condition"
        if value.__class__ not in _NUMBERS:
            raise _MoreThanNumbers
        return repr(value), "number"

    def _chain(self, e: ast.Chain, depth: int) -> tuple[str, Kind]:
        first = e.operators[0]
        if first in ("and", "or"):
            return (
                f"({f' {first} '.join(self.number_or_condition(operand, depth, 'condition') for operand in e.operands)})",
                "condition",
            )
        text, *others = [self.number(operand, depth) for operand in e.operands]
        if first in COMPARE:
            compared = "".join(f" {sign} {other}" for sign, other in zip(e.operators, others, strict=True))
            return f"({text}{compared})", "condition"
        for sign, other in zip(e.operators, others, strict=True):
            text = f"power({text}, {other})" if sign == "^" else f"checked({text} {sign} {other})"
        return text, "number"

    def _call(self, e: ast.CallExpr, depth: int) -> str:
        name = ast.bare(e.callee)
        if not isinstance(name, ast.Name) or name.id not in _SCALAR or name.id in self.targets:
            raise _MoreThanNumbers
        if any(argument.name is not None for argument in e.arguments):
            raise _MoreThanNumbers
        self.functions.add(name.id)
        return f"{name.id}({', '.join(self.number(argument.value, depth) for argument in e.arguments)})"


def _check(integer_bits: int) -> Callable[[Any], Any]:
    """Return what passes on a number that the evaluator accepts as a result, and raises `OverflowError` for others."""

    def checked(value: Any) -> Any:
        if value.__class__ is int:
            if value.bit_length() > integer_bits:
                raise OverflowError
        elif value.__class__ is not float or value - value != 0.0:  # complex, infinite or NaN
            raise OverflowError
        return value

    return checked


def _power(integer_bits: int) -> Callable[[Any, Any], Any]:
    """Return the power of two numbers, unless it would be too large to compute."""
    checked = _check(integer_bits)

    def power(base: Any, exponent: Any) -> Any:
        if base.__class__ is int and exponent.__class__ is int and abs(exponent) * base.bit_length() > integer_bits:
            raise OverflowError
        return checked(base**exponent)

    return power
