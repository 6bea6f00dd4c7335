"""The model of a diagram, without a layout: boxes, frames around them, and edges.

A `Box` is a card of one or more ops, a join or the end of the network. A `Frame` is a part of the network
with a title; one that is drawn once for several equal instances says how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, NamedTuple

from archdsl.ir import OpNode, Usage
from archdsl.ops.base import Category
from archdsl.shapes import Shape

Detail = Literal["blocks", "full"]
"""`blocks` merges conv-bn-act and folds repeats, as a paper's figure does; `full` shows every op."""

Mark = Literal["added", "removed", "changed"]
"""How a box or frame differs in a picture of the differences of two networks."""


Level = int | Detail
"""What is opened: `full` shows every op, `blocks` every block, and a number so many blocks inside each other."""


class Kind(StrEnum):
    """The shape of a box."""

    CARD = "card"
    BLOCK = "block"
    JOIN = "join"
    BAR = "bar"
    INPUT = "input"
    RESULT = "result"
    OUTPUT = "output"
    HEAD = "head"
    FORK = "fork"
    TAG = "tag"


class Part(NamedTuple):
    """Words on a card; `main` ones carry the weight, and `below` ones begin a line."""

    text: str
    main: bool = False
    below: bool = False


@dataclass(eq=False, slots=True)
class Box:
    """One thing that is drawn.

    `nodes` are the ops on it, in order; the ends of a network and tags have none. `name` is the dotted key of the first, as in
    the `state_dict`. A box in a folded frame stands for its counterparts in the other instances too. `failed` marks where an
    error is.
    """

    key: str
    kind: Kind
    category: Category
    parts: tuple[Part, ...] = ()
    nodes: tuple[OpNode, ...] = ()
    usage: Usage = Usage.ALWAYS
    name: str = ""
    failed: bool = False
    mark: Mark | None = None

    @property
    def text(self) -> str:
        """The words in one line."""
        return " · ".join(part.text for part in self.parts)


class Table(NamedTuple):
    """In what the instances differ for which a frame stands: a name for each number, and for each instance its numbers."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Heading(NamedTuple):
    """The title of a frame: which scopes, of which block, how many, and in what they differ."""

    name: str = ""
    block: str = ""
    times: int = 1
    note: str = ""

    @property
    def text(self) -> str:
        """In one line: `layer3 · basic ×2`."""
        words = " · ".join(word for word in (self.name, self.block) if word) + self.instances
        return ", ".join(word for word in (words.strip(), self.note) if word)

    @property
    def lines(self) -> tuple[str, ...]:
        """In several short ones."""
        words = [word for word in (self.name, self.block) if word] or [""]
        shortest = words.index(min(words, key=len))
        words[shortest] = (words[shortest] + self.instances).strip()
        return (*words, *([self.note] if self.note else []))

    @property
    def instances(self) -> str:
        """` ×5`, where there are several."""
        return f" ×{self.times}" if self.times > 1 else ""


@dataclass(eq=False, slots=True)
class Frame:
    """Boxes and frames in order. `times` is how many equal instances it stands for.

    `name` and `last` are the dotted names of the first and the last instance, empty for a frame that only
    says how often its content is repeated. `note` and `table` say in what the instances differ. Other frames
    have the weights of a `shared` one.
    """

    key: str
    name: str = ""
    block: str | None = None
    items: list[Box | Frame] = field(default_factory=list)
    times: int = 1
    last: str = ""
    note: str = ""
    shared: bool = False
    heading: Heading = field(default_factory=Heading)
    table: Table | None = None
    mark: Mark | None = None

    @property
    def title(self) -> str:
        """The heading in one line."""
        return self.heading.text

    @property
    def full_title(self) -> str:
        """The heading in one line, with the whole name."""
        return self.heading._replace(name=self.name).text

    @property
    def last_box(self) -> Box:
        """The last box inside."""
        last = self.items[-1]
        return last if isinstance(last, Box) else last.last_box

    def boxes(self) -> Iterator[Box]:
        """Yield all boxes inside, in order."""
        for item in self.items:
            if isinstance(item, Box):
                yield item
            else:
                yield from item.boxes()

    def frames(self) -> Iterator[Frame]:
        """Yield all frames inside, outer ones first."""
        for item in self.items:
            if isinstance(item, Frame):
                yield item
                yield from item.frames()


@dataclass(eq=False, slots=True)
class Edge:
    """A value on its way.

    `shape` is what flows, empty if each of several parallel parts has its own; `label` is set where it is worth a word. `skip`
    marks an edge that goes past other boxes to a join that they reach too, `projection` one to or from a single layer that does
    so. `size_only` marks a value of which only the size is taken, and `failed` one that does not fit.

    `value` is the key of the box that makes it, which may be inside of a closed one, empty if that makes several; `times` is
    how many of the instances that the target stands for take it, 0 if that joins more than two values.
    """

    source: str
    target: str
    shape: Shape
    label: str = ""
    skip: bool = False
    usage: Usage = Usage.ALWAYS
    projection: bool = False
    size_only: bool = False
    failed: bool = False
    value: str = ""
    times: int = 1


@dataclass(eq=False, slots=True)
class Diagram:
    """A network as it is drawn. `trunk` are the boxes on the longest way from the input to the result, in order."""

    name: str
    facts: tuple[str, ...]
    doc: str
    root: Frame
    edges: list[Edge]
    trunk: tuple[str, ...]

    @property
    def boxes(self) -> list[Box]:
        """All boxes, in the order of the network."""
        return list(self.root.boxes())

    @property
    def frames(self) -> list[Frame]:
        """All frames but the outermost, outer ones first."""
        return list(self.root.frames())

    @property
    def categories(self) -> list[Category]:
        """The kinds of op in it, in the order of `Category`, for a legend."""
        shown = {box.category for box in self.boxes if box.kind in (Kind.CARD, Kind.BLOCK, Kind.BAR, Kind.JOIN)}
        return [category for category in Category if category in shown]
