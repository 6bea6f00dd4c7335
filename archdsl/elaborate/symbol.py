"""A symbol: something with a name, with the places where the name is bound and read; and the scopes that bind names."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeGuard

from archdsl.elaborate.values import Module
from archdsl.registry import Registered
from archdsl.source import Span
from archdsl.syntax import nodes as ast


class SymbolKind(StrEnum):
    """What a name stands for."""

    PARAMETER = "parameter"
    CONSTANT = "constant"
    LABEL = "label"
    MODULE = "module"
    LOOP_VARIABLE = "loop variable"
    INPUT = "input"
    SIZE = "symbolic size"
    FLOW = "the tensor that flows"
    BLOCK = "block"
    NETWORK = "network"
    IMPORT = "import"
    OP = "op"
    OP_PARAMETER = "parameter of an op"
    KEYWORD = "keyword of what a parameter holds"
    WORD = "word"
    INITIALIZER = "initializer"
    COUNT = "count"
    FUNCTION = "function"


@dataclass(slots=True, eq=False)
class Symbol:
    """Something with a name. `owner` is the block, network or op that it belongs to, for what belongs to one.

    `definitions` are the places of the name where it is bound: none for what the language brings along, several for an
    indexed label. `uses` are the places of the name where it is read.
    """

    name: str
    kind: SymbolKind
    owner: str | None = None
    node: ast.Node | None = None
    definitions: list[Span] = field(default_factory=list)
    uses: list[Span] = field(default_factory=list)

    origin: Span | None = None
    """For `x`, where it comes from: the first input of the network, or the block."""

    @property
    def definition(self) -> Span | None:
        """The first place where it is bound, or where it comes from."""
        return self.definitions[0] if self.definitions else self.origin


class Scope:
    """The names that braces bind. `control` is set for those of a loop or `if`, through which indexed labels are bound.

    It is `without` symbols of some kinds from outside, as the body of a module is.
    """

    def __init__(
        self,
        outer: Scope | None,
        control: bool = False,
        without: Container[SymbolKind] = (),
        parts: dict[str, Symbol] | None = None,
    ) -> None:
        self.outer = outer
        self.parts: dict[str, Symbol] = parts if parts is not None else outer.parts if outer is not None else {}
        """The labels of the innermost labelled scope around, whatever braces of it they are in: a path leads to them."""
        self.control = control
        self.without = without
        self.names: dict[str, Symbol] = {}

    def find(self, name: str) -> Symbol | None:
        """Return what a name means here."""
        scope: Scope | None = self
        hidden: list[Container[SymbolKind]] = []
        while scope is not None:
            found = scope.names.get(name)
            if found is not None:
                return None if any(found.kind in kinds for kinds in hidden) else found
            hidden.append(scope.without)
            scope = scope.outer
        return None

    def visible(self) -> dict[str, Symbol]:
        """Return all names that mean something here, with what they mean."""
        names: set[str] = set()
        scope: Scope | None = self
        while scope is not None:
            names |= scope.names.keys()
            scope = scope.outer
        return {name: symbol for name in sorted(names) if (symbol := self.find(name)) is not None}

    def around_control(self) -> Scope:
        """Return the scope in which a label is bound: that around loops and `if`."""
        scope = self
        while scope.control and scope.outer is not None:
            scope = scope.outer
        return scope


def kind_of(definition: ast.Definition | ast.Let) -> SymbolKind:
    """Return what the name of a definition stands for."""
    match definition:
        case ast.Block():
            return SymbolKind.BLOCK
        case ast.Constant() | ast.Let():
            return SymbolKind.CONSTANT if definition.parameters is None else SymbolKind.FUNCTION
    return SymbolKind.NETWORK


def name_span(node: ast.Node, name: str, keyword: str = "") -> Span:
    """Return the place of the name that a node begins with, behind a keyword."""
    return _find(node.span, name, node.span.start + len(keyword))


def _find(span: Span, name: str, after: int) -> Span:
    """Return the first place of a name behind an offset."""
    start = max(span.file.text.find(name, after, span.end), after)
    return Span(span.file, start, start + len(name))


def all_modules(module: Module) -> Iterable[Module]:
    """Return a module and all that it imports, each once."""
    found: dict[int, Module] = {}
    pending = [module]
    while pending:
        one = pending.pop()
        if id(one) not in found:
            found[id(one)] = one
            pending += one.imports.values()
    return found.values()


def target_of(alias: ast.Alias, module: Module) -> ast.Definition | None:
    """Return the network that an alias leads to, in its file or an imported one; None if it leads nowhere."""
    definition: ast.Definition | None = alias
    for _ in all_modules(module):
        for _ in module.definitions:
            if not isinstance(definition, ast.Alias):
                return definition
            target = ast.bare(definition.target)
            name = ast.bare(target.callee) if isinstance(target, ast.CallExpr) else target
            if (
                isinstance(name, ast.Attribute)
                and isinstance(base := ast.bare(name.base), ast.Name)
                and base.id in module.imports
            ):
                module = module.imports[base.id]
                definition = module.definitions.get(name.name)
                break
            definition = module.definitions.get(name.id) if isinstance(name, ast.Name) else None
    return definition if not isinstance(definition, ast.Alias) else None


def is_declared(target: Any) -> TypeGuard[type[Registered]]:
    """Return whether something is a class that a spec calls by name, such as an op."""
    return isinstance(target, type) and issubclass(target, Registered)
