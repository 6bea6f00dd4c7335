"""What the interpreter computes with: values, refusals, and the values of expressions."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import torch

from tests.attack.program import (
    Binary,
    Call,
    Choice,
    Comprehension,
    Expression,
    Item,
    Let,
    ListOf,
    Literal,
    Name,
    OpValue,
    Range,
    Size,
    Unary,
    Word,
)


class Refused(Exception):
    """A program or size that the language does not allow, with the error codes that the documentation gives for it.

    Without codes, it is PyTorch that refuses, and any code will do.
    """

    def __init__(self, message: str, *codes: str) -> None:
        super().__init__(message)
        self.codes = codes


@dataclass(eq=False)
class Value:
    """A tensor on its way through the network, and how it was made.

    `open` holds, for each axis without the batch, the symbolic sizes that its length depends on; `consumers` tells of each use
    whether it is a normalization with a shift of its own. For what a module made, `home` is the scope that uses the module, and
    `within` tells of each use of the value whether it is in that scope; `homes` are the scopes other than the module's own.
    """

    tensor: torch.Tensor
    open: tuple[frozenset[str], ...]
    made_by: str
    parents: tuple[Value, ...] = ()
    path: str | None = None
    macs: int = 0
    consumers: list[bool] = field(default_factory=list)
    within: list[bool] = field(default_factory=list)
    home: str = ""
    homes: tuple[str, ...] = ()
    positions_in: tuple[int, ...] | None = None
    """Of the positions that a pool gives, the sizes in which they count."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes without the batch."""
        return tuple(self.tensor.shape[1:])

    @property
    def integers(self) -> bool:
        """Whether the value holds whole numbers."""
        return not self.tensor.is_floating_point()

    def ancestors(self) -> set[Value]:
        """Return the value and all that it is made from."""
        seen: set[Value] = set()
        waiting = [self]
        while waiting:
            value = waiting.pop()
            if value not in seen:
                seen.add(value)
                waiting.extend(value.parents)
        return seen


class Several(Value):
    """The values of an op with several outputs."""

    def __init__(self, values: Sequence[Value]) -> None:
        super().__init__(torch.empty(1, 0), (), "several")
        self.values = list(values)


class Planned(Value):
    """An input that is a shape alone, perhaps an impossible one: what a condition reads."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(torch.empty(0), (), "input")
        self._shape = shape

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes without the batch."""
        return self._shape


AXIS_NAMES = {1: ("c",), 2: ("c", "l"), 3: ("c", "h", "w"), 4: ("c", "d", "h", "w")}


def size_of(value: Value, axis: str, symbolic: bool) -> Any:
    """Return a size of a value, or its shape or rank; refuse a symbolic size unless `symbolic` allows it."""
    if axis == "rank":
        return len(value.shape)
    if axis == "shape":
        if not symbolic and any(value.open):
            raise Refused("a shape with a symbolic size", "E0307")
        return list(value.shape)
    names = AXIS_NAMES.get(len(value.shape), ())
    if axis not in names:
        raise Refused(f"no axis {axis} of {value.shape}", "E0408", "E0305", "E0201", "E0401")
    at = names.index(axis)
    if not symbolic and value.open[at]:
        raise Refused(f"{axis} is open", "E0307")
    return value.shape[at]


def _divide(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def divide(left: Any, right: Any) -> Any:
        if right == 0:
            raise Refused("division by zero", "E0405")
        return function(left, right)

    return divide


def _make_divisible(value: float, divisor: int) -> int:
    """Return the nearest multiple of `divisor` that is not more than a tenth below `value`."""
    nearest = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * value else nearest


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide(operator.truediv),
    "//": _divide(operator.floordiv),
    "%": _divide(operator.mod),
    "^": operator.pow,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "ceil": math.ceil,
    "floor": math.floor,
    "round": round,
    "len": len,
    "sum": sum,
    "int": int,
    "make_divisible": _make_divisible,
    "reversed": lambda items: list(items)[::-1],
}


