"""Expressions that read what labels name in other scopes, such as `backbone.layer3` and `backbone.stage[2]`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from archdsl.diagnostics import SpecError, codes, did_you_mean
from archdsl.elaborate.arithmetic import part_of
from archdsl.elaborate.parts import AMBIGUOUS, Chain, Inside, scope_named, seen_through
from archdsl.elaborate.values import SIZE_ATTRIBUTES, UNKNOWN, Environment, Family, Unknown
from archdsl.ir.builder import GraphBuilder
from archdsl.ir.core import Value
from archdsl.source import Span
from archdsl.syntax import nodes as ast

Evaluate = Callable[[ast.Expr, Environment], Any]


class _Place(NamedTuple):
    """Where a path leads: through these scopes, to a value or family as the innermost one knows it."""

    chain: Chain
    found: Any


class Paths:
    """Reads parts of labelled scopes, which only a `builder` makes. `unread` returns the value of what may be there."""

    def __init__(self, evaluate: Evaluate, unread: Callable[[], Unknown], deepest: int) -> None:
        self.builder: GraphBuilder | None = None
        self._deepest = deepest
        self._evaluate = evaluate
        self._unread = unread

    def part(self, e: ast.Attribute | ast.Index, env: Environment) -> Any:
        """Return the value that a path through labelled scopes leads to; None if it is no such path."""
        if self.builder is None or not self._begins_in_scope(e, env):
            return None
        place = self._place(e, env)
        if place is None or isinstance(place.found, Unknown):
            return None if place is None else place.found
        return seen_through(self.builder, place.chain, place.found)

    def else_by(self, evaluate: Callable[[Any, Environment], Any]) -> Callable[[Any, Environment], Any]:
        """Return how to evaluate an expression that may be a path; `evaluate` does it if it is none."""

        def evaluated(e: ast.Attribute | ast.Index, env: Environment) -> Any:
            part = self.part(e, env)
            return part if part is not None else evaluate(e, env)

        return evaluated

    def _begins_in_scope(self, e: ast.Expr, env: Environment) -> bool:
        """Return whether a path begins with the label of a scope, and is not nested too deeply to be read."""
        depth = 0
        while isinstance(e, ast.Attribute | ast.Index):
            e, depth = ast.bare(e.base), depth + 1
        return isinstance(e, ast.Name) and depth <= self._deepest and scope_named(env, e.id) is not None

    def _place(self, e: ast.Expr, env: Environment) -> _Place | None:
        """Return where a path leads; None if it is none, or a size."""
        if isinstance(e, ast.Attribute):
            return self._of_scope(e, env)
        if not isinstance(e, ast.Index):
            return None
        base = self._place(ast.bare(e.base), env)
        if base is None or not isinstance(base.found, Family):
            return base if base is not None and isinstance(base.found, Unknown) else None
        index = self._evaluate(e.index, env)
        return _Place(base.chain, UNKNOWN if isinstance(index, Unknown) else self.member(base.found, index, e, env))

    def _of_scope(self, e: ast.Attribute, env: Environment) -> _Place | None:
        """Return where the part of a scope is."""
        chain = self._scopes(ast.bare(e.base), env)
        if chain is None or not e.name:
            return None
        parts, base = chain[-1].parts, e.base.span.text
        found = parts.values.get(e.name)
        place = e.span._replace(start=e.span.end - len(e.name))
        if found is AMBIGUOUS:
            raise SpecError(codes.parts.AmbiguousPart(base, e.name).at(place))
        if e.name in SIZE_ATTRIBUTES:
            if found is not None:
                raise SpecError(codes.parts.PartOrSize(base, e.name).at(place))
            return None
        if found is not None:
            return _Place(chain, found)
        if parts.partial or env.damaged:
            return _Place((), self._unread())
        known = [name for name in parts.values if name not in SIZE_ATTRIBUTES]
        if not known and isinstance(chain[-1].value, Value):
            return None
        raise SpecError(codes.parts.NoSuchLabel(base, e.name, known, did_you_mean(e.name, known), place).at(place))

    def _scopes(self, e: ast.Expr, env: Environment) -> Chain | None:
        """Return the scopes that an expression leads through; None if it names none."""
        if isinstance(e, ast.Name):
            found = scope_named(env, e.id)
            return None if found is None else (found,)
        if isinstance(e, ast.Attribute):
            return self._below(self._scopes(ast.bare(e.base), env), e.name)
        if isinstance(e, ast.Index):
            chain = self._scopes(ast.bare(e.base), env)
            index = self._evaluate(e.index, env) if chain is not None else None
            return self._below(chain, str(index)) if isinstance(index, int) else None
        return None

    def _below(self, chain: Chain | None, name: str) -> Chain | None:
        inner: Inside | None = chain[-1].parts.inner.get(name) if chain is not None else None
        return None if inner is None or chain is None else (*chain, inner)

    # -- families --

    def member(self, family: Family, index: Any, e: ast.Index, env: Environment) -> Any:
        """Return a member of a family, or a list of those in a range."""
        if isinstance(index, range):
            listed = self.listed(family, e.base.span)
            return UNKNOWN if isinstance(listed, Unknown) else part_of(listed, index, e.index.span)
        if isinstance(index, bool) or not isinstance(index, int):
            kind = codes.whole_numbers.FloatAsWhole if isinstance(index, float) else codes.arguments.NotAnInt
            raise SpecError(kind("an index", index).at(e.index.span))
        if index in family:
            return family[index]
        if family.partial or env.damaged:
            return self._unread()
        raise SpecError(codes.keys.NoSuchElement(e.base.span.text, index, list(family)).at(e.span))

    def listed(self, family: Family, span: Span) -> tuple[Any, ...] | Unknown:
        """Return the members of a family in order, from index 0 on. Raise `SpecError` if one is missing in between."""
        if family.partial:
            return self._unread()
        missing = next((index for index in range(len(family)) if index not in family), None)
        if missing is not None:
            raise SpecError(codes.parts.GapInFamily(family.name, missing, sorted(family)[:8]).at(span))
        return tuple([family[index] for index in range(len(family))])

    def all_listed(self, values: list[Any], span: Span) -> list[Any]:
        """Return values with a list in the place of each family."""
        return [self.listed(value, span) if isinstance(value, Family) else value for value in values]
