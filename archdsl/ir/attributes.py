"""What nodes and functions carry besides values: modules that own weights, usage, constants of blocks, and claims."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from archdsl.source import Span


class Usage(StrEnum):
    """When a node runs."""

    ALWAYS = "always"
    """In training and in evaluation."""
    TRAINING = "training"
    """In training alone: only auxiliary heads need it."""
    NEVER = "never"
    """No result needs it."""


class Module:
    """What owns weights, or would: a child of its function under a key of the `state_dict`.

    `key` is `("conv1",)`, or `("enc", "0")` for a member of the indexed family `enc`. `labelled` says that the
    source names it; otherwise the key is its position.
    """

    __slots__ = ("key", "labelled", "span")

    def __init__(self, key: tuple[str, ...], labelled: bool = False, span: Span | None = None) -> None:
        self.key = key
        self.labelled = labelled
        self.span = span

    def __repr__(self) -> str:
        return ".".join(self.key)


class Constant(NamedTuple):
    """A `let` of a block: its value, and how the source computes it where that takes names and numbers alone."""

    value: Any
    expression: str | None = None


class Claim(NamedTuple):
    """An `expect` that counts something, to be checked when the network is complete.

    `statement` is its syntax, `environment` the names that it can see; `archdsl.analysis.claims` evaluates them.
    It is `empty` if it counts a function that does nothing, and that is in no graph for that reason.
    """

    statement: Any
    environment: Any
    empty: bool = False
