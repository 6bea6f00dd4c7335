"""Dataclasses that are cheap to define: a short command defines over fifty, and makes instances of a third of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from reprlib import recursive_repr
from typing import Any, TypeVar, dataclass_transform, overload

T = TypeVar("T")


@overload
def record(cls: type[T], /) -> type[T]: ...


@overload
def record(*, frozen: bool) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def record(cls: type[T] | None = None, /, *, frozen: bool = True) -> type[T] | Callable[[type[T]], type[T]]:
    """Return a class as a dataclass with slots, compared by identity. Type checkers treat it as frozen, unless told otherwise.

    To freeze it at run time too would triple what it costs to define. `dataclass` would compile an `__init__` and a `__repr__`
    for each class; here the first instance compiles the `__init__`, and all share one `__repr__`. What is compared by value is
    a `NamedTuple`, or defines `__eq__` and `__hash__`.
    """
    return _made if cls is None else _made(cls)


def _made(cls: type[T]) -> type[T]:
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
    parameters, lines, names = [], [], {"_missing": MISSING}
    for one in fields(cls):
        name, default, factory = one.name, f"_default_{one.name}", f"_factory_{one.name}"
        names |= {default: one.default, factory: one.default_factory}  # type: ignore[dict-item]
        has_default, has_factory = one.default is not MISSING, one.default_factory is not MISSING
        value = name
        if one.init and has_factory:
            parameters.append(f"{name}=_missing")
            value = f"{factory}() if {name} is _missing else {name}"
        elif one.init:
            parameters.append(f"{name}={default}" if has_default else name)
        elif has_default or has_factory:
            value = f"{factory}()" if has_factory else default
        else:  # `__post_init__` assigns it
            continue
        lines.append(f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    found: dict[str, Callable[..., None]] = {}
    exec(f"def __init__(self, {', '.join(parameters)}):\n  " + "\n  ".join(lines), names, found)
    return found["__init__"]


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"
