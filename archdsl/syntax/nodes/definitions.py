"""Definitions, and the file that holds them."""

from __future__ import annotations

from dataclasses import field
from typing import ClassVar, TypeAlias

from archdsl.frozen_record import record
from archdsl.source import SourceFile, Span
from archdsl.syntax.damage import Damage
from archdsl.syntax.nodes.base import Node
from archdsl.syntax.nodes.expressions import Expr, Parameter
from archdsl.syntax.nodes.statements import Body, Expect, Setting, Skipped


@record
class Definition(Node):
    """Base of what a file defines. Two definitions are never equal.

    `doc` is the text of the `##` lines right above, and `group_doc` that of the group that it stands in: items without a
    blank line or a comment between them share the comment above the first.
    """

    name: str
    name_span: Span
    doc: str
    group_doc: str

    __eq__ = object.__eq__
    __hash__ = object.__hash__


@record
class Block(Definition):
    """`block name(parameters) { ... }`."""

    parts: ClassVar = ("parameters", "body")

    parameters: tuple[Parameter, ...]
    body: Body


@record
class Network(Definition):
    """`network name(parameters) where condition { ... }`."""

    parts: ClassVar = ("parameters", "condition", "body")

    parameters: tuple[Parameter, ...]
    condition: Expr | None
    body: Body


@record
class Alias(Definition):
    """`network name = target expect ...`."""

    parts: ClassVar = ("target", "claims")

    target: Expr
    claims: tuple[Expect, ...]


@record
class Constant(Definition):
    """`let name = value`, or `let name(parameters) = value`, a function; without parentheses, `parameters` is none."""

    parts: ClassVar = ("parameters", "value")

    parameters: tuple[Parameter, ...] | None
    value: Expr


@record
class Import(Node):
    """`import "path" as name`."""

    path: str
    path_span: Span
    name: str
    name_span: Span


@record
class Train(Node):
    """`train { ... }`."""

    parts: ClassVar = ("entries",)

    entries: tuple[Setting | Skipped, ...]

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What is set."""
        return tuple(entry for entry in self.entries if isinstance(entry, Setting))


Item: TypeAlias = Import | Definition | Train
"""What stands at the top level of a file."""


@record
class File(Node):
    """A whole file: all that stands at its top level, in order, and the comments.

    `damage` is what syntax errors did to it, None if there are none. It is `hidden` where one hid a definition, or the
    file could not be read at all. `unfinished` are items whose first line a syntax error cut off: nothing can use them.
    """

    parts: ClassVar = ("items",)

    items: tuple[Item | Skipped, ...] = ()
    comments: tuple[Span, ...] = ()
    damage: Damage | None = field(default=None, repr=False)
    hidden: bool = False
    unfinished: frozenset[Item] = frozenset()

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @property
    def source(self) -> SourceFile:
        """The text."""
        return self.span.file

    @property
    def usable(self) -> tuple[Item, ...]:
        """All that was understood, in order."""
        return tuple(item for item in self.items if not isinstance(item, Skipped) and item not in self.unfinished)

    @property
    def imports(self) -> tuple[Import, ...]:
        """What the file imports."""
        return tuple(item for item in self.usable if isinstance(item, Import))

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """The blocks, networks and constants."""
        return tuple(item for item in self.usable if isinstance(item, Definition))

    @property
    def recipes(self) -> tuple[Train, ...]:
        """The `train` blocks, of which one is allowed."""
        return tuple(item for item in self.usable if isinstance(item, Train))

    @property
    def damaged(self) -> bool:
        """Whether not all of it is known."""
        return self.damage is not None or self.hidden


def unread(source: SourceFile) -> File:
    """Return the tree of a file that could not be read: it may define anything."""
    return File(Span(source, 0, len(source.text)), hidden=True)
