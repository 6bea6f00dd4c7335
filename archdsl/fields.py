"""Parameters of classes that a spec calls: their declaration, and the validation of arguments.

    class Conv(Registered, name="conv"):
        out: int = Field(ge=1, description="output channels")

pydantic judges arguments and says what is wrong with them. It takes longer to import than to check most specs, though, and
nearly every argument is plainly valid: an integer within the bounds of an integer parameter. `Parameter.plain` recognizes
those. Only other arguments need the model of pydantic, which `judge` makes. A test compares both for every parameter.
"""

import typing
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from math import isfinite
from types import UnionType
from typing import Any, Final, NamedTuple

if typing.TYPE_CHECKING:
    from pydantic import BaseModel

MISSING: Final = object()
NOT_PLAIN: Final = object()
_EXACT: Final = 2**53
"""From here on, not every integer is a float."""


class Bounds(NamedTuple):
    """Bounds of a number; None where there is none."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    def hold(self, number: float) -> bool:
        """Return whether a number is within the bounds."""
        return (
            (self.ge is None or number >= self.ge)
            and (self.gt is None or number > self.gt)
            and (self.le is None or number <= self.le)
            and (self.lt is None or number < self.lt)
        )


class FieldInfo(NamedTuple):
    """What a class body says about a parameter: the right side of `out: int = Field(...)`, or a part of `Annotated`."""

    default: Any
    description: str | None
    bounds: Bounds


def Field(
    default: Any = MISSING,
    *,
    description: str | None = None,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
) -> Any:
    """Declare a parameter, or, in `Annotated`, its bounds. Without a default, the parameter is required."""
    return FieldInfo(default, description, Bounds(ge, gt, le, lt))


class Check:
    """A further condition in an annotation: a function that returns the value, or raises `ValueError` with the reason."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function


class Prepare:
    """A conversion in an annotation, before the value is judged."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function


class Parameter:
    """A parameter of a class: its annotation without `Annotated`, what stood in that, and its default."""

    def __init__(self, declared: Any, given: Any) -> None:
        self.declared = declared
        """The annotation as written."""
        self.annotation, self.metadata = _without_metadata(declared)
        info = given if isinstance(given, FieldInfo) else FieldInfo(given, None, Bounds())
        self.info = info
        self.default = info.default
        inner = next((part for part in self.metadata if isinstance(part, FieldInfo) and part.description), None)
        self.description = info.description or (inner.description if inner is not None else None)
        self._accept: Callable[[Any], Any] | None = None

    def is_required(self) -> bool:
        """Return whether the parameter has no default."""
        return self.default is MISSING

    @cached_property
    def words(self) -> frozenset[str]:
        """The bare words that the parameter accepts, such as `same` for `pad`."""
        return _words(self.declared)

    def plain(self, value: Any) -> Any:
        """Return the value that the parameter gets, if the argument is plainly valid; else `NOT_PLAIN`."""
        if self._accept is None:
            self._accept = _bounded(_acceptor(self.declared), self.info.bounds)
        return self._accept(value)


def _words(annotation: Any) -> frozenset[str]:
    if typing.get_origin(annotation) is typing.Literal:
        return frozenset(word for word in typing.get_args(annotation) if isinstance(word, str))
    return frozenset().union(*(_words(part) for part in typing.get_args(annotation)))


def _without_metadata(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return an annotation without the outermost `Annotated`, and what was in that."""
    if typing.get_origin(annotation) is typing.Annotated:
        inner, *metadata = typing.get_args(annotation)
        return inner, tuple(metadata)
    return annotation, ()


def declared_in(cls: type) -> dict[str, Parameter]:
    """Return the parameters that the body of a class declares, in order."""
    written: dict[str, Any] = cls.__annotations__  # made on demand from Python 3.14 on
    if any(isinstance(annotation, str) for annotation in written.values()):
        resolved = typing.get_type_hints(cls, include_extras=True)
        written = {name: resolved[name] for name in written}
    found = {}
    for name, annotation in written.items():
        if typing.get_origin(annotation) is not typing.ClassVar and annotation is not typing.ClassVar:
            found[name] = Parameter(annotation, vars(cls).get(name, MISSING))
    return found


# -- plainly valid arguments --


