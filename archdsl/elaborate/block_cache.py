"""Equal calls of a block share one function.

A block sees its parameters and `x` alone, so what a call makes follows from the block, its arguments and the shape of
`x`. An argument that is a value of the network counts by its shape and type, and by which of them are the same. Deep
networks are mostly such repetitions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from archdsl.elaborate.parts import Parts
from archdsl.elaborate.values import Callee, Family, MaybeValue, Module, Several
from archdsl.frozen_record import record
from archdsl.ir import Function, GraphBuilder, Value
from archdsl.shapes import SymbolicSize
from archdsl.syntax import nodes as ast

_PLAIN = frozenset({int, float, bool, str, range, Module})
"""What is known by its value."""


class CallKey:
    """What the function of a call follows from, as `key`, and the values of the network that go into it.

    `numbers` says which of them each value is, as the elaboration of the block sees it.
    """

    __slots__ = ("key", "numbers", "values")

    def __init__(self, key: Any, values: list[Value], numbers: dict[Value, int]) -> None:
        self.key = key
        self.values = values
        self.numbers = numbers


@record
class CachedCall:
    """The function of a call; for each of its inputs, which of the call's values it takes; and where the results are.

    A result is an output of the function, or the value that a negative number gives from the end of the call's values.
    There is one unless the block gives several values. There is no function for a block that does nothing. `parts` are what
    labels name in it, and `passed` says which of the call's values stands for each value that was passed to the first call.
    """

    function: Function | None
    inputs: tuple[int, ...]
    results: tuple[int, ...]
    parts: Parts
    passed: Mapping[Value, int]
    names: tuple[str, ...] | None
    """Of a block that ends with several values, their names in it."""


class BlockCache:
    """Remembers the functions that calls of blocks made."""

    def __init__(self, builder: GraphBuilder) -> None:
        self._builder = builder
        self._known: dict[Any, CachedCall] = {}

    def key(self, definition: ast.Block, arguments: dict[str, Any], x: MaybeValue) -> CallKey | None:
        """Return what the function of a call follows from; None if something about it is unknown, or not in the graph."""
        if not isinstance(x, Value):
            return None
        values: dict[Value, int] = {}
        numbers: dict[Value, int] = {}

        def of_value(value: Value) -> Any:
            found = self._of_value(value, values)
            if found is not None:
                numbers[value] = found[1]
            return found

        parts = [of_value(x), *[argument_identity(value, of_value) for value in arguments.values()]]
        return None if None in parts else CallKey((definition, *parts), list(values), numbers | values)

    def lookup(self, key: CallKey) -> CachedCall | None:
        """Return the function of an equal call; None if there was no such call."""
        return self._known.get(key.key)

    def store(self, key: CallKey, function: Function, result: Value | Several, parts: Parts) -> None:
        """Remember the function that a call made, with its results, values of the function around the call."""
        calls = self._builder.calls_of(function)
        local = [self._builder.captured(value) for value in key.values]
        inputs = tuple([local.index(value) for value in calls[0].inputs]) if calls else ()
        places: list[int] = []
        for value in result.values if isinstance(result, Several) else (result,):
            if not isinstance(value, Value):
                return
            made = calls and value.owner is calls[0]
            places.append(value.position if made else key.values.index(value) - len(key.values))
        names = result.names if isinstance(result, Several) else None
        self._known[key.key] = CachedCall(function if calls else None, inputs, tuple(places), parts, key.numbers, names)

    def _of_value(self, value: Value, values: dict[Value, int]) -> Any:
        value = self._builder.visible(value)
        if self._builder.is_detached(value):
            return None
        number = values.setdefault(value, len(values))
        return (Value, number, value.shape, value.dtype, _pooled_shape(value) if value.dtype == "int" else None)


def _pooled_shape(value: Value) -> Any:
    from archdsl.elaborate.unpooling import pooled_shape  # here: few values are positions

    return pooled_shape(value)


def argument_identity(value: Any, of_value: Callable[[Value], Any] = lambda value: None) -> Any:
    """Return a key that equal arguments have; None for what is equal to itself alone. `of_value` gives that of a value."""
    kind = value.__class__
    if kind in _PLAIN or isinstance(value, SymbolicSize):
        return (kind, value)
    if kind is Value:
        return of_value(value)
    if value is None:
        return ("none",)
    if kind is Callee:
        parts = [argument_identity(bound, of_value) for bound in value.arguments]
        return None if None in parts else (value.target, len(value.positional), tuple(value.keywords or ()), tuple(parts))
    if kind is tuple:
        parts = [argument_identity(item, of_value) for item in value]
        return None if None in parts else (tuple, tuple(parts))
    if kind is Family and not value.partial:
        parts = [argument_identity(item, of_value) for item in value.values()]
        return None if None in parts else (Family, tuple(value), tuple(parts))
    return None
