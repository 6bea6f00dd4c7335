"""What the driver takes and returns: the variant of a network that is wanted, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from archdsl.analysis import SymbolicSizes
from archdsl.diagnostics import Diagnostic, SpecError
from archdsl.elaborate import Module
from archdsl.frozen_record import record
from archdsl.input_sizes import InputSizes
from archdsl.ir import Graph
from archdsl.limits import DEFAULT, Limits
from archdsl.source import SourceFile, Span

if TYPE_CHECKING:
    from archdsl.elaborate.symbols import SymbolTable
    from archdsl.recipe import Recipe


class Variant(NamedTuple):
    """What a user sets: parameters and keys of the recipe, as texts, and sizes of inputs."""

    settings: Mapping[str, str]
    sizes: InputSizes = ()

    @property
    def own(self) -> dict[str, str]:
        """The parameters of the network."""
        return {key: text for key, text in self.settings.items() if not key.startswith("train.")}


AS_DECLARED: Final = Variant({})


@record
class Compiled:
    """The result of compiling a spec: a graph, a recipe if there is one, and all diagnostics."""

    graph: Graph | None
    """The network; None if something is wrong."""
    recipe: Recipe | None
    diagnostics: list[Diagnostic]
    sources: tuple[SourceFile, ...] = ()
    path: Path | None = None
    """The file of the first source, if it is one: imports and a recipe's paths start in its folder."""
    sizes: SymbolicSizes = field(default_factory=SymbolicSizes)
    """The valid values of the symbolic sizes."""
    places: Mapping[str, Span] = field(default_factory=dict)
    """The place of each key of the recipe."""
    steps: int = 0
    """The number of steps that the check took: see `elaborate.steps`."""
    partial: Graph | None = None
    """The known part of the network, for editors and pictures: all of it, or a graph that ends at an error."""
    limits: Limits = DEFAULT
    """The limits of the session that checked it."""
    variant: Variant = AS_DECLARED
    """What was set from outside."""

    module: Module | None = None
    """The file with its imports; None if it could not be read."""

    @property
    def symbols(self) -> SymbolTable | None:
        """The meaning of every name in the file and its imports; built on demand."""
        from archdsl.elaborate.symbols import SymbolTable  # here: editors ask for it, and no command does

        return SymbolTable(self.module) if self.module is not None else None

    @property
    def ok(self) -> bool:
        """Whether there is a graph."""
        return self.graph is not None

    def require(self) -> Graph:
        """Return the graph. Raise `SpecError` with everything that was found if there is none."""
        if self.graph is None:
            raise SpecError(*self.diagnostics)
        return self.graph


@record
class Checked:
    """The result of checking a file, or one network of it: each network by name, and everything that was found."""

    networks: list[tuple[str, Compiled]]
    diagnostics: list[Diagnostic]
    sources: tuple[SourceFile, ...] = ()
    module: Module | None = None
    """The file with its imports; None if it could not be read."""
