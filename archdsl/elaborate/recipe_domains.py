"""The domains in a recipe, such as `optimizer = sgd(lr in log(1e-3, 1))`, and the choices that a search makes of them.

A choice may have domains of its own, as in `optimizer in [sgd(lr in log(1e-3, 1)), adamw(lr in log(1e-5, 1e-2))]`. The path of a
domain is that of `--set train.optimizer.lr`; inside a choice, the name of what was chosen is a part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from archdsl.diagnostics import SpecError, codes
from archdsl.elaborate.domains import Choices, Domain, Interval, domain_of
from archdsl.elaborate.evaluates import Evaluates
from archdsl.elaborate.values import Module, Unknown
from archdsl.literals import show
from archdsl.source import SourceFile
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import parse_expression


class Place(NamedTuple):
    """A domain in a recipe: its path below `train`, its node, and what may be chosen."""

    path: str
    node: ast.Domain
    domain: Domain


class Alternative(NamedTuple):
    """A choice that is an expression, and perhaps has domains of its own. Its text is that of the expression."""

    expression: ast.Expr
    label: str
    key: str
    """What stands for it in the paths of its own domains: the name of what is called, with a number if two choices call it."""

    def __str__(self) -> str:
        return self.label


Pick = Callable[[Place], Any]
"""Return the value that is chosen at a place: one of its choices, or a number of its interval."""


def first_domains(path: str, expression: ast.Expr) -> Iterator[tuple[str, ast.Domain]]:
    """Yield the domains in a value of the recipe with their paths, without those inside their choices."""
    expression = ast.bare(expression)
    if isinstance(expression, ast.Domain):
        yield path, expression
    elif isinstance(expression, ast.CallExpr):
        for number, argument in enumerate(expression.arguments):
            yield from first_domains(f"{path}.{argument.name or number}", argument.value)
    elif isinstance(expression, ast.ListExpr):
        for number, item in enumerate(expression.items):
            yield from first_domains(f"{path}[{number}]", item)


def place_of(evaluator: Evaluates, path: str, node: ast.Domain, module: Module) -> Place | None:
    """Return a domain with its values; None if they are unknown. Raise `SpecError` E0414 if it is none.

    The items of a list stay expressions, as they may be calls that only the key of the recipe understands.
    """
    listed = ast.bare(node.choices)
    if isinstance(listed, ast.ListExpr):
        if not listed.items:
            raise SpecError(codes.spaces.EmptyDomain(path, listed.span.text).at(listed.span))
        domain: Domain | Unknown = Choices(_alternatives(path, listed), tuple([item.span for item in listed.items]))
    else:
        domain = domain_of(evaluator, path, node.choices, module)
    return None if isinstance(domain, Unknown) else Place(path, node, domain)


def _alternatives(path: str, listed: ast.ListExpr) -> tuple[Alternative, ...]:
    """Return the items of a list of choices. Raise `SpecError` if one stands twice."""
    found: list[Alternative] = []
    for item in map(ast.bare, listed.items):
        text = " ".join(item.span.text.split())
        if any(text == other.label for other in found):
            raise SpecError(codes.spaces.ChoiceTwice(path, text).at(item.span))
        called = item.callee.span.text if isinstance(item, ast.CallExpr) else str(len(found) + 1)
        again = sum(other.key.partition("_")[0] == called for other in found)
        found.append(Alternative(item, text, f"{called}_{again + 1}" if again else called))
    return tuple(found)


def inner_path(path: str, chosen: Alternative) -> str:
    """Return the path of what is inside a choice."""
    return f"{path}.{chosen.key}"


class Chooser:
    """Replaces the domains of a recipe by what `pick` chooses."""

    def __init__(self, evaluator: Evaluates, module: Module, pick: Pick) -> None:
        self._evaluator, self._module, self._pick = evaluator, module, pick

    def text(self, path: str, expression: ast.Expr) -> str:
        """Return the text of a value, with choices in place of its domains."""
        bare = ast.bare(expression)
        if isinstance(bare, ast.Domain):
            place = place_of(self._evaluator, path, bare, self._module)
            chosen = self._pick(place) if place is not None else None
            return self.text(inner_path(path, chosen), chosen.expression) if isinstance(chosen, Alternative) else show(chosen)
        text, at = "", bare.span.start
        for inner, node in first_domains(path, bare):
            text += bare.span.file.text[at : node.span.start] + "= " + self.text(inner, node)
            at = node.span.end
        return text + bare.span.file.text[at : bare.span.end]

    def expression(self, path: str, expression: ast.Expr) -> ast.Expr:
        """Return a value, with choices in place of its domains, which keep their places. Raise `SpecError` for a wrong domain."""
        bare = ast.bare(expression)
        if isinstance(bare, ast.Domain):
            place = place_of(self._evaluator, path, bare, self._module)
            return self._chosen(place) if place is not None else ast.Missing(bare.span)
        if isinstance(bare, ast.ListExpr):
            items = [self.expression(f"{path}[{number}]", item) for number, item in enumerate(bare.items)]
            return replace(bare, items=tuple(items))
        if isinstance(bare, ast.CallExpr):
            arguments = [
                replace(one, value=self.expression(f"{path}.{one.name or number}", one.value))
                for number, one in enumerate(bare.arguments)
            ]
            return replace(bare, arguments=tuple(arguments))
        return expression

    def _chosen(self, place: Place) -> ast.Expr:
        value, span = self._pick(place), place.node.choices.span
        if isinstance(value, ast.Expr):
            return self.expression(place.path, value)
        if isinstance(value, Alternative):
            return self.expression(inner_path(place.path, value), value.expression)
        if value is None or isinstance(value, bool | int | float | str):
            return ast.Literal(span, value)
        parsed, _ = parse_expression(SourceFile(place.path, show(value)))
        return parsed if parsed is not None else ast.Missing(span)


def default_at(place: Place) -> Any:
    """Return the default of a domain: the expression behind `=`, or else its first value, or the middle of an interval."""
    return place.node.default if place.node.default is not None else place.domain.default


def extremes(place: Place) -> list[Any]:
    """Return the values with which a domain is checked: all choices of a list, the ends of a range or interval."""
    if isinstance(place.domain, Interval):
        return [place.domain.low, place.domain.high]
    values = place.domain.values
    return [values[0], values[-1]] if isinstance(values, range) else list(values)


def all_places(evaluator: Evaluates, module: Module, path: str, expression: ast.Expr) -> Iterator[Place]:
    """Yield every domain in a value, those in choices included. Raise `SpecError` for a wrong one."""
    for inner, node in first_domains(path, expression):
        place = place_of(evaluator, inner, node, module)
        if place is None:
            continue
        yield place
        for value in place.domain.values if isinstance(place.domain, Choices) else ():
            if isinstance(value, Alternative):
                yield from all_places(evaluator, module, inner_path(inner, value), value.expression)
