"""The syntax tree of a generated program.

The fuzzer writes programs as trees, so that one tree can be printed as archdsl text, interpreted on PyTorch without
a parser, and shrunk node by node. The classes follow docs/language.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True)
class Literal:
    """An integer, a float, `true`, `false` or `none`."""

    value: int | float | bool | None


@dataclass(frozen=True)
class Word:
    """A word that an op knows, such as `same` or `bilinear`."""

    text: str


@dataclass(frozen=True)
class Name:
    """A parameter, a constant, a loop variable, a symbolic size or a label."""

    text: str


@dataclass(frozen=True)
class Size:
    """A size of a value, such as `x.c` or `stem.h`."""

    of: str
    axis: str


@dataclass(frozen=True)
class Binary:
    """Two operands and the operator between them, as the language spells it."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Unary:
    """`-` or `not` in front of an operand."""

    operator: str
    operand: Expression


@dataclass(frozen=True)
class Choice:
    """`then if condition else other`."""

    then: Expression
    condition: Expression
    other: Expression


@dataclass(frozen=True)
class Call:
    """A call of one of the language's functions."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class ListOf:
    """A list."""

    items: tuple[Expression, ...]


@dataclass(frozen=True)
class Range:
    """`start..end`, or `start..end by step`."""

    start: Expression
    end: Expression
    step: Expression | None = None


@dataclass(frozen=True)
class Comprehension:
    """`[element for name in over if condition]`."""

    element: Expression
    name: str
    over: Expression
    condition: Expression | None = None


@dataclass(frozen=True)
class Item:
    """`of[index]`: an element of a list, or a member of a family of labels."""

    of: Expression
    index: Expression


@dataclass(frozen=True)
class OpValue:
    """An op or a block as a value, perhaps with some arguments filled in."""

    name: str
    arguments: tuple[Argument, ...] = ()


Expression: TypeAlias = (
    Literal | Word | Name | Size | Binary | Unary | Choice | Call | ListOf | Range | Comprehension | Item | OpValue
)


@dataclass(frozen=True)
class Argument:
    """An argument by position (`name` is None) or by name."""

    name: str | None
    value: Expression


@dataclass(frozen=True)
class Apply:
    """A stage that applies an op, a block, or a parameter that holds one."""

    name: str
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True)
class Take:
    """A stage that makes a value the current `x`, or runs a module: `x`, an input, a label, a member of a family."""

    value: Name | Item


@dataclass(frozen=True)
class Group:
    """Statements in braces."""

    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Join:
    """`concat`, `add`, `mul` or another join: each statement is a branch."""

    kind: str
    branches: tuple[Statement, ...]
    axis: int | None = None
    broadcast: bool = False


@dataclass(frozen=True)
class Skip:
    """A residual connection; `via` is None where it is not written."""

    body: tuple[Statement, ...]
    via: tuple[Statement, ...] | None = None
    drop: float | None = None
    scale: float | None = None
    when: Expression | None = None


@dataclass(frozen=True)
class Repeat:
    """`repeat count { ... }`."""

    count: Expression
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class For:
    """`for name in over { ... }`; with `position`, `for position, name in over { ... }`.

    With `parts`, `[name, *parts]` stands in the place of the name.
    """

    name: str
    over: Expression
    body: tuple[Statement, ...]
    position: str | None = None
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class If:
    """`if condition { ... } else { ... }`."""

    condition: Expression
    body: tuple[Statement, ...]
    otherwise: tuple[Statement, ...] = ()


Stage: TypeAlias = Apply | Take | Group | Join | Skip | Repeat | For | If


@dataclass(frozen=True)
class Label:
    """A label: a name, a member of a family (`enc[i]`, `enc[i][j]`), or a computed text (`"stage{i}"`)."""

    name: str
    index: Expression | None = None
    text: bool = False
    second: Expression | None = None


@dataclass(frozen=True)
class Pipeline:
    """Stages, one after the other, perhaps with a label."""

    stages: tuple[Stage, ...]
    label: Label | None = None


@dataclass(frozen=True)
class Module:
    """A module: stages that run wherever its name is a stage, with one set of weights."""

    label: Label
    stages: tuple[Stage, ...]


@dataclass(frozen=True)
class Unpack:
    """Names for the values that the last stage gives: `[a, b]: stages`; `_` is for one that nothing reads."""

    names: tuple[str, ...]
    stages: tuple[Stage, ...]


@dataclass(frozen=True)
class Let:
    """A constant, or a function of parameters."""

    name: str
    value: Expression
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True)
class Head:
    """`aux` or `output`; with `index`, a member of a family."""

    kind: str
    name: str
    stages: tuple[Stage, ...]
    weight: float | None = None
    index: int | None = None


@dataclass(frozen=True)
class Expect:
    """A claim about sizes, checked where it stands."""

    claim: Expression


Statement: TypeAlias = Pipeline | Unpack | Module | Let | Head | Expect


@dataclass(frozen=True)
class Input:
    """An input of the network; `where` is None where no condition is stated."""

    name: str
    sizes: tuple[Expression, ...]
    where: Expression | None = None
    integers: bool = False
    mask: bool = False


@dataclass(frozen=True)
class Parameter:
    """A parameter of a block or network; `kind` is the type that is written, if any."""

    name: str
    default: Expression | None = None
    kind: str | None = None


@dataclass(frozen=True)
class Block:
    """A block."""

    name: str
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Program:
    """Blocks, constants and one network; with `alias`, the network that is loaded is an alias with these arguments fixed."""

    inputs: tuple[Input, ...]
    body: tuple[Statement, ...]
    blocks: tuple[Block, ...] = ()
    constants: tuple[Let, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    alias: tuple[Argument, ...] | None = None
    symbols: tuple[str, ...] = ()
    style: int = field(default=0, compare=False)
