"""What labels name inside a scope, and how it is read from outside: `backbone.layer3`, `fpn.p[2]`.

The values are those of the scope's own function, as its first call made them. A later call that shares the function has
outputs of its own for them, and values of its own in the place of what was passed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archdsl.elaborate.values import Environment, Family
from archdsl.frozen_record import record
from archdsl.ir.builder import GraphBuilder
from archdsl.ir.core import Call, Value


class Ambiguous:
    """A name that two labels of a scope have, in different braces."""


AMBIGUOUS = Ambiguous()


class Parts:
    """What labels name in one scope: values and families by name, and the scopes below it. `partial` where there may be more."""

    __slots__ = ("_bound_in", "inner", "partial", "values")

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.inner: dict[str, Inside] = {}
        self._bound_in: dict[str, Environment] = {}
        self.partial = False

    def bind(self, name: str, value: Any, env: Environment, inside: Inside | None) -> None:
        """Bind a name, as a label in an environment does. The same name in other braces is ambiguous."""
        if self._bound_in.setdefault(name, env) is not env:
            value, inside = AMBIGUOUS, None
        self.values[name] = value
        if inside is not None:
            self.inner[name] = inside
        else:
            self.inner.pop(name, None)


@record
class Inside:
    """The parts of a scope as the code around it sees them, through the `call` of its function.

    `passed` says which of the `given` values of this call stands for a value that was passed to the first. There is no call
    where a scope does nothing, is out of the graph, or is a family.
    """

    parts: Parts
    value: Any
    """What the label of the scope names."""
    call: Call | None = None
    passed: Mapping[Value, int] | None = None
    given: Sequence[Value] = ()
    detached: bool = False

    def seen(self, builder: GraphBuilder, value: Value) -> Value:
        """Return what represents a value of the scope outside of it."""
        if self.detached:
            return builder.detached(value.shape, value.dtype, value.name, value.span)
        if self.passed is not None and value in self.passed:
            return self.given[self.passed[value]]
        if self.call is not None and value.function is self.call.callee:
            return builder.output_of(self.call, value)
        return value


Chain = tuple[Inside, ...]
"""Scopes on the way to a part, the outermost first."""


def seen_through(builder: GraphBuilder, chain: Chain, value: Any) -> Any:
    """Return what represents a value, or a family of values, outside of nested scopes."""
    if isinstance(value, Family):
        made = Family(value.name)
        made.partial = value.partial
        made.update({index: seen_through(builder, chain, item) for index, item in value.items()})
        return made
    if isinstance(value, tuple):
        return tuple([seen_through(builder, chain, item) for item in value])
    if isinstance(value, Value):
        for inside in reversed(chain):
            value = inside.seen(builder, value)
    return value


def scope_named(env: Environment, name: str) -> Inside | None:
    """Return the labelled scope that a name means; None if the name means something else."""
    around: Environment | None = env
    while around is not None:
        found: Inside | None = around.inner.get(name) if around.inner is not None else None
        if found is not None and around.names.get(name, found.value) is found.value:
            return found
        if name in around.names:
            return None
        around = around.outer
    return None
