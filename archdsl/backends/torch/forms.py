"""Equal parts share a class: what differs between instances becomes a parameter of its constructor.

Two parts have one form if they come from the same text and do the same to the same names; only numbers
may differ. The numbers of all instances, side by side, are columns: a constant one is written out,
equal ones share a parameter, and a parameter has the name that the spec gives those numbers.
"""

from __future__ import annotations

import builtins
import keyword
from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from archdsl.backends.torch.expressions import MISSING, Argument, Call, Target, plain, source, targets
from archdsl.backends.torch.plan import Leaf, Part, Step, inside_out, is_open
from archdsl.backends.torch.runtime_source import runtime_names
from archdsl.elaborate.naming import MODULE_ATTRIBUTES

TAKEN = runtime_names().union(
    dir(builtins), {"check_sizes", "torch", "nn", "F", "Any", "Tensor", "OrderedDict", "NamedTuple", "self"}
)
"""Names that generated source uses itself, and those of Python, which it may."""
WINDOW = frozenset({"kernel_size", "stride", "padding", "dilation"})
"""What says how a window moves; channels never follow from it."""

NESTED = 4
"""How deep expressions of `nn.Sequential` go before a group becomes a class; Python itself reads 200 brackets."""


class Slot(NamedTuple):
    """A place for a number in a constructor: its value in one instance, and what it is called there.

    `optional` slots are left out where they hold `default`.
    """

    value: Any
    hint: str
    optional: bool = False
    default: Any = None


@dataclass(eq=False)
class Parameter:
    """A parameter of a generated class."""

    name: str
    column: tuple[Any, ...]
    default: Any = MISSING

    @property
    def optional(self) -> bool:
        """Whether the constructor has a default for it."""
        return self.default is not MISSING


@dataclass(eq=False)
class Form:
    """What parts of one class share, and the instances. `texts` are the slots as source, in the representative's order."""

    instances: list[Part] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    texts: list[str | None] = field(default_factory=list)
    name: str = ""
    positions: dict[int, int] = field(default_factory=dict)
    numbers: dict[int, list[str]] = field(default_factory=dict)
    """For each op that is written as a function, by identity, its fractions as source."""

    @property
    def first(self) -> Part:
        """The instance whose shapes the comments show."""
        return self.instances[0]

    @cached_property
    def kept(self) -> dict[str, str]:
        """For each parameter the attribute that keeps it for `forward`, where that reads it."""
        taken = MODULE_ATTRIBUTES.union(step.name[0] for step in self.first.steps if step.name)
        found: dict[str, str] = {}
        for parameter in self.parameters:
            name = parameter.name
            while name in taken or name in found.values():
                name += "_"
            found[parameter.name] = name
        return found

    def arguments(self, part: Part) -> list[tuple[Parameter, Any]]:
        """The constructor's arguments for an instance."""
        at = self.positions[id(part)]
        return [(parameter, parameter.column[at]) for parameter in self.parameters]


class Forms:
    """The forms of a network: which parts are classes, and which class a part is an instance of."""

    def __init__(self, root: Part) -> None:
        self.by_part: dict[int, Form] = {}
        self.in_order: list[Form] = []
        self._keys: dict[int, Hashable] = {}
        by_key: dict[Hashable, Form] = {}
        heights: dict[int, int] = {}
        for part in inside_out(root):
            key = self._key(part)
            height = 1 + max((heights.get(id(step), 0) for step in part.steps), default=0)
            if height <= NESTED and not is_class(part, root):
                heights[id(part)] = height
                self._keys[id(part)] = key
                continue
            form = by_key.get(key)
            if form is None:
                form = by_key[key] = Form()
                self.in_order.append(form)
            form.positions[id(part)] = len(form.instances)
            form.instances.append(part)
            self.by_part[id(part)] = form
            self._keys[id(part)] = ("class", id(form))
        for form in self.in_order:
            self._parametrize(form)

    def _key(self, part: Part) -> Hashable:
        """What instances of one class have in common."""
        local: dict[int, Hashable] = {value: ("in", i) for i, value in enumerate(part.inputs)}
        steps: list[Hashable] = []
        for i, step in enumerate(part.steps):
            wiring = tuple(local[value] for value in step.inputs)
            steps.append((step.name, wiring, step.training_only and not part.training_only, self._step_key(step)))
            local.update({value: (i, k) for k, value in enumerate(step.outputs)})
        outputs = tuple(local[value] for value in part.outputs)
        return part.scope.definition, part.scope.block, part.chain, tuple(steps), outputs

    def _step_key(self, step: Step) -> Hashable:
        if isinstance(step, Part):
            return self._keys[id(step)]
        lowering = step.lowering
        call = lowering.parameter or lowering.module
        built = None if call is None else source(call, text=lambda given: "")
        if step.as_module or lowering.function is None:
            return step.as_module, built, None
        places = [f"{{{i}}}" for i in range(len(step.node.inputs))]
        called = source(lowering.function, places, text=lambda given: "" if is_open(given) else plain(given))
        return step.as_module, built, called

    def slots(self, part: Part) -> Iterator[Slot]:
        """Every number in the constructors of a part's steps, in the order in which they are written."""
        for step in part.steps:
            yield from self.step_slots(step, part)

    def step_slots(self, step: Step, part: Part) -> Iterator[Slot]:
        """The numbers of one step."""
        if isinstance(step, Leaf):
            call = step.constructor(part)
            if call is not None:
                yield from _call_slots(call, step.node.name or step.node.op.name)
            yield from (Slot(given.value, given.attribute or "") for given in step.numbers(part))
        elif id(step) in self.by_part:
            form = self.by_part[id(step)]
            yield from (
                Slot(value, parameter.name, parameter.optional, parameter.default) for parameter, value in form.arguments(step)
            )
        else:
            yield from self.slots(step)

    def targets(self) -> Iterator[Target]:
        """Yield every class and function that the generated classes name."""
        for form in self.in_order:
            pending = [form.first]
            while pending:
                part = pending.pop()
                for step in part.steps:
                    if isinstance(step, Leaf):
                        yield from targets(step.constructor(part))
                        yield from targets(step.lowering.function if step.is_called(part) else None)
                    elif id(step) not in self.by_part:
                        pending.append(step)

    def _parametrize(self, form: Form) -> None:
        """Name what differs between the instances."""
        rows = [list(self.slots(part)) for part in form.instances]
        slots = [(tuple(row[i].value for row in rows), slot) for i, slot in enumerate(rows[0])]
        names = _Names(form, slots)
        for column, slot in slots:
            if _constant(column):
                left_out = slot.optional and _same(column[0], slot.default)
                form.texts.append(None if left_out else repr(column[0]))
            else:
                form.texts.append(names.text(column, slot))
        form.parameters = sorted(names.parameters, key=lambda parameter: parameter.name != "in_channels")