@dataclass(frozen=True, eq=False)
class Closure:
    """A function, with the names that it sees."""

    parameters: tuple[str, ...]
    value: Expression
    names: Mapping[str, Any]


def let_value(let: Let, names: Mapping[str, Any]) -> Any:
    """Return what a `let` names. A function goes on to see the names that it is given."""
    return Closure(let.parameters, let.value, names) if let.parameters else evaluate(let.value, names)


def constants_of(lets: Sequence[Let]) -> dict[str, Any]:
    """Return the constants of a file, each after those that it uses."""
    found: dict[str, Any] = {}
    for _ in lets:
        for let in [each for each in lets if each.name not in found]:
            with suppress(Refused):
                found[let.name] = let_value(let, found)
    if len(found) < len(lets):
        raise Refused("constants of nothing", "E0201")
    return found


def evaluate(  # noqa: C901 - a case for each kind of expression
    tree: Expression, names: Mapping[str, Any], symbolic: bool = False
) -> Any:
    """Return what an expression is: a number, a truth value, a list, a range, a word, an op, or a value of the network."""

    def of(part: Expression) -> Any:
        return evaluate(part, names, symbolic)

    match tree:
        case Literal(value):
            return value
        case Word(text):
            return text
        case Name(text):
            if text not in names:
                raise Refused(f"nothing is called {text}", "E0201", "E0206")
            return names[text]
        case Size(name, axis):
            value = names.get(name)
            if not isinstance(value, Value):
                raise Refused(f"{name} is no value", "E0206", "E0201", "E0408")
            return size_of(value, axis, symbolic)
        case Binary("and", left, right):
            return of(left) and of(right)
        case Binary("or", left, right):
            return of(left) or of(right)
        case Binary(sign, left, right):
            return OPERATORS[sign](of(left), of(right))
        case Unary("not", operand):
            return not of(operand)
        case Unary(_, operand):
            return -of(operand)
        case Choice(then, condition, other):
            return of(then) if of(condition) else of(other)
        case Call(function, items) if isinstance(closure := names.get(function), Closure):
            given = dict(zip(closure.parameters, map(of, items), strict=True))
            return evaluate(closure.value, {**closure.names, **given}, symbolic)
        case Call(function) if function not in FUNCTIONS:
            raise Refused(f"nothing is called {function}", "E0201", "E0206")
        case Call(function, items):
            return FUNCTIONS[function](*map(of, items))
        case ListOf(items):
            return [of(item) for item in items]
        case Range(start, end, step):
            return range(of(start), of(end), 1 if step is None else of(step))
        case Comprehension(element, name, over, condition):
            rounds = ({**names, name: item} for item in of(over))
            kept = (each for each in rounds if condition is None or evaluate(condition, each, symbolic))
            return [evaluate(element, each, symbolic) for each in kept]
        case Item(part, index):
            return _item(of(part), of(index))
        case OpValue():
            return tree
    raise TypeError(tree)


def members(family: Mapping[int, Any]) -> list[Any]:
    """Return the members of a family as a list, which asks for indices from 0 without a gap."""
    if sorted(family) != list(range(len(family))):
        raise Refused(f"a family of {sorted(family)} as a list")
    return [family[at] for at in range(len(family))]


def _item(whole: Any, index: int) -> Any:
    if isinstance(index, range):
        whole = members(whole) if isinstance(whole, dict) else list(whole)
        if not 0 <= index.start <= index.stop <= len(whole):
            raise Refused(f"{index} of {len(whole)}", "E0407")
        return whole[index.start : index.stop : index.step]
    if isinstance(whole, dict):
        if index not in whole:
            raise Refused(f"no member {index} of the family", "E0206")
        return whole[index]
    try:
        return whole[index]
    except IndexError:
        raise Refused(f"index {index} of a list of {len(whole)}", "E0407") from None
    except TypeError:
        raise Refused(f"a member of {whole!r}, which has none") from None
