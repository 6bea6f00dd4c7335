"""The parts of a graph: functions, the nodes in them, and the values between the nodes.

A `Graph` (in `graph.py`) owns one `Function` for the network and one for each distinct elaboration of a block or labelled group.
A function holds `Node`s in an order that can run: an `OpNode` applies an op, a `Call` runs another function. Each
node makes `Value`s, and each value knows its uses, so that a pass can insert, remove and replace nodes without
renumbering anything. A `Module` is what a node is an application of: the owner of weights, under a key of the
`state_dict`. It is apart from the node, so that one module can be applied several times.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple

from archdsl.ir.attributes import Claim, Condition, Constant, Failure, Module, Paths, Usage, join_path
from archdsl.ops.base import DType, Op
from archdsl.shapes import Shape, format_shape
from archdsl.source import Span

NO_NAMES: Mapping[str, Any] = {}

_ALWAYS = Usage.ALWAYS
"""As a name of this module: Python 3.11 takes ten times as long to read `Usage.ALWAYS`, and there are many nodes."""


class Use(NamedTuple):
    """One use of a value: the input of a node at this position, or the output of a function."""

    user: Node | Function
    position: int


class Value:
    """A tensor between nodes, without the batch dimension.

    `owner` is the node that makes it, or the function whose input it is; `position` is its place among the
    outputs of that node or the inputs of that function. `name` is its label in the source, if it has one.
    """

    __slots__ = ("dtype", "name", "owner", "position", "shape", "span", "uses")
    type_name: ClassVar[str] = "a tensor"

    def __init__(
        self,
        shape: Shape,
        owner: Node | Function,
        position: int = 0,
        dtype: DType = "float",
        name: str | None = None,
        span: Span | None = None,
    ) -> None:
        self.shape = shape
        self.owner = owner
        self.position = position
        self.dtype = dtype
        self.name = name
        self.span = span
        self.uses: list[Use] = []

    def __str__(self) -> str:
        return self.name or f"a value of shape {format_shape(self.shape)}"

    __repr__ = __str__

    @property
    def function(self) -> Function:
        """The function in which the value lives."""
        owner = self.owner
        return owner if isinstance(owner, Function) else owner.function

    @property
    def producer(self) -> Node | None:
        """The node that makes the value; None for an input of a function."""
        return self.owner if isinstance(self.owner, Node) else None

    @property
    def users(self) -> list[Node]:
        """The nodes that take the value, each once, in the order in which they came."""
        return list(dict.fromkeys([use.user for use in self.uses if isinstance(use.user, Node)]))

    @property
    def is_output(self) -> bool:
        """Whether the function returns the value."""
        return any(isinstance(use.user, Function) for use in self.uses)

    def replace_all_uses(self, other: Value) -> None:
        """Let every user of this value take another one of its function, which returns and compares the other one instead."""
        for user, position in list(self.uses):
            if isinstance(user, Function):
                user.replace_output(position, other)
            else:
                user.replace_input(position, other)
        function = self.function
        for i, condition in enumerate(function.conditions):
            if self in condition.sides:
                one, two = [other if side is self else side for side in condition.sides]
                function.conditions[i] = condition._replace(sides=(one, two))


class Node:
    """A step of a function: base of `OpNode`, `Call` and `Declaration`. Made by a `Function` (or by `GraphBuilder`).

    `module` is None for what has no key in the `state_dict`, such as an addition.
    """

    __slots__ = ("_inputs", "_next", "_previous", "expressions", "function", "module", "outputs", "span", "usage")

    def __init__(
        self,
        inputs: Sequence[Value],
        module: Module | None,
        span: Span | None,
        expressions: Mapping[str, str] = NO_NAMES,
    ) -> None:
        self._inputs: list[Value] = list(inputs)
        self.outputs: list[Value] = []
        self.module = module
        self.span = span
        self.expressions = expressions
        """For each argument that the source computes from names and numbers, how: `{"out": "width * 4"}`."""
        self.usage = _ALWAYS
        self.function: Function
        self._previous: Node | None = None
        self._next: Node | None = None

    @property
    def inputs(self) -> Sequence[Value]:
        """The values that the node takes; change them with `replace_input`."""
        return self._inputs

    @property
    def output(self) -> Value:
        """The first output."""
        return self.outputs[0]

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """The shapes of the inputs."""
        return tuple([value.shape for value in self._inputs])

    def paths_below(self, paths: Paths) -> Paths:
        """Return the node's paths in a function at some paths: those themselves if it has no module."""
        if self.module is None:
            return paths
        around = paths[: len(paths) - self.module.levels]
        return (*around, join_path(around[-1], *self.module.key))

    def replace_input(self, position: int, value: Value) -> None:
        """Take another value at a position."""
        self._inputs[position].uses.remove(Use(self, position))
        self._inputs[position] = value
        value.uses.append(Use(self, position))

    def add_input(self, value: Value) -> None:
        """Take one more value."""
        value.uses.append(Use(self, len(self._inputs)))
        self._inputs.append(value)

    def add_output(self, shape: Shape, dtype: DType = "float", name: str | None = None, span: Span | None = None) -> Value:
        """Return one more value that the node makes."""
        made = Value(shape, self, len(self.outputs), dtype, name, span)
        self.outputs.append(made)
        return made

    def remove(self) -> None:
        """Take the node out of its function. Raise `ValueError` if something uses what it makes."""
        if any(value.uses for value in self.outputs):
            raise ValueError(f"{self!r} is in use")
        for position, value in enumerate(self._inputs):
            value.uses.remove(Use(self, position))
        self.function._unlink(self)
        if isinstance(self, Declaration):
            self.function.declarations.remove(self)


