"""How the source computes the arguments of calls, as text: `width * 4`, for whoever writes the network in another language.

An argument has such a text if it consists of numbers, sizes of values such as `x.c` and `x.shape[1]`, names of the block's own
parameters and `let`s, parentheses and arithmetic, or is a range or list of such expressions. A loop variable is none of its
own: it has another value in each round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from archdsl.elaborate.arithmetic import COMPARE
from archdsl.elaborate.parameters import parameter_names
from archdsl.elaborate.values import Callee, Environment
from archdsl.ir.core import NO_NAMES
from archdsl.syntax import nodes as ast

_NOT_ARITHMETIC: Final = frozenset({"and", "or", "not", *COMPARE})
_TRANSPARENT: Final = (ast.Parenthesized, ast.Unary, ast.Chain, ast.RangeExpr, ast.ListExpr)
"""Expressions that have a text if their parts have one."""


class _Argument(NamedTuple):
    """An argument that has a text wherever its names are the block's own."""

    parameter: str
    text: str
    names: tuple[str, ...]


class ExpressionTexts:
    """The texts of arguments. Each call in the source is examined once, however often it is made."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, object], tuple[tuple[_Argument, ...], Mapping[str, str] | None]] = {}

    def of(self, call: ast.Expr, target: object, callee: Callee | None, env: Environment) -> Mapping[str, str]:
        """Return the texts of a call's arguments, by parameter; of what it leaves to a default there is none.

        The target tells apart what a name in the call may mean. Without the callee, it is one that was asked for before.
        """
        if call.__class__ is not ast.CallExpr:
            return NO_NAMES
        key = (id(call), target)
        known = self._known.get(key)
        if known is None:
            if callee is None:
                return NO_NAMES
            arguments = tuple(_arguments(call, callee))
            texts: Mapping[str, str] | None = None
            if all(not argument.names for argument in arguments):
                texts = {argument.parameter: argument.text for argument in arguments}
            known = self._known[key] = (arguments, texts)
        arguments, texts = known
        if texts is not None:
            return texts
        return {one.parameter: one.text for one in arguments if all(_is_own(name, env) for name in one.names)}

    def of_option(self, name: str, arguments: Iterable[ast.Argument], parameter: str, env: Environment) -> Mapping[str, str]:
        """Return the text of an option of a statement, as the argument of an op that carries it out."""
        for argument in arguments:
            names = names_in(argument.value) if argument.name == name else None
            if names is not None and all(_is_own(used, env) for used in names):
                return {parameter: argument.value.span.text}
        return NO_NAMES


def _arguments(call: ast.CallExpr, callee: Callee) -> Iterable[_Argument]:
    order = parameter_names(callee.target)
    position = len(callee.positional) - sum(argument.name is None for argument in call.arguments)
    for argument in call.arguments:
        name = argument.name
        if name is None:
            name = order[position] if position < len(order) else None
            position += 1
        names = names_in(argument.value)
        if name is not None and names is not None:
            yield _Argument(name, argument.value.span.text, names)


def names_in(expression: ast.Expr) -> tuple[str, ...] | None:
    """Return the names of numbers in an expression; None if it is more than numbers, names, sizes, arithmetic and lists."""
    found: list[str] = []
    pending: list[ast.Node] = [expression]
    while pending:
        e = pending.pop()
        if isinstance(e, ast.Literal):
            if isinstance(e.value, bool) or not isinstance(e.value, int | float):
                return None
        elif isinstance(e, ast.Name):
            found.append(e.id)
        elif isinstance(e, ast.Attribute) and isinstance(e.base, ast.Name):
            continue
        elif isinstance(e, ast.Index) and isinstance(e.base, ast.Attribute) and e.base.name == "shape":
            pending += [e.base, e.index]
        elif isinstance(e, ast.RangeExpr) and e.step is not None:
            return None
        elif isinstance(e, _TRANSPARENT) and not _NOT_ARITHMETIC.intersection(_operators(e)):
            pending += ast.children(e)
        else:
            return None
    return tuple(found)


def _operators(e: ast.Node) -> tuple[str, ...]:
    return e.operators if isinstance(e, ast.Chain) else (e.operator,) if isinstance(e, ast.Unary) else ()


def _is_own(name: str, env: Environment) -> bool:
    """Return whether a name is a parameter or constant of the block around a place, with a number as its value."""
    around = env
    while name not in around.names:
        if around.outer is None:
            return False
        around = around.outer
    return around.outer is None and isinstance(around.names[name], int | float)
