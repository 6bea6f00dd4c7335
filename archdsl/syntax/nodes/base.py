"""What every node of the tree has: a span, and children in the order of the text; and ways to go through them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, TypeVar

from archdsl.frozen_record import record
from archdsl.source import Span


class _Comparable:
    """Equality by value. `dataclass` would write it for each class again, which takes longer than to parse a file."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def _values(self) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in self.__dataclass_fields__])

    def __eq__(self, other: object) -> bool:
        return (
            self._values() == other._values()
            if isinstance(other, _Comparable) and other.__class__ is self.__class__
            else NotImplemented
        )

    def __hash__(self) -> int:
        return hash(self._values())


@record
class Node(_Comparable):
    """Base of every node. `parts` names the fields that hold nodes or tuples of nodes, in the order of the text."""

    parts: ClassVar[tuple[str, ...]] = ()

    span: Span


N = TypeVar("N", bound=Node)


def children(node: Node) -> list[Node]:
    """Return the nodes directly below a node, in the order of the text."""
    found: list[Node] = []
    for part in node.parts:
        value = getattr(node, part)
        if isinstance(value, tuple):
            found += value
        elif value is not None:
            found.append(value)
    return found


def walk(*roots: Node | None) -> Iterator[Node]:
    """Yield every node at or below the roots, each before what is below it, in the order of the text."""
    pending: list[Node] = [root for root in reversed(roots) if root is not None]
    while pending:
        node = pending.pop()
        yield node
        if node.parts:
            pending += reversed(children(node))


def node_at(root: Node, offset: int) -> list[Node]:
    """Return the nodes at an offset, from the root to the innermost.

    A node that ends at the offset counts if none begins there: behind `conv|(8)` and `conv(8)|`, an editor means what was
    typed. So does a missing part that only blanks separate from the offset, as in `conv(8) -> |`.
    """
    found = [root]
    while True:
        below = children(found[-1])
        inside = next((child for child in below if child.span.start <= offset < child.span.end), None)
        touching = next((child for child in reversed(below) if child.span.start <= offset and _reaches(child, offset)), None)
        if inside is None and touching is None:
            return found
        found.append(inside or touching)  # type: ignore[arg-type]


def _reaches(node: Node, offset: int) -> bool:
    """Whether a node ends at an offset, or with a missing part that blanks separate from it."""
    end = node.span.end
    if end >= offset:
        return True
    between = node.span.file.text[end:offset]
    if between.strip(" \t"):
        return False
    while below := children(node):
        node = below[-1]
    return node.span.start == node.span.end == end


class Visitor:
    """Walks a tree and calls `visit_<class>` for each node that has such a method.

    The method decides whether to go on below its node, with `visit_children`. Without a method, the walk goes on.
    The depth of a tree is bounded by `limits.NESTING`, so that recursion is safe.
    """

    def visit(self, node: Node) -> None:
        """Call the method of the node's class, or visit the children."""
        method = getattr(self, f"visit_{node.__class__.__name__}", None)
        if method is not None:
            method(node)
            return
        for child in children(node):  # not by `visit_children`, which would take a frame more for each level
            self.visit(child)

    def visit_children(self, node: Node) -> None:
        """Visit each node directly below a node."""
        for child in children(node):
            self.visit(child)
