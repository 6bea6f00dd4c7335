"""What the parts of paths mean: `backbone.low`, `neck.p[1]`.

A path may lead into a block that is defined further down, so paths are resolved when all else is.
"""

from __future__ import annotations

from typing import Any

from archdsl.elaborate.symbol import Scope, Symbol, SymbolKind
from archdsl.elaborate.values import SIZE_ATTRIBUTES
from archdsl.source import Span
from archdsl.syntax import nodes as ast


class SymbolPaths:
    """The labels of scopes and blocks, and the paths that read them."""

    def __init__(self) -> None:
        self.bodies: dict[int, dict[str, Symbol]] = {}
        """The labels of each definition, by its identity."""
        self._inside: dict[int, list[Any]] = {}
        """For the symbol of a label, by its identity, where the labels below it are: as names, or as those of a definition.

        None stands for a block that is not known here.
        """
        self._read: list[tuple[ast.Attribute, Symbol]] = []
        """Paths, those that are a part of another one first, with the symbol that each begins with."""

    def add(self, scope: Scope, symbol: Symbol, parts: list[Any]) -> None:
        """Take in a label, with the places of the labels below it."""
        scope.parts.setdefault(symbol.name, symbol)
        self._inside.setdefault(id(symbol), []).extend(parts)

    def read(self, node: ast.Attribute, scope: Scope) -> None:
        """Take in a path that begins with a label."""
        base: ast.Expr = node
        while isinstance(base, ast.Attribute | ast.Index):
            base = ast.bare(base.base)
        symbol = scope.find(base.id) if isinstance(base, ast.Name) else None
        if symbol is not None and symbol.kind is SymbolKind.LABEL:
            self._read.append((node, symbol))

    def resolve(self, unresolved: list[Span]) -> None:
        """Add each path to the uses of the label that it leads to, or to the names without a meaning."""
        meant: dict[int, Symbol | None] = {}
        for node, first in self._read:
            base = ast.bare(node.base)
            while isinstance(base, ast.Index):
                base = ast.bare(base.base)
            around = first if isinstance(base, ast.Name) else meant.get(id(base))
            if around is None or not node.name or node.name in SIZE_ATTRIBUTES:
                continue
            found = meant[id(node)] = self._part(around, node.name)
            place = Span(node.span.file, node.span.end - len(node.name), node.span.end)
            if found is not None:
                found.uses.append(place)
            elif None not in self._inside.get(id(around), ()):
                unresolved.append(place)

    def below(self, symbol: Symbol) -> dict[str, Symbol]:
        """Return the labels that a path through a label may name next."""
        found: dict[str, Symbol] = {}
        for place in self._inside.get(id(symbol), ()):
            names = place if isinstance(place, dict) else self.bodies.get(id(place), {})
            found = {**names, **found}
        return found

    def _part(self, symbol: Symbol, name: str) -> Symbol | None:
        return self.below(symbol).get(name)
