"""The names that are visible at a place, with their values in each instance of a block or round of a loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class Column:
    """A name with its value in each row."""

    name: str
    values: list[Any]
    kind: str
    role: str = ""
    known: set[int] | None = None
    """The rows whose values matter; None if all do."""


def nothing() -> None:
    """Note nothing: the text shows which columns are used."""


@dataclass(eq=False)
class Scope:
    """The instances of a block, or the rounds of a loop, with the names that are visible there."""

    kind: str
    size: int
    parent: Scope | None = None
    parent_row: list[int] = field(default_factory=list)
    index: list[int] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    terms: list[Column] = field(default_factory=list)
    """Expressions of parameters, such as `wide(64)`, that numbers of the networks of a family may be."""
    arguments: list[Mapping[str, Any]] = field(default_factory=list)
    sizes: dict[str, list[Any]] = field(default_factory=dict)
    results: list[int] = field(default_factory=list)
    """The channels of what a block gives, in each instance."""
    index_name: str = ""
    index_used: bool = False
    sizes_used: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    """The labels of all stages inside, which names of values must not be."""
    table: bool = False
    """Whether a loop goes through a table, so that conditions on the number of its round would be harder to read."""
    inner: list[Scope] = field(default_factory=list)
    """The loops inside."""
    fresh: bool = True
    """Whether `x` is the input of the block at the place that is written."""
    lets: dict[str, list[int]] = field(default_factory=dict)
    """Lists that the network declares, by name."""
    listed: str = ""
    """The name of the list of how often the loops inside run, which are its `counts`."""
    counts: list[int] = field(default_factory=list)
    own: str = ""
    """The definition of a number that each network of a family has a list of its own for."""

    @property
    def root(self) -> Scope:
        """The scope of the block."""
        return self if self.parent is None else self.parent.root

    def results_of(self, rows: list[int]) -> list[int]:
        """Return the channels of what a block gives in some instances; nothing if they are not known."""
        return [self.results[row] for row in rows] if self.results else []

    def names(self) -> Iterator[tuple[str, list[Any], str, Callable[[], None]]]:
        """Yield every visible name with its value in each row of this scope, its kind, and what notes its use."""
        for column in [*self.columns, *self.terms]:
            yield column.name, column.values, column.kind, nothing
        if self.parent is not None:
            for name, values, kind, use in self.parent.names():
                yield name, [values[row] for row in self.parent_row], kind, use

    def names_around(self) -> set[str]:
        """Return the names that are visible here, or in loops inside."""
        found = {column.name for column in self.columns}
        for inner in self.inner:
            found |= inner.names_around()
        at = self.parent
        while at is not None:
            found |= {column.name for column in at.columns} | {at.index_name}
            at = at.parent
        return found | {self.index_name}

    def indices(self) -> list[tuple[Scope, list[int]]]:
        """Return the numbers of the rounds of this loop and those around it, innermost first."""
        found: list[tuple[Scope, list[int]]] = []
        rows = list(range(self.size))
        at: Scope | None = self
        while at is not None and at.kind == "loop":
            found.append((at, [at.index[row] for row in rows]))
            rows = [at.parent_row[row] for row in rows]
            at = at.parent
        return found

    def levels(self) -> list[tuple[Scope, list[int]]]:
        """Return each scope from the outermost inwards, with its row for each row of this one."""
        found: list[tuple[Scope, list[int]]] = []
        rows = list(range(self.size))
        at: Scope | None = self
        while at is not None:
            found.insert(0, (at, rows))
            rows = [at.parent_row[row] for row in rows] if at.parent is not None else rows
            at = at.parent
        return found

    def use_index(self) -> str:
        """Return the name of the number of a round."""
        self.index_used = True
        return self.index_text()

    def index_text(self) -> str:
        """Return the name that the number of a round has if the text uses it."""
        if not self.index_name:
            letters = "ijmrstuv"[len(self.indices()) - 1 :]
            self.index_name = next(letter for letter in letters if letter not in self.root.taken)
        return self.index_name
