"""PyTorch code as data: calls, their arguments, and their operands.

`source` writes an expression as text. Nothing reads that text again: imports, runtime definitions and class parameters follow
from the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Any, Literal, NamedTuple, TypeAlias

MISSING: Any = object()


class Target(NamedTuple):
    """A class or function of PyTorch, or of the runtime, whose definitions the emitter copies into its source."""

    namespace: Literal["nn", "F", "torch", "runtime"]
    name: str

    def __str__(self) -> str:
        return self.name if self.namespace == "runtime" else f"{self.namespace}.{self.name}"


class Input(NamedTuple):
    """One of the op's inputs, by position."""

    position: int


class Own(Enum):
    """An attribute of the module around the op: its mode, the op's bare parameter or buffer, or the weight of its module."""

    TRAINING = "training"
    PARAMETER = "parameter"
    WEIGHT = "weight"


class Sibling(NamedTuple):
    """A parameter or buffer beside that of the op, by its name in the module around it."""

    name: str


class Axis(NamedTuple):
    """The size of one axis of an input: `x.shape[0]`."""

    input: Input
    axis: int


class AxesFrom(NamedTuple):
    """The sizes of the axes of an input from one on: `x.shape[2:]`."""

    input: Input
    first: int


class Call(NamedTuple):
    """A call of a class or function."""

    target: Target
    arguments: tuple[Argument, ...] = ()


class Method(NamedTuple):
    """A call of a tensor's method: `x.reshape(...)`, also of one that a method or call gives."""

    receiver: Expr
    name: str
    arguments: tuple[Argument, ...] = ()


class ModuleCall(NamedTuple):
    """A call of the op's own module, of whose results the first is taken: `self.attn(x, x, x)[0]`."""

    arguments: tuple[Argument, ...]


class Operation(NamedTuple):
    """Operands joined by an operator: `x + y`. An operand that is an operation itself gets parentheses."""

    operator: str
    arguments: tuple[Argument, ...]


class Listed(NamedTuple):
    """A list: `[x, y]`."""

    arguments: tuple[Argument, ...]


Composite: TypeAlias = Call | Method | ModuleCall | Operation | Listed
Expr: TypeAlias = Composite | Input | Own | Sibling | Axis | AxesFrom


class Argument(NamedTuple):
    """An expression or a literal value that stands in a call.

    `name` is PyTorch's name of the parameter, which is written if it is a `keyword`. `attribute` is the op's attribute that
    the value comes from: values with one may differ between instances of a class, so that the emitter may write a parameter
    in their place. None means that the value follows from the form itself. With a `default`, an argument that equals it is
    left out.
    """

    value: Any
    name: str = ""
    attribute: str | None = None
    keyword: bool = False
    default: Any = MISSING

    @property
    def is_literal(self) -> bool:
        """Whether the value is a plain Python value."""
        return self.value.__class__ not in _EXPRESSIONS

    @property
    def is_default(self) -> bool:
        """Whether the call means the same without the argument."""
        return type(self.value) is type(self.default) and bool(self.value == self.default)


_COMPOSITES = (Call, Method, ModuleCall, Operation, Listed)
_EXPRESSIONS = frozenset({*_COMPOSITES, Input, Own, Sibling, Axis, AxesFrom})


# -- construction --


def nn(name: str) -> Target:
    """Return a class of `torch.nn`."""
    return Target("nn", name)


def functional(name: str) -> Target:
    """Return a function of `torch.nn.functional`."""
    return Target("F", name)


def torch(name: str) -> Target:
    """Return a function of `torch`."""
    return Target("torch", name)


def runtime(name: str) -> Target:
    """Return a definition of `runtime.py`."""
    return Target("runtime", name)


def positional(value: Any, name: str = "", attribute: str | None = None) -> Argument:
    """Return an argument by position."""
    return Argument(value, name, attribute)


def keyword(name: str, value: Any, attribute: str | None = None, default: Any = MISSING) -> Argument:
    """Return an argument by name, which is left out if it equals the default."""
    return Argument(value, name, attribute, True, default)


X = Argument(Input(0))
"""The first input as an argument."""


def inputs(count: int) -> tuple[Argument, ...]:
    """Return the first inputs as arguments."""
    return tuple(Argument(Input(i)) for i in range(count))


# -- reading --


def literals(expression: Expr | None) -> Iterator[Argument]:
    """Yield the arguments that are plain values, in the order in which they are written."""
    if isinstance(expression, Method):
        yield from literals(expression.receiver)
    if isinstance(expression, _COMPOSITES):
        for argument in expression.arguments:
            if argument.is_literal:
                yield argument
            else:
                yield from literals(argument.value)


def targets(expression: Expr | None) -> Iterator[Target]:
    """Yield every class and function that an expression names."""
    if isinstance(expression, Call):
        yield expression.target
    if isinstance(expression, Method):
        yield from targets(expression.receiver)
    if isinstance(expression, _COMPOSITES):
        for argument in expression.arguments:
            if not argument.is_literal:
                yield from targets(argument.value)


Texts: TypeAlias = Callable[[Argument], str | None]


def plain(argument: Argument) -> str | None:
    """Return a literal argument as text; None if it is left out."""
    return None if argument.is_default else repr(argument.value)


def source(
    expression: Expr,
    inputs: Sequence[str] = (),
    *,
    training: str = "self.training",
    parameter: str = "",
    text: Texts = plain,
) -> str:
    """Return an expression as Python source, given the variables of the op's inputs.

    `text` is asked for each literal argument in the order of writing; None leaves the argument out.
    """

    return _Writer(inputs, training, parameter, text).write(expression)


class _Writer(NamedTuple):
    inputs: Sequence[str]
    training: str
    parameter: str
    text: Texts

    def write(self, value: Any) -> str:
        """Return an expression as source."""
        match value:
            case Call(target, arguments):
                return f"{target}({', '.join(self._items(arguments))})"
            case Method(receiver, name, arguments):
                written = self.write(receiver)  # first, as `text` is asked in the order of writing
                return f"{written}.{name}({', '.join(self._items(arguments))})"
            case ModuleCall(arguments):
                return f"{self.parameter}({', '.join(self._items(arguments))})[0]"
            case Listed(arguments):
                return f"[{', '.join(self._items(arguments))}]"
            case Operation(operator, arguments):
                return f" {operator} ".join(self._items(arguments, nested=True))
        return self._leaf(value)

    def _leaf(self, value: Any) -> str:
        match value:
            case Input(position):
                return self.inputs[position]
            case Axis(input, axis):
                return f"{self._leaf(input)}.shape[{axis}]"
            case AxesFrom(input, first):
                return f"{self._leaf(input)}.shape[{first}:]"
            case Sibling(name):
                return f"self.{name}"
            case Own.TRAINING:
                return self.training
            case Own.PARAMETER:
                return self.parameter
            case Own.WEIGHT:
                return f"{self.parameter}.weight"
        raise TypeError(f"{value!r} is no expression")

    def _items(self, arguments: tuple[Argument, ...], nested: bool = False) -> Iterator[str]:
        for argument in arguments:
            shown = self.text(argument) if argument.is_literal else self.write(argument.value)
            if shown is None:
                continue
            if nested and isinstance(argument.value, Operation):
                shown = f"({shown})"
            yield f"{argument.name}={shown}" if argument.keyword else shown
