"""Records that are cheap to define: a command that takes a moment defines over a hundred."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """A dataclass with slots, compared by identity, that type checkers hold frozen.

    To freeze it at run time too would triple what it costs to define. What is compared by value is a `NamedTuple`.
    """
    return dataclass(slots=True, eq=False, repr=False)(cls)