class OpNode(Node):
    """One application of an op."""

    __slots__ = ("op",)

    def __init__(
        self,
        op: Op,
        inputs: Sequence[Value],
        module: Module | None = None,
        span: Span | None = None,
        expressions: Mapping[str, str] = NO_NAMES,
    ) -> None:
        super().__init__(inputs, module, span, expressions)
        self.op = op

    def __repr__(self) -> str:
        return f"{self.op.name}{f' ({self.module!r})' if self.module is not None else ''}"


class Call(Node):
    """One call of a function.

    `given` are the arguments that the call writes, `variables` the loop variables around it, for messages.
    """

    __slots__ = ("callee", "given", "variables")

    def __init__(
        self,
        callee: Function,
        inputs: Sequence[Value],
        module: Module | None = None,
        span: Span | None = None,
        expressions: Mapping[str, str] = NO_NAMES,
        given: Mapping[str, Any] = NO_NAMES,
        variables: Mapping[str, Any] = NO_NAMES,
    ) -> None:
        super().__init__(inputs, module, span, expressions)
        self.callee = callee
        self.given = given
        self.variables = variables

    def __repr__(self) -> str:
        return f"{self.callee.name} ({self.module!r})"


class Declaration(Node):
    """A module that functions below may apply too. It does not run; `application` stands for all nodes that apply it."""

    __slots__ = ("application",)

    def __init__(self, module: Module, application: Node | None = None) -> None:
        super().__init__((), module, module.span)
        self.application = application


