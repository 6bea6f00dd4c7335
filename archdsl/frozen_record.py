"""Dataclasses that are cheap to define: a short command defines over fifty, and makes instances of a third of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from reprlib import recursive_repr
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """Return a class as a dataclass with slots, compared by identity, that type checkers treat as frozen.

    To freeze it at run time too would triple what it costs to define. `dataclass` would compile an `__init__` and a `__repr__`
    for each class; here the first instance compiles the `__init__`, and all share one `__repr__`. What is compared by value is
    a `NamedTuple`.
    """
    made = dataclass(slots=True, eq=False, repr=False, init=False)(cls)
    made.__init__ = _compiled_when_called(made)  # type: ignore[method-assign]
    if cls.__repr__ is object.__repr__:
        made.__repr__ = _repr  # type: ignore[method-assign]
    return made


def _compiled_when_called(cls: type[Any]) -> Callable[..., None]:
    """Return an `__init__` that replaces itself with that of the fields when it is first called."""

    def __init__(self: Any, *values: Any, **by_name: Any) -> None:
        cls.__init__ = _compiled_init(cls)
        cls.__init__(self, *values, **by_name)

    return __init__


def _compiled_init(cls: type[Any]) -> Callable[..., None]:
    """Return the function that `dataclass` would make: it assigns every parameter to the field of its name."""
    parameters, lines, names = [], [], dict[str, Any]()
    for one in fields(cls):
        name = value = one.name
        if one.default_factory is not MISSING:
            names[f"_made_{name}"] = one.default_factory
            value = f"_made_{name}() if {name} is _missing else {name}"
        required = one.default is MISSING and one.default_factory is MISSING
        names[f"_default_{name}"] = one.default
        parameters.append(name if required else f"{name}=_default_{name}")
        lines.append(f"self.{name} = {value}")
    exec(f"def __init__(self, {', '.join(parameters)}):\n  " + "\n  ".join(lines), names | {"_missing": MISSING}, names)
    made: Callable[..., None] = names["__init__"]
    return made


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"
