"""Groups: stages in a function and a scope of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archdsl.elaborate.blocks import end_function
from archdsl.elaborate.context import Context
from archdsl.elaborate.naming import Key, Naming, Scope
from archdsl.elaborate.parts import Inside
from archdsl.elaborate.values import UNKNOWN, MaybeValue
from archdsl.source import Span


def grouped(context: Context, naming: Naming, key: Key | None, span: Span, run: Callable[[Naming], MaybeValue]) -> MaybeValue:
    """Run the stages of a brace, in a function and a scope of their own if it is labelled."""
    if key is None:
        return run(naming)
    place = key.place()
    inner = Naming(Scope(key.name, key.naming.scope, "group", span, variables=context.variables, used=key.used))
    key.inside = Inside(inner.parts, UNKNOWN)
    if context.detached:
        return run(inner)
    function = context.builder.begin(place[0], "group", span, declared=key.declared)
    x: MaybeValue = UNKNOWN
    try:
        x = run(inner)
    finally:
        about: dict[str, Any] = {"labelled": True, "span": key.used or span, "variables": context.variables}
        about["declared"] = key.declared
        x = end_function(context, x, place, about)
        key.inside = Inside(inner.parts, x, next(iter(context.builder.calls_of(function)), None))
    return x
