"""Registries of classes that a spec calls by name with parameters: ops, initializers, optimizers, losses.

Each class is a frozen pydantic model. Its fields are the parameters of the call in positional order, and its docstring is the
documentation. Defining the class registers it; a second class of the same name raises an error.

This module, `initializers.py` and `ops/` do not postpone the evaluation of annotations, because pydantic would compile and
evaluate each of them separately.
"""

import typing
from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from archdsl import limits
from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.diagnostics.suggest import register_aliases
from archdsl.literals import show


class Aliases:
    """Names that PyTorch, Keras or papers give a parameter; part of its annotation: `Annotated[int, Aliases("units")]`."""

    def __init__(self, *names: str) -> None:
        self.names = names


T = TypeVar("T", bound="Registered")


class Registry(Generic[T]):
    """The classes of one kind by name, in order of definition."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, type[T]] = {}
        register_aliases(lambda: chain.from_iterable(entry.alias_pairs() for entry in self))

    def add(self, name: str, entry: type[T]) -> None:
        """Register a class. Raise `ValueError` if the name is taken, or the class has no docstring."""
        if name in self._entries:
            raise ValueError(f"two {self.kind}s are called {name}: {self._entries[name]} and {entry}")
        if not entry.__doc__:
            raise ValueError(f"the {self.kind} {name} has no docstring")
        entry.name = name
        self._entries[name] = entry

    def get(self, name: str) -> type[T] | None:
        """Return the class of that name; None if there is none."""
        return self._entries.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[type[T]]:
        return iter(self._entries.values())

    def names(self) -> list[str]:
        """Return all names, in order of definition."""
        return list(self._entries)


class Registered(BaseModel):
    """Base of all classes that a spec calls by name. Registered subclasses pass `name=` and have a docstring."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)
    name: ClassVar[str]
    registry: ClassVar[Registry[Any]]
    aliases: ClassVar[tuple[str, ...]] = ()
    """What PyTorch, Keras or papers call it, for suggestions; case, `_` and a number of axes at the end do not matter."""

    def __init_subclass__(cls, *, name: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)

    @classmethod
    def __pydantic_init_subclass__(cls, *, name: str | None = None, **kwargs: Any) -> None:
        if name is not None:
            cls.registry.add(name, cls)
        # pydantic knows the class variables by now, and would evaluate their annotations again for each subclass
        for variable in cls.__class_vars__ & cls.__annotations__.keys():
            del cls.__annotations__[variable]

    @classmethod
    def alias_pairs(cls) -> Iterator[tuple[str, str]]:
        """Yield each alias of the class and of its parameters, with the name here."""
        yield from ((alias, cls.name) for alias in cls.__dict__.get("aliases", ()))
        for parameter, field in cls.model_fields.items():
            yield from ((alias, parameter) for part in (*field.metadata, field.annotation) for alias in _aliases_in(part))

    @classmethod
    def parameters_in_order(cls) -> list[str]:
        """Return the names of the parameters, in positional order."""
        return list(cls.model_fields)

    @classmethod
    def call_order(cls) -> list[str]:
        """Return the names of everything that a call takes, in positional order."""
        return cls.parameters_in_order()

    @classmethod
    def words(cls, parameter: str) -> frozenset[str]:
        """Return the bare words that a parameter accepts, such as `same` for `pad`."""
        return _words(cls, parameter)

    def __str__(self) -> str:
        """Return the call in the syntax of the language."""
        given = [f"{key} = {show(getattr(self, key), self.words(key))}" for key in self.model_fields_set]
        return f"{self.name}({', '.join(sorted(given))})" if given else self.name

    @classmethod
    def create(cls, given: dict[str, Any]) -> Self:
        """Return an instance with the given arguments by name. Raise `SpecError` with a diagnostic per invalid argument."""
        try:
            made = cls(**given)
        except ValidationError as error:
            raise SpecError(*_diagnostics(cls, error)) from None
        for argument in made.model_fields_set:
            _check_magnitude(cls, argument, getattr(made, argument))
        return made


def _aliases_in(part: Any) -> Iterator[str]:
    """Yield the aliases in an annotation, at any depth."""
    if isinstance(part, Aliases):
        yield from part.names
    for inner in typing.get_args(part):
        yield from _aliases_in(inner)


def _check_magnitude(cls: type[Registered], argument: str, value: Any) -> None:
    """Raise `SpecError` E0402 for a number that PyTorch cannot represent."""
    if isinstance(value, tuple):
        for item in value:
            _check_magnitude(cls, argument, item)
    elif isinstance(value, int | float):
        limit = limits.SIZE if isinstance(value, int) else limits.FLOAT
        if abs(value) > limit:
            relation = "at most" if value > 0 else "at least"
            raise SpecError(codes.ranges.OutOfBounds(cls.name, argument, value, None, relation, limit if value > 0 else -limit))