class Function:
    """A network, or one elaboration of a block or of a labelled group: inputs, nodes in an order that runs, outputs.

    `name` is the block's or network's, or the group's label. `definition` is the text that it came from, which all
    elaborations of one block share. `arguments` are the block's parameters as bound, in their order.
    """

    __slots__ = (
        "_first",
        "_last",
        "_outputs",
        "arguments",
        "claims",
        "conditions",
        "constants",
        "declarations",
        "definition",
        "doc",
        "failures",
        "inputs",
        "kind",
        "name",
    )

    def __init__(
        self,
        name: str,
        kind: Literal["network", "block", "group"] = "block",
        definition: Span | None = None,
        arguments: Mapping[str, Any] = NO_NAMES,
        doc: str = "",
    ) -> None:
        self.name = name
        self.kind = kind
        self.definition = definition
        self.arguments = arguments
        self.doc = doc
        self.constants: Mapping[str, Constant] = {}
        self.inputs: list[Value] = []
        self._outputs: list[Value] = []
        self.conditions: list[Condition] = []
        self.claims: list[Claim] = []
        self.declarations: list[Declaration] = []
        self.failures: list[Failure] = []
        """What could not be applied; only in a partial graph."""
        self._first: Node | None = None
        self._last: Node | None = None

    def __repr__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def outputs(self) -> Sequence[Value]:
        """What the function returns: its result first, then what else is used outside of it."""
        return self._outputs

    @property
    def is_empty(self) -> bool:
        """Whether there is no node, so that the function returns what it takes."""
        return self._first is None

    @property
    def items(self) -> Iterator[Node]:
        """The nodes in order, with declarations; the current one may be removed or replaced on the way."""
        node = self._first
        while node is not None:
            following = node._next
            yield node
            node = following

    @property
    def nodes(self) -> Iterator[Node]:
        """The nodes that run, in order."""
        return (node for node in self.items if node.__class__ is not Declaration) if self.declarations else self.items

    @property
    def nodes_reversed(self) -> Iterator[Node]:
        """The nodes that run, the last one first."""
        node = self._last
        while node is not None:
            before = node._previous
            if node.__class__ is not Declaration:
                yield node
            node = before

    @property
    def ops(self) -> Iterator[OpNode]:
        """The nodes that apply ops, without those inside of calls."""
        return (node for node in self.nodes if isinstance(node, OpNode))

    @property
    def calls(self) -> Iterator[Call]:
        """The nodes that call functions."""
        return (node for node in self.nodes if isinstance(node, Call))

    @property
    def values(self) -> Iterator[Value]:
        """The inputs, and what the nodes make."""
        yield from self.inputs
        for node in self.nodes:
            yield from node.outputs

    def add_input(self, shape: Shape, dtype: DType = "float", name: str | None = None, span: Span | None = None) -> Value:
        """Return one more input."""
        made = Value(shape, self, len(self.inputs), dtype, name, span)
        self.inputs.append(made)
        return made

    def add_output(self, value: Value) -> int:
        """Return a value from the function; give its position among the outputs."""
        self._outputs.append(value)
        value.uses.append(Use(self, len(self._outputs) - 1))
        return len(self._outputs) - 1

    def replace_output(self, position: int, value: Value) -> None:
        """Return another value at a position."""
        self._outputs[position].uses.remove(Use(self, position))
        self._outputs[position] = value
        value.uses.append(Use(self, position))

    def append(self, node: Node) -> None:
        """Add a node at the end."""
        self._link(node, self._last, None)
        if isinstance(node, Declaration):
            self.declarations.append(node)

    def insert_before(self, place: Node, node: Node) -> None:
        """Add a node before another one."""
        self._link(node, place._previous, place)

    def insert_after(self, place: Node, node: Node) -> None:
        """Add a node behind another one."""
        self._link(node, place, place._next)

    def replace(self, old: Node, new: Node) -> None:
        """Put a node in the place of another one, whose users take the outputs of the new one."""
        self.insert_before(old, new)
        for before, after in zip(old.outputs, new.outputs, strict=True):
            before.replace_all_uses(after)
        old.remove()

    def _link(self, node: Node, before: Node | None, after: Node | None) -> None:
        node.function, node._previous, node._next = self, before, after
        for position, value in enumerate(node._inputs):
            value.uses.append(Use(node, position))
        if before is None:
            self._first = node
        else:
            before._next = node
        if after is None:
            self._last = node
        else:
            after._previous = node

    def _unlink(self, node: Node) -> None:
        before, after = node._previous, node._next
        if before is None:
            self._first = after
        else:
            before._next = after
        if after is None:
            self._last = before
        else:
            after._previous = before
