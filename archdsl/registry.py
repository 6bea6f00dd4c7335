"""Registries of classes that a spec calls by name with parameters: ops, initializers, optimizers, losses.

Its fields are the parameters of the call in positional order, and its docstring is the documentation. Defining the class
registers it; a second class of the same name raises an error. An instance is a call with valid arguments, and does not change.

This module, `initializers.py` and `ops/` do not postpone the evaluation of annotations, since each would have to be compiled.
"""

import typing
from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from itertools import chain
from typing import Any, ClassVar, Generic, Self, TypeVar

from archdsl import limits
from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.diagnostics.suggest import register_aliases
from archdsl.fields import NOT_PLAIN, Check, FieldInfo, Parameter, Prepare, declared_in, judge
from archdsl.literals import show


class Aliases:
    """Names that PyTorch, Keras or papers give a parameter; part of its annotation: `Annotated[int, Aliases("units")]`."""

    def __init__(self, *names: str) -> None:
        self.names = names


T = TypeVar("T", bound="Registered")


class Registry(Generic[T]):
    """The classes of one kind by name, in order of definition.

    `modules` are the modules of classes that are defined when they are first asked for, by name, in the order of the registry.
    """

    def __init__(self, kind: str, modules: Mapping[str, str] | None = None) -> None:
        self.kind = kind
        self._modules = modules or {}
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
        if name not in self._entries and name in self._modules:
            import_module(self._modules[name])
        return self._entries.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in self._modules

    def __iter__(self) -> Iterator[type[T]]:
        return (entry for name in self.names() if (entry := self.get(name)) is not None)

    @property
    def loaded(self) -> Collection[type[T]]:
        """The classes whose modules are imported."""
        return self._entries.values()

    def names(self) -> list[str]:
        """Return all names, in order of definition."""
        return list(dict.fromkeys((*self._modules, *self._entries)))


class _Fields:
    """The parameters of a class by name, those of its bases first; collected when they are first asked for."""

    def __get__(self, instance: object, owner: type) -> dict[str, Parameter]:
        own: dict[str, Parameter] | None = vars(owner).get("_parameters")
        if own is None:
            own = {}
            for base in reversed(owner.__mro__[1:]):
                if issubclass(base, Registered) and base is not Registered:
                    own |= base.fields
            own |= declared_in(owner)
            type.__setattr__(owner, "_parameters", own)
        return own


class Registered:
    """Base of all classes that a spec calls by name. Registered subclasses pass `name=` and have a docstring.

    `fields` are the parameters of the class; `given` are the names of those that the call writes.
    """

    name: ClassVar[str]
    registry: ClassVar[Registry[Any]]
    fields: ClassVar[_Fields] = _Fields()
    aliases: ClassVar[tuple[str, ...]] = ()
    """What PyTorch, Keras or papers call it, for suggestions; case, `_` and a number of axes at the end do not matter."""
    _given: frozenset[str]

    def __init_subclass__(cls, *, name: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if name is not None:
            cls.registry.add(name, cls)

    def __init__(self, **given: Any) -> None:
        cls = type(self)
        try:
            values = _values(cls, cls.prepare(given))
            for name, field in cls.fields.items():
                self.__dict__[name] = values[name] if name in values else field.default
            self.__dict__["_given"] = frozenset(values)
            self.validate()
        except ValueError as error:
            raise SpecError(codes.ranges.RefusedArguments(cls.name, str(error))) from None

    @classmethod
    def prepare(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments as they are to be judged. Raise `ValueError` for those that need an error of their own."""
        return given

    def validate(self) -> None:
        """Raise `ValueError` with the reason if the parameters do not fit each other."""

    @property
    def given(self) -> frozenset[str]:
        """The names of the parameters that the call writes."""
        return self._given

    def replace(self, **changes: Any) -> Self:
        """Return a copy with other values, which are not judged."""
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__, **changes)
        made.__dict__["_given"] = self._given | changes.keys()
        return made

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        """Yield each parameter with its value."""
        return ((name, self.__dict__[name]) for name in type(self).fields)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} does not change: use `replace`")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return list(self) == list(other)

    def __hash__(self) -> int:
        return hash((type(self), *(value for _, value in self)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self)})"

    @classmethod
    def alias_pairs(cls) -> Iterator[tuple[str, str]]:
        """Yield each alias of the class and of its parameters, with the name here."""
        yield from ((alias, cls.name) for alias in cls.__dict__.get("aliases", ()))
        for parameter, field in cls.fields.items():
            yield from ((alias, parameter) for alias in _aliases_in(field.declared))

    @classmethod
    def parameters_in_order(cls) -> list[str]:
        """Return the names of the parameters, in positional order."""
        return list(cls.fields)

    @classmethod
    def call_order(cls) -> list[str]:
        """Return the names of everything that a call takes, in positional order."""
        return cls.parameters_in_order()

    @classmethod
    def words(cls, parameter: str) -> frozenset[str]:
        """Return the bare words that a parameter accepts, such as `same` for `pad`."""
        return cls.fields[parameter].words

    def __str__(self) -> str:
        """Return the call in the syntax of the language."""
        given = [f"{key} = {show(getattr(self, key), self.words(key))}" for key in self.given]
        return f"{self.name}({', '.join(sorted(given))})" if given else self.name

    @classmethod
    def create(cls, given: dict[str, Any]) -> Self:
        """Return an instance with the given arguments by name. Raise `SpecError` with a diagnostic per invalid argument."""
        made = cls(**given)
        for argument in made.given:
            _check_magnitude(cls, argument, getattr(made, argument))
        return made


def _values(cls: type[Registered], given: dict[str, Any]) -> dict[str, Any]:
    """Return the value of each given parameter. Raise `SpecError` with a diagnostic per invalid argument."""
    fields = cls.fields
    values = {name: fields[name].plain(value) if name in fields else NOT_PLAIN for name, value in given.items()}
    complete = all(name in values or not field.is_required() for name, field in fields.items())
    if complete and not any(value is NOT_PLAIN for value in values.values()):
        return values
    from pydantic import ValidationError  # costs more than to check most specs, which need none of it

    try:
        return judge(cls, fields, given)
    except ValidationError as error:
        raise SpecError(*_diagnostics(cls, error)) from None


def _aliases_in(part: Any) -> Iterator[str]:
    """Yield the aliases in an annotation, at any depth."""
    if isinstance(part, Aliases):
        yield from part.names
    for inner in typing.get_args(part) if not isinstance(part, FieldInfo) else ():
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


_BOUNDS: typing.Final = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}
"""For each of pydantic's errors about bounds: the name of the bound, and the relation in messages."""


def _diagnostics(cls: type[Registered], error: Any) -> list[Diagnostic]:
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
        return codes.whole_numbers.FloatForCount(*value)
    if kind in ("value_error", "assertion_error"):
        return codes.ranges.RefusedValue(*value, reason)
    if argument not in cls.fields:
        return codes.arguments.WrongType(*value)
    expected = "an int" if element is not None and kind == "int_type" else describe(cls.fields[argument].annotation)
    words = cls.words(argument)
    if words and isinstance(given, str) and given not in words:
        return codes.ranges.UnknownWord(*value, expected)
    return codes.arguments.WrongType(*value, expected)


def signature(cls: type[Registered]) -> str:
    """Return the signature as in the documentation: `conv(out, k, stride = 1)`."""
    parts = []
    for name in cls.call_order():
        field = cls.fields.get(name)
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
    return isinstance(part, FieldInfo | Check | Prepare | Aliases)
