"""What the page shows, as data: scenes of parts, some of which unfold to a scene of their own.

A scene is what is inside of a frame. Equal blocks share a function of the graph, and so they share a scene here: the script
of the page makes an instance of it for each frame that is unfolded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from archdsl.ir import Usage
from archdsl.ops.base import Category
from archdsl.shapes import Dim
from archdsl.sizes import SizeSet


class Kind(StrEnum):
    """The form in which the page draws a part."""

    CARD = "card"
    FRAME = "frame"
    JOIN = "join"
    BAR = "bar"
    INPUT = "input"
    END = "end"
    FAILURE = "failure"


class Word(NamedTuple):
    """Words on a part; `main` ones are bold."""

    text: str
    main: bool = False


class Step(NamedTuple):
    """One step of a part's path: so many modules up, then down by a name. An empty one is no module."""

    levels: int = 0
    name: str = ""


class Line(NamedTuple):
    """A line of a source file."""

    file: str
    number: int
    text: str


@dataclass(slots=True, eq=False)
class Part:
    """A thing in a scene. `scene` is the number of what is inside, None for a single op.

    `params` and `macs` are of one of the `times` instances; `macs` is None if there is no formula in the symbolic sizes.
    `path` leads to the first instance, and `last` has the names on the way to the last one. `spec` is how a spec writes the op
    or calls the `block`.
    """

    kind: Kind
    words: tuple[Word, ...]
    category: Category = Category.INPUT
    block: str = ""
    spec: str = ""
    doc: str = ""
    scene: int | None = None
    times: int = 1
    path: tuple[Step, ...] = ()
    last: str = ""
    takes: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    params: int = 0
    macs: Dim | None = 0
    usage: Usage = Usage.ALWAYS
    shared: bool = False
    line: Line | None = None
    beside: bool = False
    """Whether the paths of what is inside lead past its own: the ops on a card, and the members of a family, contain its name."""
    ops: int = 1
    """How many ops there are in one instance."""
    first: int = 0
    """How many ops of the part or function around it run before those of the part, in the order of the flat view."""
    maker: int | None = 0
    """Which of its own ops makes its first output; None if it returns what it takes."""


class Link(NamedTuple):
    """A value on its way: from an output of a part to an input of another one.

    Sources below zero are inputs of the scene, -1 the first; targets from the number of its parts on are its outputs.
    """

    source: int
    output: int
    target: int
    input: int
    skip: bool = False
    """Whether the source reaches the target on another way, too."""
    projection: bool = False
    """Whether it leads to or from a layer that a shortcut changes its value with."""


@dataclass(slots=True, eq=False)
class Scene:
    """Parts in an order that runs, the links between them, and how many values come in and go out.

    `rows` has the parts and ends from top to bottom, those of a row from left to right, by the numbers that links use. `trunk`
    are those on the longest way through the scene.
    """

    parts: list[Part]
    links: list[Link]
    inputs: int = 0
    outputs: int = 0
    rows: list[list[int]] = field(default_factory=list)
    trunk: list[int] = field(default_factory=list)


class View(NamedTuple):
    """A network as a page shows it: its scenes, of which the last is the network itself. Formulas are for the valid sizes."""

    name: str
    facts: tuple[str, ...]
    doc: str
    scenes: list[Scene]
    fields: list[str]
    """The receptive field of each op, in the order of the flat view; empty for a network with errors."""
    valid_sizes: Mapping[str, SizeSet]
