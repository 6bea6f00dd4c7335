"""The children of a grammar rule, from which the tree is built: tuples with the span of their brackets, and what a rule has."""

from __future__ import annotations

from typing import Any

from archdsl.source import Span
from archdsl.syntax import nodes as ast

Children = list[Any]
"""Tokens and nodes, in the order of the text."""


def indices_of(target: ast.Expr) -> tuple[tuple[ast.Expr, ...], ast.Expr]:
    """Return the indices of `name[i][j]` in their order, and what stands before them."""
    indices: list[ast.Expr] = []
    base = ast.bare(target)
    while isinstance(base, ast.Index):
        indices.append(base.index)
        base = ast.bare(base.base)
    return tuple(reversed(indices)), base


class Spanned(tuple[Any, ...]):
    """A tuple that also has the span of its brackets."""

    span: Span

    def __new__(cls, span: Span, items: Any) -> Spanned:
        """Return the items with the span of their brackets."""
        made = super().__new__(cls, items)
        made.span = span
        return made


class Arguments(Spanned):
    """The arguments of a call."""


class Parameters(Spanned):
    """The parameters of a definition."""


class Settings(Spanned):
    """The settings of an `init` or `train`."""


def is_empty(item: ast.Node) -> bool:
    """Whether an item stands for skipped text of which there is none."""
    return item.__class__ is ast.Skipped and item.span.start == item.span.end


def arguments_in(c: Children) -> tuple[ast.Argument, ...]:
    """Return the arguments among the children; none if there are no brackets."""
    return next((item for item in c if isinstance(item, Arguments)), ())


def function_parameters(c: Children) -> tuple[ast.Parameter, ...] | None:
    """Return the parameters of a function; None for a constant."""
    return next((item for item in c if isinstance(item, Parameters)), None)


def parameters_in(c: Children) -> tuple[ast.Parameter, ...]:
    """Return the parameters among the children; none if there are no brackets."""
    return next((item for item in c if isinstance(item, Parameters)), ())
