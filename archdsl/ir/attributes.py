"""Attributes of nodes and functions: modules that own weights, usage, constants of blocks, and claims."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from archdsl.shapes import Dim, Stretch
from archdsl.source import Span

Paths: TypeAlias = tuple[str, ...]
"""The dotted key of a module, behind those of the modules around it, the network first."""


class Usage(StrEnum):
    """The phases in which a node runs."""

    ALWAYS = "always"
    """In training and in evaluation."""
    TRAINING = "training"
    """Only in training: only auxiliary heads need it."""
    NEVER = "never"
    """No result needs it."""


def less(one: Usage, other: Usage) -> Usage:
    """Return the usage of what runs in the phases of both."""
    if one is other or other is Usage.ALWAYS:
        return one
    return Usage.NEVER if Usage.NEVER in (one, other) else Usage.TRAINING


class Module:
    """An owner of weights, or of none: a child of its function under a key of the `state_dict`.

    `key` is `("conv1",)`, or `("enc", "0")` for a member of the indexed family `enc`. `labelled` says that the
    source names it; otherwise the key is its position. In a function that applies the module of another one, `levels` is
    how many modules further out its owner is; in its owner it is 0.
    """

    __slots__ = ("key", "labelled", "levels", "span")

    def __init__(self, key: tuple[str, ...], labelled: bool = False, span: Span | None = None, levels: int = 0) -> None:
        self.key = key
        self.labelled = labelled
        self.span = span
        self.levels = levels

    def __repr__(self) -> str:
        return ".".join(self.key)


def join_path(path: str, *names: str) -> str:
    """Return the dotted key of what has these names below a path; either may be empty."""
    return ".".join([part for part in (path, *names) if part])


def tensor_key(path: str, name: str) -> str:
    """Return the key of a tensor of the op at a path: below it, the path itself, or beside it for `../name`."""
    if name.startswith("../"):
        return join_path(path.rpartition(".")[0], name.removeprefix("../"))
    return join_path(path, name)


class Constant(NamedTuple):
    """A `let` of a block: its value, and its expression in the source if that contains only names and numbers."""

    value: Any
    expression: str | None = None


class Claim(NamedTuple):
    """An `expect` that counts something, to be checked when the network is complete.

    `statement` is its syntax, `environment` the names that it can see; `archdsl.analysis.claims` evaluates them.
    It is `empty` if it counts a function that does nothing, and that is in no graph for that reason. It is `of_space` if it is a
    condition of the network's search space.
    """

    statement: Any
    environment: Any
    empty: bool = False
    of_space: bool = False


class Condition(NamedTuple):
    """Two sizes that must be equal for a join to work, where at least one is symbolic, unless one that may `stretch` is one.

    `sides` are the values whose axes these are. `what` is the join's keyword.
    """

    left: Dim
    right: Dim
    span: Span | None
    what: str
    sides: tuple[Any, Any]
    stretch: Stretch = None


class Failure(NamedTuple):
    """An op or join in a partial graph that could not be applied: its name, and the values that it was to take."""

    what: str
    inputs: tuple[Any, ...]
    span: Span | None