@cache
def _words(cls: type[Registered], parameter: str) -> frozenset[str]:
    return _literal_words(cls.model_fields[parameter].annotation)


def _literal_words(annotation: Any) -> frozenset[str]:
    if typing.get_origin(annotation) is typing.Literal:
        return frozenset(word for word in typing.get_args(annotation) if isinstance(word, str))
    return frozenset().union(*(_literal_words(part) for part in typing.get_args(annotation)))


_BOUNDS: typing.Final = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}
"""For each of pydantic's errors about bounds: the name of the bound, and the relation in messages."""


def _diagnostics(cls: type[Registered], error: ValidationError) -> list[Diagnostic]:
    """Return a diagnostic for the first error of each argument; for a list, for that of an element."""
    by_argument: dict[object, Any] = {}
    for found in error.errors(include_url=False):
        first = by_argument.setdefault(found["loc"][:1], found)
        if isinstance(first["input"], tuple) and _element(found) is not None:
            by_argument[found["loc"][:1]] = found
    return [_diagnostic(cls, found) for found in by_argument.values()]


def _element(found: Any) -> int | None:
    """Return the index of the list element that an error is about; None if it is about the whole value."""
    last = found["loc"][-1] if found["loc"] else None
    return last if isinstance(last, int) else None


def _diagnostic(cls: type[Registered], found: Any) -> Diagnostic:
    """Return the diagnostic for an error of pydantic."""
    given, kind, element = found["input"], found["type"], _element(found)
    reason = found["msg"].split(", ", 1)[-1]  # after "Value error, "
    if not found["loc"]:
        return codes.ranges.RefusedArguments(cls.name, reason)
    argument = str(found["loc"][0])
    if kind == "missing":
        return codes.arguments.MissingArgument(cls.name, argument, signature(cls))
    value = (cls.name, argument, given, element)
    if kind in _BOUNDS:
        bound, relation = _BOUNDS[kind]
        return codes.ranges.OutOfBounds(*value, relation, found["ctx"][bound])
    if isinstance(given, float) and kind == "int_type":
        return codes.arguments.FloatForCount(*value)
    if kind in ("value_error", "assertion_error"):
        return codes.ranges.RefusedValue(*value, reason)
    if argument not in cls.model_fields:
        return codes.arguments.WrongType(*value)
    expected = "an int" if element is not None and kind == "int_type" else describe(cls.model_fields[argument].annotation)
    words = cls.words(argument)
    if words and isinstance(given, str) and given not in words:
        return codes.ranges.UnknownWord(*value, expected)
    return codes.arguments.WrongType(*value, expected)


def signature(cls: type[Registered]) -> str:
    """Return the signature as in the documentation: `conv(out, k, stride = 1)`."""
    parts = []
    for name in cls.call_order():
        field = cls.model_fields.get(name)
        if field is None:
            optional = name in getattr(cls, "optional_operands", ())
            parts.append(f"{name} = none" if optional else name)
        else:
            parts.append(name if field.is_required() else f"{name} = {show(field.default, words=cls.words(name))}")
    parts += ["AXIS = size, ..."] if getattr(cls, "sizes_by_name", False) else []
    return f"{cls.name}({', '.join(parts)})" if parts else cls.name


def describe(annotation: Any) -> str:
    """Return a description of the values that an annotation accepts, for messages."""
    arguments = [part for part in typing.get_args(annotation) if not _is_constraint(part)]
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        return " or ".join(show(word, frozenset(str(w) for w in arguments)) for word in arguments)
    if origin is tuple:
        items = typing.get_args(annotation)[0]
        return (
            f"a list of {describe(items)}"
            if typing.get_origin(items) is typing.Literal
            else "a list of names"
            if items is str
            else "a list of numbers"
        )
    if origin is typing.Annotated:
        return describe(typing.get_args(annotation)[0])
    if arguments:
        kinds = list(dict.fromkeys(describe(part) for part in arguments))
        return " or ".join(kinds)
    if isinstance(annotation, type) and issubclass(annotation, Registered):
        kind = annotation.registry.kind
        return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
    plain = {
        int: "an int",
        float: "a number",
        bool: "true or false",
        str: "a string",
        range: "a range such as 0..4",
        type(None): "none",
    }
    return plain.get(annotation, "an op" if annotation is not Any else "any value")


def family_of(annotation: Any) -> type[Registered] | None:
    """Return the base class of the registered classes that an annotation accepts; None if it accepts none."""
    if isinstance(annotation, type) and issubclass(annotation, Registered):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := family_of(part))), None)


def _is_constraint(part: Any) -> bool:
    return not isinstance(part, type) and type(part).__module__.startswith(("annotated_types", "pydantic"))
