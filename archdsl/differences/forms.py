"""What is equal in ops and functions: numbers that equal ones share, and the arguments in which two ops differ.

The form of an op is its name with its arguments. It has no sizes, so that a wider layer does not change all ops after it. The
form of a function are the forms of all ops in it and how they are wired, with every call inlined: it does not depend on how a
text divides a network into blocks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

from archdsl.diagnostics import SpecError
from archdsl.ir import Call, Function, OpNode, Value
from archdsl.literals import show
from archdsl.ops.base import Op, WeightedOp
from archdsl.shapes import Shape

_MOST_ELEMENTS = 6
"""Elements of a list that a change shows."""


class _Body(NamedTuple):
    """A function with every call inlined: the form of each op and what it takes, what it returns, and how many values it makes.

    Values are numbers in the order in which they are made; inputs of the function are below zero.
    """

    steps: tuple[tuple[int, tuple[int, ...]], ...]
    returned: tuple[int, ...]
    values: int


class FunctionForm(NamedTuple):
    """A number that equal functions share, how many ops run in one, and how many of each form and kind."""

    number: int
    size: int
    forms: Counter[int]
    kinds: Counter[str]


class ArgumentChange(NamedTuple):
    """An argument of an op that differs, with its values as a spec writes them; None where an op has no such argument."""

    name: str
    before: str | None
    after: str | None


class Forms:
    """The forms of the ops and functions of both networks. Each function is looked at once."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._ops: dict[int, tuple[Op, int]] = {}
        self._bodies: dict[Function, _Body] = {}
        self._functions: dict[Function, FunctionForm] = {}
        self._tensors: dict[OpNode, dict[str, tuple[int, ...]]] = {}

    def of_op(self, op: Op) -> int:
        """Return the form of an op."""
        known = self._ops.get(id(op))
        if known is None:
            number = self._number((op.name, *[(name, repr(_simplest(op, name, value))) for name, value in op]))
            known = self._ops[id(op)] = (op, number)  # keeps the op, and so its id
        return known[1]

    def of_function(self, function: Function) -> FunctionForm:
        """Return the form of a function."""
        found = self._functions.get(function)
        if found is None:
            body = self._steps_of(function)
            kinds = Counter[str]()
            for node in function.nodes:
                if isinstance(node, Call):
                    kinds += self.of_function(node.callee).kinds
                elif isinstance(node, OpNode):
                    kinds[kind_of(node.op)] += 1
            number = self._number((len(function.inputs), body))
            forms = Counter([form for form, _ in body.steps])
            found = self._functions[function] = FunctionForm(number, len(body.steps), forms, kinds)
        return found

    def tensors(self, node: OpNode) -> dict[str, tuple[int, ...]]:
        """Return the parameters and buffers of an op, by their names in it."""
        found = self._tensors.get(node)
        if found is None:
            shapes = node.input_shapes
            owned = node.op.parameters(*shapes) | node.op.buffers(*shapes) if node.module is not None else {}
            found = self._tensors[node] = owned
        return found

    def _number(self, form: Hashable) -> int:
        return self._numbers.setdefault(form, len(self._numbers))

    def _steps_of(self, function: Function) -> _Body:
        known = self._bodies.get(function)
        if known is not None:
            return known
        names: dict[Value, int] = {value: -1 - position for position, value in enumerate(function.inputs)}
        steps: list[tuple[int, tuple[int, ...]]] = []
        made = 0
        for node in function.nodes:
            taken = [names[value] for value in node.inputs]
            if isinstance(node, Call):
                inner = self._steps_of(node.callee)
                steps += [(form, _moved(inputs, made, taken)) for form, inputs in inner.steps]
                names.update(zip(node.outputs, _moved(inner.returned, made, taken), strict=True))
                made += inner.values
            else:
                assert isinstance(node, OpNode)
                steps.append((self.of_op(node.op), tuple(taken)))
                names.update(zip(node.outputs, range(made, made + len(node.outputs)), strict=True))
                made += len(node.outputs)
        found = self._bodies[function] = _Body(tuple(steps), tuple([names[value] for value in function.outputs]), made)
        return found


