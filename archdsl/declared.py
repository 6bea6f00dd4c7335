"""Things that a spec calls by name with parameters: ops, initializers, optimizers, losses.

Each is one frozen pydantic model. Its fields are the parameters as the language shows them, in the
order in which they may be given by position; its docstring is its documentation. Defining the class
registers it, and a second class of the same name raises at once.

Here, in `initializers.py` and in `ops/` annotations are values, not texts, which pydantic would compile and evaluate one by one.
"""

import typing
from collections.abc import Iterator
from typing import Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from archdsl import limits
from archdsl.diagnostics import SpecError, merged
from archdsl.diagnostics.untyped import untyped


class Fault(SpecError):
    """An error whose text is composed where it is raised."""

    def __init__(self, code: str, message: str, *, argument: str | None = None, help: str | None = None) -> None:
        super().__init__(untyped(code, message, help=help, argument=argument))


T = TypeVar("T", bound="Declared")


class Registry(Generic[T]):
    """The declared things of one kind, by name, in order of definition."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, type[T]] = {}

    def add(self, name: str, entry: type[T]) -> None:
        """Register a class; raises `ValueError` where the name is taken."""
        if name in self._entries:
            raise ValueError(f"two {self.kind}s are called {name}: {self._entries[name]} and {entry}")
        if not entry.__doc__:
            raise ValueError(f"the {self.kind} {name} has no docstring")
        entry.name = name
        self._entries[name] = entry

    def get(self, name: str) -> type[T] | None:
        """The class of that name."""
        return self._entries.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[type[T]]:
        return iter(self._entries.values())

    def names(self) -> list[str]:
        """All names, in order of definition."""
        return list(self._entries)


class Declared(BaseModel):
    """Base of everything callable by name. Subclasses pass `name=` and have a docstring."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)
    name: ClassVar[str]
    registry: ClassVar[Registry[Any]]

    def __init_subclass__(cls, *, name: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)

    @classmethod
    def __pydantic_init_subclass__(cls, *, name: str | None = None, **kwargs: Any) -> None:
        if name is not None:
            cls.registry.add(name, cls)

    @classmethod
    def parameters_in_order(cls) -> list[str]:
        """The parameter names, in positional order."""
        return list(cls.model_fields)

    @classmethod
    def words(cls, parameter: str) -> frozenset[str]:
        """The bare words that a parameter understands, such as `same` for `pad`."""
        return _literal_words(cls.model_fields[parameter].annotation)

    @classmethod
    def create(cls, arguments: dict[str, Any]) -> Self:
        """Validate arguments that are known by name; raises `SpecError` for the first that does not fit, with the others."""
        try:
            made = cls(**arguments)
        except ValidationError as error:
            raise merged(_faults(cls, error)) from None
        for argument in made.model_fields_set:
            _check_magnitude(cls, argument, getattr(made, argument))
        return made


def _check_magnitude(cls: type[Declared], argument: str, value: Any) -> None:
    """Raise `SpecError` E0402 for a number that PyTorch has no room for."""
    if isinstance(value, tuple):
        for item in value:
            _check_magnitude(cls, argument, item)
    elif isinstance(value, int | float):
        limit = limits.SIZE if isinstance(value, int) else limits.FLOAT
        if abs(value) > limit:
            shown = f"{limit:,}" if isinstance(limit, int) else str(limit)
            at_most = f"at most {shown}" if value > 0 else f"at least -{shown}"
            raise Fault("E0402", f"`{argument}` of `{cls.name}` must be {at_most}, and is {show(value)}", argument=argument)


def _literal_words(annotation: Any) -> frozenset[str]:
    if typing.get_origin(annotation) is typing.Literal:
        return frozenset(word for word in typing.get_args(annotation) if isinstance(word, str))
    return frozenset().union(*(_literal_words(part) for part in typing.get_args(annotation)))


def _faults(cls: type[Declared], error: ValidationError) -> list[Fault]:
    """The first validation error of each argument, in this language's words; of a list, that of an element."""
    by_argument: dict[object, Any] = {}
    for found in error.errors(include_url=False):
        first = by_argument.setdefault(found["loc"][:1], found)
        if isinstance(first["input"], tuple) and _element(found):
            by_argument[found["loc"][:1]] = found
    return [_fault(cls, found) for found in by_argument.values()]


