"""The names that an expression takes from around it."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.syntax import nodes as ast


def free_names(definition: ast.Let | ast.Constant) -> dict[str, None]:
    """Return the names that a constant or function reads besides its own parameters, in the order of the text."""
    visitor = _Free()
    for parameter in definition.parameters or ():
        if parameter.default is not None:
            visitor.visit(parameter.default)
        visitor.bind([parameter.name])
    visitor.visit(definition.value)
    return visitor.found


def names_from_around(expression: ast.Expr) -> dict[str, None]:
    """Return the names that an expression reads and does not bind itself, in the order of the text."""
    visitor = _Free()
    visitor.visit(expression)
    return visitor.found


class _Free(ast.Visitor):
    """Gathers names, without those that the expression itself binds."""

    def __init__(self) -> None:
        self.found: dict[str, None] = {}
        self._bound: list[str] = []

    def bind(self, names: Iterable[str]) -> None:
        """Take names as those of the expression itself."""
        self._bound += names

    def visit_Name(self, node: ast.Name) -> None:
        """Keep a name from around."""
        if node.id not in self._bound:
            self.found.setdefault(node.id)

    def visit_Comprehension(self, node: ast.Comprehension) -> None:
        """Bind the names of a list where its elements are."""
        self.visit(node.iterable)
        outer = len(self._bound)
        self.bind([leaf.name for target in node.targets for leaf in target.leaves if leaf.name is not None])
        for part in (node.element, node.condition):
            if part is not None:
                self.visit(part)
        del self._bound[outer:]
