"""What an expression can mean, besides Python's own numbers, strings and tuples."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import field
from typing import Any, Final

from archdsl.diagnostics import SpecError, codes
from archdsl.frozen_record import record
from archdsl.ir.core import Value
from archdsl.limits import Limits
from archdsl.literals import show
from archdsl.registry import Registered, describe
from archdsl.shapes import Dim, SymbolicSize
from archdsl.source import Span
from archdsl.syntax import nodes as ast


def open_where_fixed(what: str, value: Any, span: Span) -> SpecError:
    """Return the error for a symbolic size in the place of a fixed number."""
    return SpecError(codes.symbolic_sizes.SymbolicValue(f"{what} is a fixed number", value).at(span))


def within(check: Callable[[Any, Limits], Any], value: Any, limits: Limits, span: Span) -> Any:
    """Return what a check returns. If it raises `SpecError`, add the place."""
    try:
        return check(value, limits)
    except SpecError as error:
        raise error.at(span) from None


class Exhausted(Exception):
    """A limit is reached, and has been reported: nothing more is elaborated."""


class Unknown:
    """Placeholder after an error. It propagates silently, so that one mistake yields one diagnostic."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = Unknown()
NO_INPUT: Final = Unknown()
"""`x` before the first input of a network. To read it is an error, so it never becomes the value of an expression."""


class Several(Unknown):
    """`x` behind what gives several values. To read it is an error, so it never becomes the value of an expression.

    `names` are expressions that read the values at the place, `made` is that of the stage. An op's need names at once; so do
    those of a block, which has none `outside` of it.
    """

    def __init__(self, values: tuple[MaybeValue, ...], made: Span, names: tuple[str, ...] = ()) -> None:
        self.values = values
        self.made = made
        self.names = names

    def __repr__(self) -> str:
        return "several values"

    def read(self, span: Span) -> SpecError:
        """Return the error for what takes `x` at a place."""
        return SpecError(codes.several.SeveralFlow(self.names, self.made, len(self.values)).at(span))

    def ending(self, what: str, span: Span) -> SpecError:
        """Return the error for something that ends with them."""
        return SpecError(codes.several.SeveralResults(self.names, self.made, len(self.values), what).at(span))


MaybeValue = Value | Unknown
"""A value of the network, or that of what an error left undecided."""


@record
class Module:
    """A file's definitions and what it imports, by name; `unclear` are the names whose definition was refused."""

    file: ast.File
    definitions: dict[str, ast.Definition]
    imports: dict[str, Module]
    unclear: set[str] = field(default_factory=set)
    type_name = "an import"

    def __str__(self) -> str:
        return show(self.file.source.name)


@record
class Bound:
    """An argument that a partial application has fixed."""

    value: Any
    span: Span


