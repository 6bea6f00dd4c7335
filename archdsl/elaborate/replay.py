"""Equal calls of a block make equal nodes: the second and later ones are copied from the first.

A block sees its parameters and `x` alone, so what a call makes follows from the block, its arguments and
the shape of `x`. Deep networks are mostly such repetitions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archdsl.elaborate.calls import identity
from archdsl.elaborate.values import Callee, Value
from archdsl.ir.unrolled import Node, Scope
from archdsl.records import record
from archdsl.syntax import nodes as ast

if TYPE_CHECKING:
    from archdsl.elaborate.bodies import Bodies


_PLAIN = frozenset({int, float, bool, str, range})
"""What is known by its value. A tensor, or a list that holds one, is known by itself alone."""


@record
class Recording:
    """What a call of a block made: a run of nodes, in a scope, from `x` to a result."""

    scope: Scope
    x: int
    result: int
    nodes: range
    conditions: range


class Replay:
    """Remembers calls of blocks, and copies what they made."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._recordings: dict[Any, Recording] = {}

    def key(self, definition: ast.Block, arguments: dict[str, Any], x: Value) -> Any:
        """What a call's nodes follow from; none where an argument is known by itself alone."""
        if not isinstance(x, Node):
            return None
        parts = [_identity(value) for value in arguments.values()]
        return None if None in parts else (definition, x.shape, x.integer, tuple(parts))

    def again(self, key: Any, x: Value, scope: Scope) -> Node | None:
        """The result of an equal call, its nodes copied into a scope; none where there was no such call."""
        recording = self._recordings.get(key) if key is not None else None
        if recording is None or not isinstance(x, Node):
            return None
        bodies = self._bodies
        nodes, shift = bodies.nodes, len(bodies.nodes) - recording.nodes.start
        nodes.room(len(recording.nodes), scope.span)
        scope.arguments = recording.scope.arguments
        scopes = {id(recording.scope): scope}
        start, outside = recording.nodes.start, recording.x

        def moved(index: int) -> int:
            assert index >= start or index == outside, "a block sees `x` alone"
            return index + shift if index >= start else x.index

        for index in recording.nodes:
            old = nodes[index]
            inputs = tuple([moved(i) for i in old.inputs])
            within = scopes.get(id(old.scope)) or _copy(old.scope, scopes)
            nodes.append(
                Node(index + shift, old.op, inputs, old.shape, within, old.name, old.labelled, old.span, old.integer, old.label)
            )
        for condition in [bodies.conditions[i] for i in recording.conditions]:
            left, right = condition.sides
            bodies.conditions.append(condition._replace(sides=(moved(left), moved(right))))
        return nodes[recording.result + shift] if recording.result in recording.nodes else x

    def keep(self, key: Any, x: Value, result: Value, scope: Scope, before: tuple[int, ...]) -> None:
        """Remember a call that made nothing but nodes and conditions; `before` is `extent` as it was."""
        after = self.extent()
        if key is None or not isinstance(x, Node) or not isinstance(result, Node) or before[2:] != after[2:]:
            return
        self._recordings[key] = Recording(scope, x.index, result.index, range(before[0], after[0]), range(before[1], after[1]))

    def extent(self) -> tuple[int, ...]:
        """How much there is of each thing that a call can make."""
        b = self._bodies
        return len(b.nodes), len(b.conditions), len(b.results), len(b.claims), len(b.diagnostics)


def _identity(value: Any) -> Any:
    """A key that equal values share; none for what is equal to itself alone."""
    if isinstance(value, Callee):
        bound = [*value.positional, *(value.keywords or {}).values()]
        parts = [_identity(b.value) for b in bound]
        return None if None in parts else (value.target, len(value.positional), tuple(value.keywords or ()), tuple(parts))
    if value is None:
        return ("none",)
    if isinstance(value, tuple):
        parts = [_identity(item) for item in value]
        return None if None in parts else (tuple, tuple(parts))
    return identity(value) if value.__class__ in _PLAIN else None


def _copy(scope: Scope, scopes: dict[int, Scope]) -> Scope:
    """A scope below one that is copied, with those between."""
    assert scope.parent is not None
    parent = scopes.get(id(scope.parent)) or _copy(scope.parent, scopes)
    copied = Scope(
        scope.name,
        parent,
        scope.kind,
        scope.span,
        scope.block,
        scope.arguments,
        scope.given,
        scope.variables,
        scope.definition,
        scope.doc,
    )
    scopes[id(scope)] = copied
    return copied
