"""A model as the importer sees it: calls of modules, and ops of the language inside them, joined by values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Place:
    """Where something happens in the source of a model."""

    module: str = ""
    file: str = ""
    line: int = 0
    code: str = ""

    def __str__(self) -> str:
        source = f" ({self.file}{f':{self.line}' if self.line else ''})" if self.file else ""
        return f"`{self.module or 'the model itself'}`{source}"


@dataclass(eq=False)
class Value:
    """A tensor, with its shape without the batch axis. One that is not `batched` is the same for all examples."""

    shape: tuple[int, ...]
    batched: bool = True
    dtype: str = "float"
    producer: Node | None = None
    name: str = ""
    """The name of an input."""
    hint: str = ""
    """What a person would call it, from the ops that read it or from the source."""
    symbolic: tuple[int | str, ...] | None = None
    """The shape of an input with the names of its symbolic sizes."""
    elsewhere: tuple[tuple[int, ...], ...] = ()
    """Its shapes in traces at other sizes."""


@dataclass(eq=False)
class Apply:
    """An op of the language, applied to values. `key` is the prefix of its tensors in the `state_dict`; None without any."""

    op: str
    args: dict[str, Any]
    inputs: list[Value]
    outputs: list[Value]
    key: str | None = None
    path: str = ""
    """The module that it is the work of, if it is all of its work."""
    place: Place = Place()
    operands: dict[str, Value] = field(default_factory=dict)
    """Further inputs by the names of their parameters."""

    @property
    def is_join(self) -> bool:
        """Whether it is written with braces."""
        return self.op in JOINS and "number" not in self.args and "axes" not in self.args

    @property
    def reads(self) -> list[Value]:
        """All values that it takes."""
        return [*self.inputs, *self.operands.values()]


@dataclass(eq=False)
class Origin:
    """The class of a module: its name, the arguments of its constructor in this instance, and the names that `forward` gives."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    container: bool = False
    """Whether it only runs its parts one after another, as `nn.Sequential`."""
    inputs: tuple[str, ...] = ()
    layer: bool = False
    """Whether it is a layer of another program that the language has as several ops: a block, even if it is called once."""
    unit: bool = False
    """Whether it is a layer with its norm and activation. Two of them with other numbers are two lines, and no loop."""
    flat: bool = False
    """Whether its body is a list of layers, as of a configuration file: there, long branches of a concatenation stand apart."""


@dataclass(eq=False)
class Call:
    """A call of a module: what happens inside, between its inputs and outputs."""

    path: str
    origin: Origin
    body: list[Node] = field(default_factory=list)
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    place: Place = Place()
    block: Any = None
    """The block that it becomes a call of, and its row among the instances of that block."""
    row: int = 0
    shared: bool = False
    """Whether the module runs several times, with one set of weights."""

    @property
    def reads(self) -> list[Value]:
        """All values that it takes."""
        return self.inputs

    @property
    def unnamed(self) -> bool:
        """Whether it has no name of its own, so that its position is its key."""
        return self.path.startswith("~")


Node: TypeAlias = "Apply | Call"

JOINS = frozenset({"add", "mul", "sub", "div", "min", "max", "concat", "shake"})


@dataclass(eq=False)
class Scaling:
    """How the numbers of a network of a family follow from its parameters, which are `given`.

    `terms` has the kind and the value of expressions such as `wide(64)`; `definitions` are the functions in them.
    """

    family: str
    given: dict[str, float]
    definitions: tuple[str, ...]
    terms: dict[str, tuple[str, int]] = field(default_factory=dict)


@dataclass(eq=False)
class Model:
    """A whole model: the call of the network, and what it returns. `heads` are results that exist in training alone, by name."""

    main: Call
    name: str
    outputs: dict[str, Value]
    heads: dict[str, Value]
    sizes_of_state: dict[str, tuple[int, ...]] = field(default_factory=dict)
    at_size: bool = True
    """Whether the shapes of its values are those for the sizes of its inputs."""
    scaling: Scaling | None = None

    @property
    def is_open(self) -> bool:
        """Whether inputs have symbolic sizes in the text."""
        return any(value.symbolic is not None for value in self.main.inputs)


def walk(call: Call) -> Iterator[Node]:
    """Yield every node inside a call, at any depth, in the order of execution."""
    for node in call.body:
        yield node
        if isinstance(node, Call):
            yield from walk(node)


def applications(call: Call) -> Iterator[Apply]:
    """Yield every op inside a call, at any depth, in the order of execution."""
    return (node for node in walk(call) if isinstance(node, Apply))


def opened(call: Call) -> None:
    """Put the body of each module that has tensors of its own, as one op, and runs further ops into the body around it."""
    body: list[Node] = []
    for node in call.body:
        if isinstance(node, Call):
            opened(node)
            own = not node.shared and any(isinstance(inner, Apply) and inner.key == node.path for inner in node.body)
            if own and sum(not isinstance(inner, Call) or bool(inner.body) for inner in node.body) > 1:
                body += node.body
                continue
        body.append(node)
    call.body = body


def connect(call: Call) -> None:
    """Find the inputs and outputs of every call inside, from what flows between them. Those of `call` itself stay."""
    readers: Counter[Value] = Counter(value for node in applications(call) for value in node.reads)
    readers.update(call.outputs)
    _settle(call, call, readers)


def _settle(node: Node, root: Call, readers: Counter[Value]) -> tuple[Counter[Value], dict[Value, None]]:
    """Set the inputs and outputs of calls; return how often values are read inside, and those that are made there, in order."""
    if isinstance(node, Apply):
        for value in node.outputs:
            value.producer = node
        return Counter(node.reads), dict.fromkeys(node.outputs)
    read: Counter[Value] = Counter()
    made: dict[Value, None] = {}
    for inner in node.body:
        reads, makes = _settle(inner, root, readers)
        read.update(reads)
        made |= makes
    if node is not root:
        node.inputs = [value for value in read if value not in made]
        node.outputs = [value for value in made if readers[value] > read[value]]
    return read, made