@record
class Callee:
    """An op, or a block or network with the module that it reads names in, with arguments fixed so far."""

    target: type[Registered] | ast.Definition
    module: Module | None = None
    positional: tuple[Bound, ...] = ()
    keywords: dict[str, Bound] | None = None

    @property
    def type_name(self) -> str:
        """What it is, with its article, as messages say it."""
        if isinstance(self.target, type):
            return describe(self.target)
        return "a block" if isinstance(self.target, ast.Block) else "a network"

    @property
    def name(self) -> str:
        """The name it is defined by."""
        return self.target.name

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The values that are fixed so far."""
        return tuple([bound.value for bound in (*self.positional, *(self.keywords or {}).values())])

    def __str__(self) -> str:
        given = [show(b.value) for b in self.positional] + [f"{k} = {show(b.value)}" for k, b in (self.keywords or {}).items()]
        return f"{self.name}({', '.join(given)})" if given else self.name


@record
class Function:
    """A function of expressions, with what it sees of the body that defines it."""

    definition: ast.Let | ast.Constant
    env: Environment
    type_name = "a function"

    @property
    def name(self) -> str:
        """The name it is defined by."""
        return self.definition.name

    def __str__(self) -> str:
        return self.name


class Environment:
    """Names that expressions see: parameters, constants, labels, loop variables, from the inside out.

    `control` is set for the body of a loop or `if`, which labels look through; `uncertain` if it may not run. `inner` are the
    labelled scopes among the names.
    """

    __slots__ = ("control", "damaged", "inner", "module", "names", "outer", "uncertain")

    def __init__(self, outer: Environment | None, module: Module, *, control: bool = False) -> None:
        self.outer = outer
        self.module = module
        self.names: dict[str, Any] = {}
        self.inner: dict[str, Any] | None = None
        self.control = control
        self.uncertain = False
        self.damaged: bool = outer.damaged if outer is not None else False

    def find(self, name: str) -> Any:
        """Return the value of a name, or the class `Unknown` itself if there is none."""
        env: Environment | None = self
        while env is not None:
            if name in env.names:
                return env.names[name]
            env = env.outer
        return Unknown

    def around_control(self) -> Environment:
        """Return the braces in which a label is bound: those around loops and `if`."""
        env = self
        while env.control and env.outer is not None:
            env = env.outer
        return env

    def visible(self) -> list[str]:
        """Return every name that `find` finds, for suggestions."""
        names: list[str] = []
        env: Environment | None = self
        while env is not None:
            names += env.names
            env = env.outer
        return names


class Family(dict[int, "MaybeValue | Family"]):
    """The values of an indexed label: `enc[0]`, `enc[1]`; `partial` where there may be more. Known by itself alone.

    With two indices, as in `x[0][1]`, those of the first are families themselves.
    """

    type_name = "an indexed family"
    __hash__ = object.__hash__  # type: ignore[assignment]

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.partial = False
        self.scope: Any = None
        """The scopes of its members, as `archdsl.elaborate.parts.Inside`."""

    def __str__(self) -> str:
        return f"{self.name}[...]"


def _number(name: str, value: Any) -> Any:
    if isinstance(value, SymbolicSize):
        raise SpecError(codes.symbolic_sizes.SymbolicValue(f"`{name}` takes fixed numbers", value))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SpecError(codes.expressions.NotANumber(name, value))
    return value


def _numeric(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(value: Any) -> Any:
        return function(_number(name, value))

    return call


def bounded(values: tuple[Any, ...] | range, limits: Limits) -> tuple[Any, ...] | range:
    """Return the list. Raise `SpecError` E0409 if it is too long to go through."""
    if not _short(values, limits):
        raise SpecError(codes.magnitudes.ListTooLong(limits.list_items))
    return values


def _short(values: tuple[Any, ...] | range, limits: Limits) -> bool:
    """Return whether a list is short enough to go through. `len` fails for a range that is longer than a machine word."""
    return length(values) <= limits.list_items


def nested(value: tuple[Any, ...] | Callee, limits: Limits, depth: int = 1) -> int:
    """Return how many elements a list of lists has in all, or arguments a call. Raise `SpecError` E0409 if it has too many."""
    what, parts = ("lists", value) if isinstance(value, tuple) else ("calls", value.arguments)
    if depth > limits.list_depth:
        raise SpecError(codes.magnitudes.NestedTooDeep(what, limits.list_depth))
    total = len(parts)
    for part in parts:
        if isinstance(part, tuple | Callee):
            total += nested(part, limits, depth + 1)
    if total > limits.list_items:
        raise SpecError(codes.magnitudes.ListTooLong(limits.list_items))
    return total


def _extreme(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*values: Any) -> Any:
        items = values[0] if len(values) == 1 and isinstance(values[0], tuple | range) else values
        if not items:
            raise SpecError(codes.expressions.NoNumbersGiven(name))
        return function(_number(name, item) for item in items)

    return call


def _length(value: Any) -> int:
    if not isinstance(value, tuple | range | str):
        raise SpecError(codes.expressions.NotAList("len", value))
    return length(value)


def length(value: tuple[Any, ...] | range | str) -> int:
    """Return the number of elements, also of a range that is too long for `len`."""
    if not isinstance(value, range):
        return len(value)
    ahead = value.stop - value.start if value.step > 0 else value.start - value.stop
    return max(0, -(-ahead // abs(value.step)))


def _reversed(value: Any) -> Any:
    if not isinstance(value, tuple | range):
        raise SpecError(codes.expressions.NotAList("reversed", value))
    return value[::-1]


def _total(value: Any) -> Any:
    if not isinstance(value, tuple | range):
        raise SpecError(codes.expressions.NotAList("sum", value))
    return sum(_number("sum", item) for item in value)


def _root(value: Any) -> float:
    if _number("sqrt", value) < 0:
        raise SpecError(codes.expressions.OutsideDomain("sqrt", "a number of at least 0", value))
    return math.sqrt(value)


def _log2(value: Any) -> float | int:
    if _number("log2", value) <= 0:
        raise SpecError(codes.expressions.OutsideDomain("log2", "a number over 0", value))
    return math.log2(value)


def make_divisible(value: float, divisor: int = 8) -> int:
    """Return the nearest multiple of `divisor`, at least 90 % of the value (Sandler et al. 2018, arXiv:1801.04381, code)."""
    for number in (value, divisor):
        _number("make_divisible", number)
    if isinstance(divisor, bool) or not isinstance(divisor, int) or divisor < 1:
        raise SpecError(codes.expressions.OutsideDomain("make_divisible", "a divisor of at least 1", divisor))
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "min": _extreme("min", min),
    "max": _extreme("max", max),
    "abs": _numeric("abs", abs),
    "ceil": _numeric("ceil", math.ceil),
    "floor": _numeric("floor", math.floor),
    "round": _numeric("round", round),
    "sqrt": _root,
    "log2": _log2,
    "len": _length,
    "sum": _total,
    "int": _numeric("int", int),
    "reversed": _reversed,
    "make_divisible": make_divisible,
}
"""The pure functions of expressions."""
ITERATING: Final = frozenset({"min", "max", "sum"})
"""Those that go through a list; it must be `bounded`."""


def size_attribute(node: Value, name: str) -> Dim | tuple[Dim, ...] | None:
    """Return `x.c`, `x.h`, `x.w`, `x.d`, `x.l`, `x.shape` or `x.rank`; None if this tensor has no such size."""
    shape = node.shape
    if name == "shape":
        return shape
    if name == "rank":
        return len(shape)
    if name == "c" and shape:
        return shape[0]
    axes = {1: "l", 2: "hw", 3: "dhw"}.get(len(shape) - 1, "")
    return shape[1 + axes.index(name)] if len(name) == 1 and name in axes else None


SIZE_ATTRIBUTES: Final = ("c", "h", "w", "d", "l", "shape", "rank")