class _Names:
    """Gives names to columns of numbers: those of the spec where they fit."""

    def __init__(self, form: Form, slots: list[tuple[tuple[Any, ...], Slot]]) -> None:
        self.parameters: list[Parameter] = []
        self._by_column: dict[Hashable, str] = {}
        scopes = [part.scope for part in form.instances]
        known = {name: _plain_column([scope.arguments.get(name, MISSING) for scope in scopes]) for name in scopes[0].arguments}
        self._spec = {name: column for name, column in known.items() if column is not None and not _constant(column)}
        self._window = {_column_key(column) for column, slot in slots if slot.hint in WINDOW}

    def text(self, column: tuple[Any, ...], slot: Slot) -> str:
        """The source for a column: a parameter, or a multiple or quotient of one."""
        key = _column_key(column)
        if key in self._by_column:
            return self._by_column[key]
        name = next((name for name, values in self._spec.items() if _column_key(values) == key), None)
        if name is None:
            derived = self._derived(column, slot)
            if derived is not None:
                self._by_column[key] = derived
                return derived
        name = self._free(name or slot.hint)
        self.parameters.append(
            Parameter(name, column, _default(column) if slot.optional or slot.hint == "kernel_size" else MISSING)
        )
        self._by_column[key] = name
        return name

    def _derived(self, column: tuple[Any, ...], slot: Slot) -> str | None:
        """`4 * width`, `k // 2`: from a parameter of the spec. Channels that are twice the stride are so by chance."""
        if not all(type(value) is int for value in column):
            return None
        for values in self._spec.values():
            by_chance = slot.hint not in WINDOW and _column_key(values) in self._window
            if by_chance or not all(type(value) is int for value in values):
                continue
            for factor in (2, 3, 4, 6, 8):
                if all(value == factor * v for value, v in zip(column, values, strict=True)):
                    return f"{factor} * {self.text(values, slot)}"
                if all(value == v // factor for value, v in zip(column, values, strict=True)):
                    return f"{self.text(values, slot)} // {factor}"
        return None

    def _free(self, name: str) -> str:
        taken = {parameter.name for parameter in self.parameters} | TAKEN
        name = name.lstrip("_") or "value"  # a name that begins with `__` means another inside a class
        name = f"{name}_" if keyword.iskeyword(name) or name in TAKEN else name
        candidate, number = name, 2
        while candidate in taken:
            candidate, number = f"{name}{number}", number + 1
        return candidate


def is_class(part: Part, root: Part) -> bool:
    """Whether a part becomes a class: the network, block calls, and groups that are no plain chain."""
    return part is root or part.scope.kind == "block" or not part.chain


def _call_slots(call: Call, owner: str) -> Iterator[Slot]:
    """Yield the arguments of a constructor call in the order in which they are written."""
    for argument in call.arguments:
        if isinstance(argument.value, Call):
            yield from _call_slots(argument.value, owner)
        else:
            optional = argument.default is not MISSING
            yield Slot(argument.value, _hint(argument, owner), optional, argument.default)


def _hint(argument: Argument, owner: str) -> str:
    """Return what a class parameter for an argument is called: channels and keywords by their own name, others by the op's."""
    if argument.keyword or argument.name in ("in_channels", "out_channels", "num_features"):
        return argument.name
    return owner if owner.isidentifier() else "channels"


def _plain_column(values: list[Any]) -> tuple[Any, ...] | None:
    return tuple(values) if all(isinstance(value, int | float | str | tuple) for value in values) else None


def _column_key(column: tuple[Any, ...]) -> Hashable:
    return tuple((type(value), value) for value in column)


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and a == b


def _constant(column: tuple[Any, ...]) -> bool:
    return all(_same(value, column[0]) for value in column)


def _default(column: tuple[Any, ...]) -> Any:
    """What most instances have; sizes have no default and are always given."""
    value, times = Counter(map(repr, column)).most_common(1)[0]
    return next(v for v in column if repr(v) == value) if times * 2 >= len(column) and len(column) > 1 else MISSING
