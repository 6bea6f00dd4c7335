"""The body of a block before it is text: statements with concrete numbers, as they are in one instance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from archdsl.importers.model import Apply, Call, Value


@dataclass(eq=False)
class Reference:
    """The use of a value by its name."""

    value: Value


@dataclass(eq=False)
class Stage:
    """An op, or a call of a block: `callee` is the name of the op, or the call. `label` is its key below the scope around it."""

    callee: str | Call
    args: dict[str, Any]
    label: str | None
    """The key below the scope around it; None for an op without tensors."""
    automatic: bool = False
    """Whether the position in the scope gives the same key."""
    inputs: tuple[tuple[int, ...], ...] = ()
    output: tuple[int, ...] = ()
    operands: dict[str, Reference] = field(default_factory=dict)
    biased: bool | None = None
    """What `bias = auto` means here."""
    names: list[Value] = field(default_factory=list)
    """The values of its outputs, if there are several."""
    run: bool = False
    """Whether it runs a `module`, which has no position of its own."""
    standalone: bool = False
    """Whether nothing flows into it."""
    position: int = 0
    """Its place among all stages of the scope, which is its key without a label."""
    reason: str = ""


@dataclass(eq=False)
class Start:
    """The begin of a pipeline with a named value."""

    reference: Reference


@dataclass(eq=False)
class Mark:
    """A name for the value that flows: `before: x`."""

    value: Value


@dataclass(eq=False)
class Group:
    """Statements in a labelled scope."""

    label: str
    body: list[Statement]
    declared: bool = False
    """Whether it is a `module`, which runs where its name is a stage."""
    handle: Value | None = None
    """What stands for the module where another op refers to it."""
    member: bool = False
    """Whether it is a member of a family, as `stage[0]`, and stays apart from its neighbours."""


@dataclass(eq=False)
class Join:
    """Branches that are joined. A branch is a list of statements; an empty one is `x`."""

    op: str
    args: dict[str, Any]
    branches: list[list[Statement]]


@dataclass(eq=False)
class Skip:
    """A residual connection. If it is not `taken`, the body stands alone."""

    body: list[Statement]
    shortcut: list[Statement]
    taken: bool = True
    drop: float | None = None


@dataclass(eq=False)
class Head:
    """An auxiliary head (`aux`), or a further output (`output`)."""

    kind: str
    label: str
    body: list[Statement]


@dataclass(eq=False)
class Loop:
    """Statements of the same form, again and again. `rolled` says whether they are printed as a loop."""

    rounds: list[list[Statement]]


@dataclass(eq=False)
class Family(Loop):
    """Neighbouring branches of a join that are alike: each round is one."""


@dataclass(eq=False)
class Gather:
    """Steps of one form one after another, and the concatenation of their results, as in VoVNet and the CSP blocks of YOLO.

    `values` has the result of each round but the last one. The last branches of `join` are these results, and that of the last
    round; if there is a `first` value, it is what flows into the first round, and the branch before.
    """

    rounds: list[list[Statement]]
    values: list[Value]
    join: Join
    first: Value | None = None

    @property
    def others(self) -> list[list[Statement]]:
        """The branches of other values."""
        return self.join.branches[: -len(self.rounds) - (self.first is not None)]

    def plain(self) -> list[Statement]:
        """Return the statements one after another."""
        found: list[Statement] = [] if self.first is None else [Mark(self.first)]
        for at, statements in enumerate(self.rounds):
            found += [*statements, *map(Mark, self.values[at : at + 1])]
        return [*found, self.join]


Statement: TypeAlias = "Stage | Start | Mark | Group | Join | Skip | Head | Loop | Gather"


def inner_lists(statement: Statement) -> list[list[Statement]]:
    """Return the lists of statements inside a statement."""
    if isinstance(statement, Group | Head):
        return [statement.body]
    if isinstance(statement, Join):
        return statement.branches
    if isinstance(statement, Skip):
        return [statement.body, statement.shortcut]
    if isinstance(statement, Gather):
        return [*statement.rounds, *statement.others]
    return statement.rounds if isinstance(statement, Loop) else []


def references(statements: list[Statement]) -> Iterator[Value]:
    """Yield every value that statements read by its name, at any depth, as often as they do."""
    for statement in statements:
        if isinstance(statement, Start):
            yield statement.reference.value
        elif isinstance(statement, Stage):
            yield from (reference.value for reference in statement.operands.values())
        for inner in inner_lists(statement):
            yield from references(inner)


def stages(statements: list[Statement]) -> Iterator[Stage]:
    """Yield every stage at any depth."""
    for statement in statements:
        if isinstance(statement, Stage):
            yield statement
        for inner in inner_lists(statement):
            yield from stages(inner)


def weight(statements: list[Statement]) -> int:
    """Return the number of stages at any depth, a loop counted as one round."""
    total = 0
    for statement in statements:
        if isinstance(statement, Loop):
            total += weight(statement.rounds[0])
        elif isinstance(statement, Gather):
            total += weight(statement.rounds[0]) + sum(map(weight, statement.others)) + 1
        elif isinstance(statement, Stage | Start):
            total += 1
        else:
            total += sum(map(weight, inner_lists(statement)))
    return total


def is_apply(node: Apply | Call) -> bool:
    """Whether a node is an op."""
    return isinstance(node, Apply)