def _acceptor(annotation: Any) -> Callable[[Any], Any]:
    """Return the function that recognizes plainly valid values of an annotation."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        accept = _acceptor(arguments[0])
        for part in arguments[1:]:
            accept = _with(accept, part)
        return accept
    if origin is typing.Literal:
        words = {(type(word), word) for word in arguments}
        return lambda value: value if isinstance(value, str | int | None) and (type(value), value) in words else NOT_PLAIN
    if origin is typing.Union or origin is UnionType:
        members = [_acceptor(member) for member in sorted(arguments, key=lambda member: member is float)]
        return lambda value: next((found for member in members if (found := member(value)) is not NOT_PLAIN), NOT_PLAIN)
    if origin is tuple:
        return _tuple(arguments)
    return _of_type(annotation)


def _of_type(annotation: Any) -> Callable[[Any], Any]:
    if annotation is Any:
        return lambda value: value
    if annotation is float:
        return _real
    if annotation in (int, bool, str, range, type(None)):
        return lambda value: value if type(value) is annotation else NOT_PLAIN
    if isinstance(annotation, type) and typing.get_origin(annotation) is None and annotation.__module__.startswith("archdsl."):
        return lambda value: value if isinstance(value, annotation) else NOT_PLAIN
    return lambda value: NOT_PLAIN


def _real(value: Any) -> Any:
    if type(value) is float:
        return value if isfinite(value) else NOT_PLAIN
    return float(value) if type(value) is int and -_EXACT < value < _EXACT else NOT_PLAIN


def _tuple(arguments: tuple[Any, ...]) -> Callable[[Any], Any]:
    if len(arguments) == 2 and arguments[1] is ...:
        each = _acceptor(arguments[0])

        def accept(value: Any) -> Any:
            if type(value) is not tuple:
                return NOT_PLAIN
            items = tuple([each(item) for item in value])
            return NOT_PLAIN if any(item is NOT_PLAIN for item in items) else items

        return accept
    places = [_acceptor(argument) for argument in arguments]

    def accept_each(value: Any) -> Any:
        if type(value) is not tuple or len(value) != len(places):
            return NOT_PLAIN
        items = tuple([place(item) for place, item in zip(places, value, strict=True)])
        return NOT_PLAIN if any(item is NOT_PLAIN for item in items) else items

    return accept_each


def _with(accept: Callable[[Any], Any], part: Any) -> Callable[[Any], Any]:
    """Return the acceptor that also regards a part of `Annotated`."""
    if isinstance(part, FieldInfo):
        return _bounded(accept, part.bounds)
    if isinstance(part, Prepare):
        return lambda value: accept(part.function(value))
    if not isinstance(part, Check):
        return accept

    def checked(value: Any) -> Any:
        found = accept(value)
        try:
            return found if found is NOT_PLAIN else part.function(found)
        except ValueError:
            return NOT_PLAIN

    return checked


def _bounded(accept: Callable[[Any], Any], bounds: Bounds) -> Callable[[Any], Any]:
    if bounds == Bounds():
        return accept

    def within(value: Any) -> Any:
        found = accept(value)
        number = type(found) is int or type(found) is float
        return found if found is None or (number and bounds.hold(found)) else NOT_PLAIN

    return within


# -- pydantic --


def judge(cls: type, parameters: Mapping[str, Parameter], given: dict[str, Any]) -> dict[str, Any]:
    """Return the value of each given parameter. Raise pydantic's `ValidationError` for those that are not valid."""
    made = _model(cls, tuple(parameters.items()))(**given)
    return {name: getattr(made, name) for name in made.model_fields_set}


@cache
def _model(cls: type, parameters: tuple[tuple[str, Parameter], ...]) -> "type[BaseModel]":
    """Return the model of pydantic that judges the arguments of a class."""
    import pydantic  # costs more than to check most specs, which need none of it

    config = pydantic.ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True, allow_inf_nan=False)
    fields: dict[str, Any] = {}
    for name, parameter in parameters:
        info = parameter.info._replace(default=... if parameter.is_required() else parameter.default)
        fields[name] = (_for_pydantic(parameter.declared), _field(info))
    return pydantic.create_model(cls.__name__, __config__=config, **fields)


def _field(info: FieldInfo) -> Any:
    from pydantic import Field as PydanticField

    bounds = {name: bound for name, bound in info.bounds._asdict().items() if bound is not None}
    return PydanticField(info.default, **bounds) if info.default is not MISSING else PydanticField(**bounds)


def _for_pydantic(annotation: Any) -> Any:
    """Return an annotation with pydantic's own parts in place of ours."""
    from pydantic import AfterValidator, BeforeValidator

    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal or origin is None:
        return annotation
    if origin is typing.Annotated:
        inner: Any = _for_pydantic(arguments[0])
        for part in arguments[1:]:
            if isinstance(part, FieldInfo):
                inner = typing.Annotated[inner, _field(part._replace(default=MISSING))]
            elif isinstance(part, Check):
                inner = typing.Annotated[inner, AfterValidator(part.function)]
            elif isinstance(part, Prepare):
                inner = typing.Annotated[inner, BeforeValidator(part.function)]
        return inner
    parts = tuple([argument if argument is ... else _for_pydantic(argument) for argument in arguments])
    return typing.Union[parts] if origin in (typing.Union, UnionType) else origin[parts]  # noqa: UP007
