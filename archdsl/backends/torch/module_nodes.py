"""What a module tree consists of: a node for each function that is emitted, with the steps of its body."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

from archdsl.backends.torch.batch_axis import Expansion
from archdsl.backends.torch.lowerings import Lowering, lower
from archdsl.ir import Call, Function, OpNode, Value
from archdsl.ops import Op
from archdsl.shapes import Shape

Registry: TypeAlias = Literal["_modules", "_parameters", "_buffers"]
"""The dictionary of an `nn.Module` that holds a child."""
Container: TypeAlias = Literal["ModuleList", "ModuleDict", "ParameterList", "ParameterDict", "mixed"]
"""The class of `torch.nn` that holds a family; a mixed one is a `ModuleDict` that has its bare parameters and buffers itself."""


class Foreign(NamedTuple):
    """A module that a module runs and that is not its own: how many modules further out it is, and its key there."""

    levels: int
    key: tuple[str, ...]
    registry: Registry = "_modules"


class Lowered:
    """An op for inputs of certain shapes: how it is written, and what follows from it. Keeps the op, and so its id."""

    __slots__ = ("_has_state", "_inplace", "is_identity", "op", "plain", "shapes")

    def __init__(self, op: Op, shapes: tuple[Shape, ...]) -> None:
        self.op = op
        self.shapes = shapes
        self.plain = lower(op, *shapes)
        self.is_identity = op.is_identity(*shapes)
        self._has_state: bool | None = None
        self._inplace: Lowering | None = None

    @property
    def has_state(self) -> bool:
        """Whether the op has parameters or buffers."""
        if self._has_state is None:
            self._has_state = bool(self.op.parameters(*self.shapes) or self.op.buffers(*self.shapes))
        return self._has_state

    def overwriting(self) -> Lowering:
        """Return how the op is written if it may overwrite its input."""
        if self._inplace is None:
            self._inplace = lower(self.op, *self.shapes, inplace=True)
        return self._inplace


@dataclass(eq=False, slots=True)
class OpStep:
    """An op in a module. `as_module` says that it is constructed and called, rather than written as a function.

    A `foreign` module is that of a module further out, which passes it on. `constructed` is false if another step has constructed
    the same module: for a `declared` one, that is its declaration. An op whose value nobody uses has no inputs and
    outputs: it is constructed and never called. `overwrites` says that its input may be written over, `removable` that
    its output is its input and nobody could see it missing.
    """

    node: OpNode
    key: tuple[str, ...]
    lowered: Lowered
    as_module: bool
    constructed: bool
    inputs: list[Value]
    outputs: list[Value]
    training_only: bool
    overwrites: bool
    removable: bool
    declared: bool = False
    foreign: Foreign | None = None
    expansion: Expansion | None = None
    """Which inputs take the batch of others: see `batch_axis.py`."""

    @property
    def lowering(self) -> Lowering:
        """How the op is written."""
        return self.lowered.plain

    @property
    def registry(self) -> Registry:
        """What of the module around it holds it."""
        return registry_of(self.lowering)


@dataclass(eq=False, slots=True)
class CallStep:
    """A module in a module. `inputs` and `outputs` are those that the called module takes and gives.

    `passed` are the modules that it takes besides, as they are seen from here: at no levels, the module's own.
    """

    node: Call
    key: tuple[str, ...]
    callee: ModuleNode
    constructed: bool
    inputs: list[Value]
    outputs: list[Value]
    training_only: bool
    declared: bool = False
    foreign: Foreign | None = None
    passed: tuple[Foreign, ...] = ()
    expansion: Expansion | None = None
    """Which inputs take the batch of the function: see `batch_axis.py`."""

    @property
    def registry(self) -> Registry:
        """What of the module around it holds it."""
        return "_modules"


Step: TypeAlias = OpStep | CallStep


def batch_source(step: Step) -> Value | None:
    """Return the value whose batch a step's inputs are expanded to, if it is none of them: the first input of the function."""
    return step.node.function.inputs[0] if step.expansion is not None and not step.expansion.like else None


@dataclass(eq=False)
class ModuleNode:
    """A function to be emitted. `inputs` are those of its inputs that it needs, `outputs` what it gives that is needed.

    `path` is the key of the first module that is made of it, `calls` are all calls of it, `caller` has one of them. A
    `training_only` one runs for heads alone. A `chain` takes and gives one value, and each step takes the one before. `foreign`
    are the modules further out that it runs, which its callers pass to it. It stands for the functions in `alike` too.
    """

    function: Function
    path: str = ""
    calls: list[Call] = field(default_factory=list)
    caller: ModuleNode | None = None
    steps: list[Step] = field(default_factory=list)
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    training_only: bool = False
    chain: bool = False
    single: frozenset[Value] = frozenset()
    """Those of the outputs of a network that have a batch axis of one, and are returned with that of the first input."""
    foreign: tuple[Foreign, ...] = ()
    alike: list[Function] = field(default_factory=list)

    @cached_property
    def counted(self) -> bool:
        """Whether the steps have the keys 0, 1, 2, ..., as those of an `nn.Sequential` without names."""
        return all(step.key == (str(i),) for i, step in enumerate(self.steps))

    @property
    def sequential(self) -> bool:
        """Whether it is emitted as an `nn.Sequential`: a group, or a block whose steps are counted."""
        return self.chain and (self.function.kind == "group" or self.counted)

    @cached_property
    def containers(self) -> dict[tuple[str, ...], Container]:
        """What holds each indexed family. Bare parameters have a container of their own unless modules are beside them.

        With two indices, as of `x[0][1]`, the members of a family are families themselves.
        """
        families: dict[tuple[str, ...], dict[str, Registry]] = {}
        for step in self.steps:
            for end in range(1, len(step.key)) if step.constructed and _is_member(step) else ():
                held = step.registry if end == len(step.key) - 1 else "_modules"
                families.setdefault(step.key[:end], {})[step.key[end]] = held
        return {name: _container(members) for name, members in families.items()}


def _is_member(step: Step) -> bool:
    """Return whether a step has something to construct: one that is written as a function alone is no member of its family."""
    return isinstance(step, CallStep) or step.as_module or step.lowering.bare is not None


def _container(members: dict[str, Registry]) -> Container:
    """Return what holds a family: a list if its keys are 0, 1, 2, ... in order."""
    held = set(members.values())
    if len(held) > 1 or held == {"_buffers"}:
        return "mixed"
    listed = list(members) == [str(i) for i in range(len(members))]
    if held == {"_parameters"}:
        return "ParameterList" if listed else "ParameterDict"
    return "ModuleList" if listed else "ModuleDict"


def registry_of(lowering: Lowering) -> Registry:
    """Return what of the module around it holds an op: a bare parameter, as of `layer_scale`, a buffer, or a module."""
    return "_parameters" if lowering.parameter else "_buffers" if lowering.buffer else "_modules"
