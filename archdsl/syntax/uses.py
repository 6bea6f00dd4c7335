"""How a name is used: what stands around each place where it is read."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.syntax import nodes as ast


def parents_of(name: str, *roots: ast.Node | None) -> Iterator[ast.Node]:
    """Yield the node around each use of a name below the roots; parentheses do not count as one."""
    for node in ast.walk(*roots):
        if not isinstance(node, ast.Parenthesized):
            for child in ast.children(node):
                inner = ast.bare(child) if isinstance(child, ast.Expr) else child
                if isinstance(inner, ast.Name) and inner.id == name:
                    yield node


def counter_and_element(targets: tuple[ast.Pattern, ...]) -> tuple[str, str] | None:
    """Return the names of `for i, v in ...`; None if there are not two, or if they are patterns."""
    names = [target.name for target in targets]
    return (names[0], names[1]) if len(names) == 2 and names[0] and names[1] else None
