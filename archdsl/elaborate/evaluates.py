"""What the parts of expressions ask of the evaluator, which hands itself to them."""

from __future__ import annotations

from typing import Any, Protocol

from archdsl.elaborate.budget import Budget
from archdsl.elaborate.name_errors import NameErrors
from archdsl.elaborate.paths import Paths
from archdsl.elaborate.values import Environment, Unknown
from archdsl.limits import Limits
from archdsl.session import Session
from archdsl.source import Span
from archdsl.syntax import nodes as ast


class Evaluates(Protocol):
    """Gives expressions their values: see `archdsl.elaborate.expressions`."""

    session: Session
    paths: Paths
    name_errors: NameErrors

    limits: Limits
    budget: Budget
    undecided: Span | None
    unread: bool
    examined: set[ast.Let | ast.Constant]

    @property
    def depth_left(self) -> int:
        """How deeply expressions may be nested in the one that is being evaluated."""

    def evaluate(self, expression: ast.Expr, env: Environment) -> Any:
        """Return the value of an expression. Raise `SpecError` if it has none."""

    def evaluate_apart(self, expression: ast.Expr, env: Environment) -> Any:
        """Return the value of an expression that is no part of the one that is being evaluated."""

    def truth(self, expression: ast.Expr, env: Environment) -> bool | Unknown:
        """Return the value of a condition."""

    def whole(self, expression: ast.Expr, env: Environment, what: str) -> int | Unknown:
        """Return a whole number."""

    def named(self, e: ast.Name, env: Environment) -> Any:
        """Return what a name means, or the class `Unknown` itself if it means nothing."""

    def checked(self, items: tuple[Any, ...], span: Span) -> tuple[Any, ...]:
        """Return a list, if it is not too large with the lists in it."""
