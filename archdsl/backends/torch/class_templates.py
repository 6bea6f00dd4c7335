"""A class of the emitted source as data: its parameters, and the text for each step of its body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from archdsl.backends.torch.expressions import MISSING, Call, Expr, nn, source
from archdsl.backends.torch.formulas import Symbol
from archdsl.backends.torch.lowerings import Lowering
from archdsl.backends.torch.module_nodes import CallStep, ModuleNode, OpStep
from archdsl.shapes import Shape

_IDENTITY = Call(nn("Identity"))


class Written(NamedTuple):
    """A value to be written: a formula, a tuple of values, or anything that Python's `repr` writes."""

    value: Any


@dataclass(eq=False, slots=True)
class OpText:
    """An op of a class: how it is constructed and applied, and what to write for the literals in it, None if left out."""

    step: OpStep
    lowering: Lowering
    constructor: list[Written | None] = field(default_factory=list)
    function: list[Written | None] = field(default_factory=list)
    removed: bool = False

    def constructed(self, sequential: bool) -> Call | None:
        """Return what constructs the op's module or parameter; None if it is written as a function or not at all."""
        if not self.step.constructed or (self.removed and not sequential):
            return None
        if self.removed:
            return _IDENTITY
        if self.lowering.bare is not None:
            return self.lowering.bare
        return self.lowering.module if self.step.as_module or sequential else None

    def applied(self, sequential: bool) -> Expr | None:
        """Return the function that `forward` writes for the op; None if there is none."""
        if not self.step.outputs or sequential or self.removed:
            return None
        return self.lowering.applied if self.step.as_module else self.lowering.function


@dataclass(eq=False, slots=True)
class CallText:
    """A module in a class: an instance of another class, with its arguments, or a chain that is written in place."""

    step: CallStep
    template: ClassTemplate | None = None
    arguments: list[Written | None] = field(default_factory=list)
    chain: list[StepText] = field(default_factory=list)


StepText: TypeAlias = OpText | CallText


class Parameter(NamedTuple):
    """A parameter of a class's constructor."""

    symbol: Symbol
    name: str
    default: Any = MISSING

    @property
    def optional(self) -> bool:
        """Whether the constructor has a default for it."""
        return self.default is not MISSING


@dataclass(eq=False)
class ClassTemplate:
    """A class, and the functions of which it is the class. `outputs` are the traced shapes of what it gives."""

    members: list[ModuleNode] = field(default_factory=list)
    body: list[StepText] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    outputs: Sequence[Shape] = ()
    name: str = ""

    @property
    def first(self) -> ModuleNode:
        """The function whose shapes the comments show."""
        return self.members[0]

    @cached_property
    def _positions(self) -> dict[ModuleNode, int]:
        return {member: i for i, member in enumerate(self.members)}

    def position(self, member: ModuleNode) -> int:
        """Return which instance a function is."""
        return self._positions[member]

    @cached_property
    def names(self) -> dict[Symbol, str]:
        """The name of the parameter for each symbol."""
        return {parameter.symbol: parameter.name for parameter in self.parameters}


def require_same_module(first: StepText, second: StepText) -> None:
    """Raise `ValueError` if a module that is applied twice would have to be constructed in two ways."""
    if isinstance(first, OpText) and isinstance(second, OpText):
        calls = [text.lowering.parameter or text.lowering.module for text in (first, second)]
        same_module = (
            source(calls[0]) == source(calls[1]) if calls[0] is not None and calls[1] is not None else calls[0] is calls[1]
        )
    elif isinstance(first, CallText) and isinstance(second, CallText):
        same_module = first.template is second.template and first.arguments == second.arguments
        same_module = same_module and (first.template is not None or first.step.callee is second.step.callee)
    else:
        same_module = False
    if not same_module:
        raise ValueError(f"`{first.step.node.module!r}` is applied twice, and its inputs need different modules")
