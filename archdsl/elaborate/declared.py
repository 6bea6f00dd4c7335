"""A module that a body declares, as a value of expressions; and what its body cannot see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, NamedTuple

from archdsl.elaborate.naming import Key
from archdsl.elaborate.values import Environment
from archdsl.frozen_record import record
from archdsl.ir import Function, Module, Node
from archdsl.shapes import Shape
from archdsl.source import Span
from archdsl.syntax import nodes as ast


class FirstUse(NamedTuple):
    """The first use of a module: its place, the shape that it took, and the node; None if it does nothing."""

    span: Span
    shape: Shape
    node: Node | None


class Known(NamedTuple):
    """What a module runs for inputs of one shape: a function, None if it does nothing; and whether its result is its input."""

    function: Function | None
    unchanged: bool


@record
class DeclaredModule:
    """A module, with what is known of its uses. Known by itself alone.

    `handle` is the module in the graph; None if it is declared in code that is examined for mistakes alone. `env` has the names
    that its body sees, `active` the blocks and `variables` the loop variables around its declaration.
    """

    name: str
    statement: ast.Declaration
    key: Key
    env: Environment
    handle: Module | None
    active: tuple[ast.Definition, ...]
    variables: Mapping[str, Any]
    known: dict[Any, Known] = field(default_factory=dict)
    first: list[FirstUse] = field(default_factory=list)
    """The first use, once there is one."""
    runs: list[Span] = field(default_factory=list)
    """The use that is being elaborated."""
    type_name = "a module"

    def __str__(self) -> str:
        return self.name


@record
class OutOfReach:
    """A value of the network, or something that holds one, in the place of a name that the body of a module cannot see."""

    module: str
    type_name = "a value"
