"""What a rule is: a code, what it looks at, and the function that finds it. The class of a rule says when it can run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from archdsl.analysis import SymbolicSizes
from archdsl.diagnostics import Diagnostic
from archdsl.frozen_record import record
from archdsl.ir import Graph, OpNode
from archdsl.source import Span
from archdsl.syntax import nodes as ast

if TYPE_CHECKING:
    from archdsl.ops import Op
    from archdsl.recipe import Recipe


@record
class Tree:
    """A file, with what is known about it besides its text."""

    file: ast.File
    definitions: Mapping[str, ast.Definition]
    findings: Sequence[Diagnostic] = ()
    """Everything that was found before: errors, and warnings about blocks that no network calls."""
    settings: Sequence[str] = ()
    """The texts of values that are given from outside. They may name blocks."""

    @property
    def networks(self) -> list[ast.Network | ast.Alias]:
        """The networks of the file."""
        return [definition for definition in self.definitions.values() if isinstance(definition, ast.Network | ast.Alias)]

    @property
    def is_sound(self) -> bool:
        """Whether the file has no errors: a wrong name makes others look unused."""
        return not self.file.damaged and not any(found.is_error for found in self.findings)

    def is_sound_in(self, node: ast.Node) -> bool:
        """Whether there are no errors inside a node."""
        damage, span = self.file.damage, node.span
        if self.file.hidden or (damage is not None and damage.blurs(span.start)):
            return False
        errors = (found.span for found in self.findings if found.is_error)
        return not any(at is not None and at.file is span.file and span.start <= at.start < span.end for at in errors)


@record
class TreeRule:
    """A rule about the text of a file. It runs even if there are errors, and must not report what only follows from them."""

    code: str
    check: Callable[[Tree], Iterable[Diagnostic]]


@record
class GraphRule:
    """A rule about the graph of a network in which usages are marked.

    If it is `local`, each finding depends only on one input, or one op and its own inputs. Then it also holds for the part of the
    graph that is known after an error.
    """

    code: str
    check: Callable[[Graph], Iterable[Diagnostic]]
    local: bool = False


@record
class OpRule:
    """A rule about single ops. It says what is wrong with a node; each place in the text is reported once."""

    code: str
    ops: frozenset[str] | Callable[[type[Op]], bool]
    """The names of the ops, or whether it is about an op."""
    check: Callable[[OpNode], Diagnostic | None]

    def is_about(self, op: type[Op]) -> bool:
        """Return whether the rule looks at an op."""
        return op.name in self.ops if isinstance(self.ops, frozenset) else self.ops(op)


@record
class SizesRule:
    """A rule about the symbolic sizes of a network for which they are decided."""

    code: str
    check: Callable[[Graph, SymbolicSizes], Iterable[Diagnostic]]


@record
class RecipeRule:
    """A rule about a recipe, the places of its keys, and the network that it trains."""

    code: str
    check: Callable[[Graph, Recipe, Mapping[str, Span]], Iterable[Diagnostic]]


Rule: TypeAlias = "TreeRule | GraphRule | OpRule | SizesRule | RecipeRule"