def _element(found: Any) -> str:
    """Which element of a list an error is about, as `[1]`; empty where it is about all of the value."""
    last = found["loc"][-1] if found["loc"] else None
    return f"[{last}]" if isinstance(last, int) else ""


def _fault(cls: type[Declared], first: Any) -> Fault:
    argument = str(first["loc"][0]) if first["loc"] else None
    given, context, kind = first["input"], first.get("ctx", {}), first["type"]
    of = f"`{argument}{_element(first)}` of `{cls.name}`" if argument else f"`{cls.name}`"
    if kind == "missing":
        return Fault("E0403", f"{of} is missing", help=f"`{cls.name}` is `{signature(cls)}`")
    bounds = {
        "greater_than_equal": ("ge", "at least"),
        "greater_than": ("gt", "more than"),
        "less_than_equal": ("le", "at most"),
        "less_than": ("lt", "less than"),
    }
    if kind in bounds:
        key, words = bounds[kind]
        return Fault("E0402", f"{of} must be {words} {context[key]}, and is {show(given)}", argument=argument)
    if isinstance(given, float) and kind == "int_type":
        whole = (
            f"; `//` divides without a remainder, `int(...)` truncates: {int(given)}"
            if given == given and abs(given) < 1e15
            else ""
        )
        return Fault(
            "E0406", f"{of} is a count, and {show(given)} is a float", argument=argument, help=f"write a whole number{whole}"
        )
    understood = cls.words(argument) if argument in cls.model_fields else frozenset()
    expected = (
        "an int"
        if _element(first) and kind == "int_type"
        else describe(cls.model_fields[argument].annotation)
        if argument in cls.model_fields
        else "something else"
    )
    if kind in ("value_error", "assertion_error"):
        return Fault("E0402", f"{of}: {first['msg'].split(', ', 1)[-1]}", argument=argument)
    if understood and isinstance(given, str) and given not in understood:
        return Fault("E0402", f"{of} is {expected}, and not {show(given)}", argument=argument)
    return Fault("E0401", f"{of} is {expected}, and {show(given)} is {type_name(given)}", argument=argument)


def signature(cls: type[Declared]) -> str:
    """The call as documentation shows it: `conv(out, k, stride = 1)`."""
    parts = []
    for name in cls.parameters_in_order():
        field = cls.model_fields[name]
        parts.append(name if field.is_required() else f"{name} = {show(field.default, words=cls.words(name))}")
    return f"{cls.name}({', '.join(parts)})" if parts else cls.name


class Expression(str):
    """A text that is an expression of the language, as `load("net.arch", norm=Expression("gn(32)"))` gives one."""

    __slots__ = ()


def show(value: Any, words: frozenset[str] = frozenset(), most: int = 20) -> str:
    """A value as it is written in a spec; of a list, so many elements."""
    if isinstance(value, Expression):
        return str(value)
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        if value in words:
            return value
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if isinstance(value, tuple | list):
        shown = [show(item, words, most) for item in value[:most]]
        return "[" + ", ".join([*shown, "..."] if len(value) > most else shown) + "]"
    if isinstance(value, range):
        return f"{value.start}..{value.stop}"
    if isinstance(value, Declared):
        given = [f"{key} = {show(getattr(value, key), value.words(key))}" for key in value.model_fields_set]
        return f"{value.name}({', '.join(sorted(given))})" if given else value.name
    return str(value)


def type_name(value: Any) -> str:
    """What a value is, with its article, as messages say it."""
    names: list[tuple[type | tuple[type, ...], str]] = [
        (bool, "a bool"), (int, "an int"), (float, "a float"), (str, "a string"),
        ((tuple, list, range), "a list"), (type(None), "none"),
    ]  # fmt: skip
    for kind, name in names:
        if isinstance(value, kind):
            return name
    return getattr(value, "type_name", "not a plain value")


def describe(annotation: Any) -> str:
    """The kinds of value that an annotation takes, as messages say them."""
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
    if isinstance(annotation, type) and issubclass(annotation, Declared):
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


def family_of(annotation: Any) -> type[Declared] | None:
    """The kind of declared things that an annotation takes, such as every initializer; none where it takes none."""
    if isinstance(annotation, type) and issubclass(annotation, Declared):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := family_of(part))), None)


def _is_constraint(part: Any) -> bool:
    return not isinstance(part, type) and type(part).__module__.startswith(("annotated_types", "pydantic"))
