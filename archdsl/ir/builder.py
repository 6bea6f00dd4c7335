"""Building a graph: from a spec's syntax, from another framework's model, or by hand.

    builder = GraphBuilder("tiny")
    x = builder.input("image", (3, 32, 32))
    builder.begin("basic", arguments={"width": 16})
    y = builder.op(Conv(out=16, k=3), x, key=("conv",))
    x = builder.end(y, key=("stem",))
    graph = builder.finish(x)

Between `begin` and `end` nodes go into a new function. A value of an enclosing function that is used there becomes an
input of the new function (it is *captured*). A value of a finished function that is used outside of it becomes a further
output of that function and of its call (it is *exported*). So callers of the builder never think about functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from archdsl.declared import Fault
from archdsl.initializers import Initializer
from archdsl.ir.core import NO_NAMES, Call, DType, Function, Graph, Module, Node, OpNode, Result, Value
from archdsl.ops.base import Op
from archdsl.shapes import Shape
from archdsl.source import Span


class Frame:
    """A function under construction.

    `captured` leads from values of the enclosing function to the inputs that stand for them, in the order of the inputs;
    `known` from any value outside to what stands for it here.
    """

    __slots__ = ("captured", "function", "known", "size")

    def __init__(self, function: Function) -> None:
        self.function = function
        self.captured: dict[Value, Value] = {}
        self.known: dict[Value, Value] = {}
        self.size = 0


class GraphBuilder:
    """Builds one graph, function by function."""

    def __init__(self, name: str, definition: Span | None = None, arguments: Mapping[str, Any] = NO_NAMES, doc: str = "") -> None:
        self.main = Function(name, "network", definition, arguments, doc)
        self.results: list[Result] = []
        self._returned: list[Value] = []
        self._frames = [Frame(self.main)]
        self._call_of: dict[Function, Call] = {}
        self._sizes: dict[Function, int] = {}
        self._inferred: dict[tuple[int, tuple[Shape, ...]], tuple[Op, Shape]] = {}

    @property
    def frames(self) -> list[Frame]:
        """The functions under construction, the network first."""
        return self._frames

    @property
    def size(self) -> int:
        """How many ops the network applies so far, each call of a function counted in full."""
        return sum(frame.size for frame in self._frames)

    def size_of(self, function: Function) -> int:
        """Return how many ops a finished function applies, calls counted in full."""
        return self._sizes[function]

    def input(self, name: str, shape: Shape, dtype: DType = "float", span: Span | None = None) -> Value:
        """Return a new input of the network."""
        return self.main.add_input(shape, dtype, name, span)

    def op(
        self,
        op: Op,
        *inputs: Value,
        key: tuple[str, ...] | None = None,
        labelled: bool = False,
        name: str | None = None,
        span: Span | None = None,
        expressions: Mapping[str, str] = NO_NAMES,
        module: Module | None = None,
    ) -> Value:
        """Apply an op and return what it makes.

        `key` gives it a module of its own, `module` one that another node has too. Raise `Fault` if the inputs do not fit,
        `SizeError` if a symbolic size has no formula.
        """
        shape = self.infer(op, *inputs)
        dtype = result_dtype(op, inputs)
        if module is None and key is not None:
            module = Module(key, labelled, span)
        frame = self._frames[-1]
        node = OpNode(op, [self.local(value) for value in inputs], module, span, expressions)
        frame.function.append(node)
        frame.size += 1
        return node.add_output(shape, dtype, name, span)

    def infer(self, op: Op, *inputs: Value) -> Shape:
        """Return the shape that an op makes of these values; computed once for equal shapes."""
        shapes = (inputs[0].shape,) if len(inputs) == 1 else tuple([value.shape for value in inputs])
        known = (id(op), shapes)
        found = self._inferred.get(known)
        if found is None:
            found = self._inferred[known] = (op, op.output(*shapes))  # keeps the op, and so its id
        return found[1]

    def begin(
        self,
        name: str,
        kind: Literal["block", "group"] = "block",
        definition: Span | None = None,
        arguments: Mapping[str, Any] = NO_NAMES,
        doc: str = "",
    ) -> Function:
        """Open a function: what is built next goes into it, until `end`."""
        function = Function(name, kind, definition, arguments, doc)
        self._frames.append(Frame(function))
        return function

    def end(
        self,
        result: Value | None,
        *,
        key: tuple[str, ...],
        labelled: bool = False,
        span: Span | None = None,
        expressions: Mapping[str, str] = NO_NAMES,
        given: Mapping[str, Any] = NO_NAMES,
        variables: Mapping[str, Any] = NO_NAMES,
    ) -> Value | None:
        """Close the innermost function and call it. Return its result, as a value of the enclosing function.

        A function that does nothing leaves no call: its result is the value that came in.
        """
        frame = self._frames.pop()
        function, outer = frame.function, self._frames[-1]
        self._sizes[function] = frame.size
        if function._first is None:
            return self._outside(result, frame)
        call = Call(function, list(frame.captured), Module(key, labelled, span), span, expressions, given, variables)
        self._call_of[function] = call
        outer.function.append(call)
        outer.size += frame.size
        if result is None:
            return None
        within = frame.captured.get(result, result)
        return self.local(within) if within.function is function and within.producer is not None else self._outside(result, frame)

    def discard(self) -> None:
        """Close the innermost function without a call, as after an error."""
        self._frames.pop()

    def call(
        self,
        function: Function,
        *inputs: Value,
        key: tuple[str, ...],
        labelled: bool = False,
        span: Span | None = None,
        expressions: Mapping[str, str] = NO_NAMES,
        given: Mapping[str, Any] = NO_NAMES,
        variables: Mapping[str, Any] = NO_NAMES,
        module: Module | None = None,
    ) -> Call:
        """Call a finished function again, with these values as its inputs."""
        frame = self._frames[-1]
        module = module or Module(key, labelled, span)
        call = Call(function, [self.local(value) for value in inputs], module, span, expressions, given, variables)
        for value in function.outputs:
            call.add_output(value.shape, value.dtype, value.name, span)
        frame.function.append(call)
        frame.size += self._sizes[function]
        return call

    def local(self, value: Value) -> Value:
        """Return the value that stands for this one in the innermost function: itself, an input, or a further output of a call."""
        frame = self._frames[-1]
        if value.function is frame.function:
            return value
        known = frame.known.get(value)
        if known is None:
            known = frame.known[value] = self._brought_in(value)
        return known

    def _brought_in(self, value: Value) -> Value:
        """Export a value out of finished functions, then capture it in those that are open."""
        depth = {frame.function: i for i, frame in enumerate(self._frames)}
        while value.function not in depth:
            value = self._exported(value)
        for frame in self._frames[depth[value.function] + 1 :]:
            if value not in frame.captured:
                frame.captured[value] = frame.function.add_input(value.shape, value.dtype, value.name, value.span)
            value = frame.captured[value]
        return value

    def _exported(self, value: Value) -> Value:
        """Return the output of the call that stands for a value inside the called function."""
        call = self._call_of[value.function]
        if value.producer is None:
            return call.inputs[value.position]
        for use in value.uses:
            if use.user is call.callee:
                return call.outputs[use.position]
        call.callee.add_output(value)
        return call.add_output(value.shape, value.dtype, value.name, value.span)

    def _outside(self, value: Value | None, frame: Frame) -> Value | None:
        """Return the value outside of a function that an input of it stands for."""
        return next((outer for outer, inner in frame.captured.items() if inner is value), value)

    def head(self, name: str, value: Value, weight: float, span: Span | None = None) -> None:
        """Add an auxiliary head of the network."""
        self.results.append(Result(name, "head", weight, span))
        self._returned.append(value)

    def output(self, name: str, value: Value, span: Span | None = None) -> None:
        """Add a further output of the network."""
        self.results.append(Result(name, "output", span=span))
        self._returned.append(value)

    def finish(self, result: Value, initializers: Mapping[str, Initializer] | None = None) -> Graph:
        """Return the graph. `result` is what the network returns."""
        for value in (result, *self._returned):
            self.main.add_output(self.local(value))
        return Graph(self.main, [Result("main"), *self.results], dict(initializers or {}))


def result_dtype(op: Op, inputs: tuple[Value, ...]) -> DType:
    """Return what the result holds, as PyTorch promotes types. Raise `Fault` E0308 if the op cannot take what it gets."""
    taken = inputs[: len(inputs) - len(op.operands)]  # of an operand the shape is taken alone
    integers = [value.dtype == "int" for value in taken]
    if op.integers == "refused" and any(integers):
        help = "`embedding(n, dim)` turns tokens into vectors"
        raise Fault("E0308", f"`{op.name}` takes real numbers, and gets integers", help=help)
    if op.integers == "required" and not all(integers):
        help = "declare the input so: `input tokens: int [512]`"
        raise Fault("E0308", f"`{op.name}` takes integers, and gets real numbers", help=help)
    return "int" if op.integers == "kept" and all(integers) else "float"


def copy_function(function: Function) -> Function:
    """Return a copy with nodes and modules of its own. Calls in it go to the same functions."""
    made = Function(function.name, function.kind, function.definition, function.arguments, function.doc)
    made.constants = function.constants
    values = {value: made.add_input(value.shape, value.dtype, value.name, value.span) for value in function.inputs}
    modules: dict[Module, Module] = {}
    for node in function.nodes:
        copied = _copy_node(node, [values[value] for value in node.inputs], modules)
        copied.usage = node.usage
        made.append(copied)
        for value in node.outputs:
            values[value] = copied.add_output(value.shape, value.dtype, value.name, value.span)
    for value in function.outputs:
        made.add_output(values[value])
    made.conditions = [c._replace(sides=(values[c.sides[0]], values[c.sides[1]])) for c in function.conditions]
    made.claims = list(function.claims)
    return made


def _copy_node(node: Node, inputs: list[Value], modules: dict[Module, Module]) -> Node:
    module = node.module
    if module is not None:
        module = modules.setdefault(module, Module(module.key, module.labelled, module.span))
    if isinstance(node, Call):
        return Call(node.callee, inputs, module, node.span, node.expressions, node.given, node.variables)
    assert isinstance(node, OpNode)
    return OpNode(node.op, inputs, module, node.span, node.expressions)