def _simplest(op: Op, name: str, value: Any) -> Any:
    """Return an argument in the simplest of several forms that mean the same: `split(2)` for `split([4, 4])`."""
    equal = op.name == "split" and name == "parts" and isinstance(value, tuple) and len(set(value)) == 1
    return len(value) if equal else value


def kind_of(op: Op) -> str:
    """Return the name of the op of which an op is a kind, such as `conv` for `bottleneck`, or its own."""
    return (op.kind_of or op.name) if isinstance(op, WeightedOp) else op.name


def changed_arguments(before: OpNode, after: OpNode) -> tuple[ArgumentChange, ...]:
    """Return the arguments in which two ops of one kind differ; none if both do the same with the inputs of either.

    So `conv(8, 1)` is `bottleneck(8)`, and `pad = 1` is `pad = same` for a window of three.
    """
    shapes = dict.fromkeys((before.input_shapes, after.input_shapes))
    return next((found for one in shapes if (found := _differing(before.op, after.op, one))), ())


def _differing(old: Op, new: Op, shapes: Sequence[Shape]) -> tuple[ArgumentChange, ...]:
    """Return the arguments in which two ops of one kind differ for inputs of some shapes."""
    one, other = _attributes(old, shapes), _attributes(new, shapes)
    same_class = type(old) is type(new)
    names = list(dict.fromkeys((*type(old).fields, *type(new).fields)))
    beyond = [name for name in names if one is None or other is None or name not in one or name not in other]
    differing = [name for name in beyond if hasattr(old, name) and hasattr(new, name) and _differ(old, new, name)]
    if one is not None and one == other and not differing:
        return ()
    if same_class:
        names = [name for name in names if _differ(old, new, name)]
        telling = [
            name for name in names if name in differing or one is None or other is None or one.get(name) != other.get(name)
        ]
        return tuple([_argument_change(old, new, name) for name in telling or names])
    found = [_argument_change(old, new, name) for name in differing]
    for name in names:
        if one is not None and other is not None and name in one and name in other and one[name] != other[name]:
            found.append(ArgumentChange(name, show(_compact(one[name])), show(_compact(other[name]))))
    return tuple(found)


def _attributes(op: Op, shapes: Sequence[Shape]) -> dict[str, Any] | None:
    """Return an op's parameters as numbers for some inputs, with its tensors; None if it cannot take them."""
    try:
        found = {name: _simplest(op, name, value) for name, value in op.attributes(*shapes).items()}
        return {**found, "": (op.parameters(*shapes), op.buffers(*shapes))}
    except (SpecError, IndexError):
        return None


def _differ(old: Op, new: Op, name: str) -> bool:
    return repr(_simplest(old, name, getattr(old, name))) != repr(_simplest(new, name, getattr(new, name)))


def _argument_change(old: Op, new: Op, name: str) -> ArgumentChange:
    """Return the change of an argument; of long lists that begin alike, that of the first element which differs: `value[9]`."""
    before, after, place = getattr(old, name), getattr(new, name), ""
    texts = tuple([show(value, old.words(name), most=_MOST_ELEMENTS) for value in (before, after)])
    while texts[0] == texts[1] and isinstance(before, tuple) and isinstance(after, tuple):
        at = next((i for i, pair in enumerate(zip(before, after, strict=False)) if repr(pair[0]) != repr(pair[1])), None)
        if at is None:
            return ArgumentChange(f"{name}{place}", f"{len(before):,} elements", f"{len(after):,} elements")
        before, after, place = before[at], after[at], f"{place}[{at}]"
        texts = show(before, most=_MOST_ELEMENTS), show(after, most=_MOST_ELEMENTS)
    return ArgumentChange(f"{name}{place}", *texts)


def _compact(value: Any) -> Any:
    """Return one number for equal numbers of all axes."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


def _moved(values: Sequence[int], made: int, taken: Sequence[int]) -> tuple[int, ...]:
    """Return values of a function as those of a caller that made so many before, and lets it take these."""
    return tuple([value + made if value >= 0 else taken[-1 - value] for value in values])
