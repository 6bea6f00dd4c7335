"""Dataclasses that are cheap to define: a short command defines over a hundred."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from reprlib import recursive_repr
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """Return a class as a dataclass with slots, compared by identity, that type checkers treat as frozen.

    To freeze it at run time too would triple what it costs to define, and `dataclass` would compile a `__repr__`
    for each. What is compared by value is a `NamedTuple`.
    """
    made = dataclass(slots=True, eq=False, repr=False)(cls)
    if cls.__repr__ is object.__repr__:
        made.__repr__ = _repr  # type: ignore[method-assign]
    return made


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"
