"""Build a graph: from a spec's syntax, from another framework's model, or by hand.

    builder = GraphBuilder("tiny")
    x = builder.input("image", (3, 32, 32))
    builder.begin("basic", arguments={"width": 16})
    y = builder.op(Conv(out=16, k=3), x, key=("conv",))
    x = builder.end(y, key=("stem",))
    graph = builder.finish(x)

Between `begin` and `end` nodes go into a new function. A value of an enclosing function that is used there becomes an
input of the new function (it is *captured*). A value of a finished function that is used outside of it becomes a further
output of that function and of its calls (it is *exported*). So callers of the builder never think about functions.

A *detached* value has a shape, but no place in the graph. An op on one gives another. They let a check go on behind an
error, where the graph ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from archdsl.initializers import Initializer
from archdsl.ir.attributes import Condition, Failure, Module
from archdsl.ir.core import NO_NAMES, Call, Declaration, Function, Node, OpNode, Value
from archdsl.ir.graph import Graph, Result
from archdsl.ir.modules import settle_declarations
from archdsl.ops.base import DType, Op
from archdsl.shapes import Dim, Shape, Stretch
from archdsl.source import Span


class Frame:
    """A function under construction.

    `modules` leads from declared modules of functions further out to those by which nodes here apply them, `captured` from values
    of the enclosing function to the inputs that stand for them, in the order of the inputs; `known` from any value outside to
    what stands for it here. `start` is the builder's `size` when it began.
    """

    __slots__ = ("captured", "function", "known", "modules", "start")

    def __init__(self, function: Function, start: int = 0) -> None:
        self.function = function
        self.captured: dict[Value, Value] = {}
        self.known: dict[Value, Value] = {}
        self.modules: dict[Module, Module] = {}
        self.start = start


class GraphBuilder:
    """Builds one graph, function by function.

    `size` counts the ops that the network applies so far, those of called functions at every call.
    """

    def __init__(self, name: str, definition: Span | None = None, arguments: Mapping[str, Any] = NO_NAMES, doc: str = "") -> None:
        self.main = Function(name, "network", definition, arguments, doc)
        self.size = 0
        self._results: list[tuple[Result, Value]] = []
        self._frames = [Frame(self.main)]
        self._calls: dict[Function, list[Call]] = {}
        self._sizes: dict[Function, int] = {}
        self._inferred: dict[tuple[int, tuple[Shape, ...]], tuple[Op, tuple[Shape, ...]]] = {}
        self._detached = Function("detached")
        self._around: dict[Function, Function] = {}
        """The function whose module has that of each function inside."""
        self._owners: dict[Module, Function] = {}
        self.applications: dict[Module, list[Node]] = {}
        """The nodes that apply each declared module, as they came."""

    @property
    def function(self) -> Function:
        """The innermost function under construction."""
        return self._frames[-1].function

    def size_of(self, function: Function) -> int:
        """Return how many ops a finished function applies, those of called functions at every call."""
        return self._sizes[function]

    def calls_of(self, function: Function) -> Sequence[Call]:
        """Return the calls of a finished function; none if it did nothing."""
        return self._calls.get(function, ())

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
        """Apply an op and return what it makes; of several outputs the first, which knows the others by its owner.

        `key` gives it a module of its own, `module` one that another node has too. Raise `SpecError` if the inputs do not fit,
        `SizeError` if a symbolic size has no formula.
        """
        shapes = self.infer(op, *inputs)
        dtypes = op.result_dtypes(len(shapes), *[value.dtype for value in inputs])
        if module is None and key is not None:
            module = Module(key, labelled, span)
        return self.add(op, inputs, shapes, dtypes, module, name, span, expressions)[0]

    def add(
        self,
        op: Op,
        inputs: Sequence[Value],
        shapes: Sequence[Shape],
        dtypes: Sequence[DType],
        module: Module | None,
        name: str | None,
        span: Span | None,
        expressions: Mapping[str, str] = NO_NAMES,
        declared: Module | None = None,
    ) -> list[Value]:
        """Apply an op of which the shapes and types of the outputs are known, and return those."""
        self.size += 1
        detached = self._detached
        for value in inputs:
            if value.owner is detached:
                return [Value(shape, detached, 0, dtype, name, span) for shape, dtype in zip(shapes, dtypes, strict=True)]
        taken = [self.local(value) for value in inputs]
        node = OpNode(op, taken, module if declared is None else self._applied(declared), span, expressions)
        self._append(node, declared)
        for shape, dtype in zip(shapes, dtypes, strict=True):
            node.add_output(shape, dtype, name, span)
        return node.outputs

    def detached(self, shape: Shape, dtype: DType = "float", name: str | None = None, span: Span | None = None) -> Value:
        """Return a value that is in no graph."""
        return Value(shape, self._detached, 0, dtype, name, span)

    def is_detached(self, value: Value) -> bool:
        """Return whether a value is in no graph."""
        return value.owner is self._detached

    def known_shapes(self, op: Op, inputs: Sequence[Value]) -> tuple[Shape, ...] | None:
        """Return the shapes that an op makes of these values; None if it was not asked for equal shapes before."""
        found = self._inferred.get((id(op), _shapes(inputs)))
        return None if found is None else found[1]

    def infer(self, op: Op, *inputs: Value) -> tuple[Shape, ...]:
        """Return the shapes that an op makes of these values; computed once for equal shapes."""
        shapes = _shapes(inputs)
        found = self._inferred.get((id(op), shapes))
        if found is None:
            found = self._inferred[id(op), shapes] = (op, op.outputs(*shapes))  # keeps the op, and so its id
        return found[1]

    def condition(
        self, left: Dim, right: Dim, span: Span, what: str, sides: tuple[Value, Value], stretch: Stretch = None
    ) -> None:
        """Note that two sizes must be equal, as those of values that the innermost function joins."""
        if not any(self.is_detached(side) for side in sides):
            places = self.local(sides[0]), self.local(sides[1])
            self.function.conditions.append(Condition(left, right, span, what, places, stretch))

    def failure(self, what: str, inputs: Sequence[Value], span: Span) -> None:
        """Note what cannot be applied in the innermost function."""
        if not any(self.is_detached(value) for value in inputs):
            self.function.failures.append(Failure(what, tuple([self.local(value) for value in inputs]), span))

    def begin(
        self,
        name: str,
        kind: Literal["block", "group"] = "block",
        definition: Span | None = None,
        arguments: Mapping[str, Any] = NO_NAMES,
        doc: str = "",
        *,
        declared: Module | None = None,
    ) -> Function:
        """Open a function: what is built next goes into it, until `end`. It is what a `declared` module runs, if one is given."""
        function = Function(name, kind, definition, arguments, doc)
        self._around[function] = self.function if declared is None else self._owners[declared]
        self._frames.append(Frame(function, self.size))
        return function

    def end(
        self,
        result: Value | None,
        *,
        key: tuple[str, ...],
        labelled: bool = False,
        name: str | None = None,
        span: Span | None = None,
        expressions: Mapping[str, str] = NO_NAMES,
        given: Mapping[str, Any] = NO_NAMES,
        variables: Mapping[str, Any] = NO_NAMES,
        declared: Module | None = None,
    ) -> Value | None:
        """Close the innermost function and call it. Return its result, as a value of the enclosing function.

        A function that does nothing leaves no call: its result is the value that came in.
        """
        if result is not None:
            result = self.visible(result)
        frame = self._frames.pop()
        function = frame.function
        self._sizes[function] = self.size - frame.start
        self._remove_unapplied(function)
        if function._first is None and not function.failures:
            self.function.claims += [claim._replace(empty=True) for claim in function.claims]
            return result
        module = Module(key, labelled, span) if declared is None else self._applied(declared)
        call = Call(function, list(frame.captured), module, span, expressions, given, variables)
        self._calls[function] = [call]
        self._append(call, declared)
        if result is None or result.function is not function:
            return result
        function.add_output(result)
        return call.add_output(result.shape, result.dtype, name or result.name, result.span)

    def declare(self, key: tuple[str, ...], span: Span | None = None) -> Module:
        """Declare a module of the innermost function, which nodes of it and of functions in it may apply."""
        module = Module(key, True, span)
        self.function.append(Declaration(module))
        self._owners[module] = self.function
        return module

    def is_within_reach(self, declared: Module) -> bool:
        """Return whether the innermost function is that of a declared module, or in it."""
        owner = self._owners[declared]
        function: Function | None = self.function
        while function is not None and function is not owner:
            function = self._around.get(function)
        return function is owner

    def _append(self, node: Node, declared: Module | None) -> None:
        """Add a node to the innermost function; keep it if it applies a declared module."""
        self._frames[-1].function.append(node)
        if declared is not None:
            self.applications.setdefault(declared, []).append(node)

    def _applied(self, declared: Module) -> Module:
        """Return the module by which a node of the innermost function applies a declared one."""
        frame, owner = self._frames[-1], self._owners[declared]
        levels, function = 0, frame.function
        while function is not owner:
            levels, function = levels + 1, self._around[function]
        if levels == 0:
            return declared
        return frame.modules.setdefault(declared, Module(declared.key, True, declared.span, levels))

    def _remove_unapplied(self, function: Function) -> None:
        """Remove the declarations of a function that nothing applies."""
        for declaration in list(function.declarations):
            if declaration.module is not None and not self.applications.get(declaration.module):
                declaration.remove()

    def discard(self) -> None:
        """Close the innermost function without a call, as after an error."""
        self._frames.pop()

    def call(
        self,
        function: Function,
        *inputs: Value,
        key: tuple[str, ...],
        labelled: bool = False,
        name: str | None = None,
        span: Span | None = None,
        expressions: Mapping[str, str] = NO_NAMES,
        given: Mapping[str, Any] = NO_NAMES,
        variables: Mapping[str, Any] = NO_NAMES,
        declared: Module | None = None,
    ) -> Call:
        """Call a finished function again, with these values as its inputs."""
        module = Module(key, labelled, span) if declared is None else self._applied(declared)
        call = Call(function, [self.local(value) for value in inputs], module, span, expressions, given, variables)
        for value in function.outputs:
            call.add_output(value.shape, value.dtype, value.name, value.span)
        if name is not None and call.outputs:
            call.outputs[0].name = name
        self._append(call, declared)
        self._calls[function].append(call)
        self.size += self._sizes[function]
        return call

    def local(self, value: Value) -> Value:
        """Return the value that represents this one in the innermost function: itself, an input, or an output of a call."""
        frame = self._frames[-1]
        owner = value.owner
        if owner is frame.function or (owner.__class__ is not Function and owner.function is frame.function):  # type: ignore[union-attr]
            return value
        known = frame.known.get(value)
        if known is None:
            known = frame.known[value] = self._captured(self.visible(value))
        return known

    def visible(self, value: Value) -> Value:
        """Return the value that represents this one in the functions that are open: itself, or an output of calls around it."""
        function = value.function
        while function in self._calls:
            value = self._exported(value)
            function = value.function
        return value

    def _captured(self, value: Value) -> Value:
        """Return the input of the innermost function that represents a value of an open one."""
        depth = len(self._frames) - 1
        while self._frames[depth].function is not value.function:
            depth -= 1
        for frame in self._frames[depth + 1 :]:
            inside = frame.captured.get(value)
            if inside is None:
                inside = frame.captured[value] = frame.function.add_input(value.shape, value.dtype, value.name, value.span)
            value = inside
        return value

    def captured(self, value: Value) -> Value | None:
        """Return the value of the innermost function that represents one of an open function; None if it is not used there."""
        depth = len(self._frames) - 1
        while self._frames[depth].function is not value.function:
            depth -= 1
        for frame in self._frames[depth + 1 :]:
            inside = frame.captured.get(value)
            if inside is None:
                return None
            value = inside
        return value

    def outside(self, value: Value) -> Value:
        """Return the value of the enclosing function that an input of an open one represents; else the value itself."""
        frame = next((frame for frame in self._frames if frame.function is value.owner), None)
        return value if frame is None else next((outer for outer, inner in frame.captured.items() if inner is value), value)

    def _exported(self, value: Value) -> Value:
        """Return the output of the first call of a function that represents a value inside the function."""
        return self.output_of(self._calls[value.function][0], value)

    def output_of(self, call: Call, value: Value) -> Value:
        """Return what represents a value of a called function outside of the call: an output of it, or one of its inputs."""
        function = call.callee
        if value.producer is None:
            return call.inputs[value.position]
        for use in value.uses:
            if use.user is function:
                return call.outputs[use.position]
        function.add_output(value)
        for one in self._calls[function]:
            one.add_output(value.shape, value.dtype, value.name, value.span)
        return call.outputs[-1]

    def head(self, name: str, value: Value, weight: float, span: Span | None = None) -> None:
        """Add an auxiliary head of the network."""
        self._results.append((Result(name, "head", weight, span), value))

    def output(self, name: str, value: Value, span: Span | None = None) -> None:
        """Add a further output of the network."""
        self._results.append((Result(name, "output", span=span), value))

    def finish(self, result: Value | None, initializers: Mapping[str, Initializer] | None = None) -> Graph:
        """Return the graph. `result` is what the network returns; without one, or with detached values, the graph is partial."""
        results = [(Result("main"), result) if result is not None else None, *self._results]
        known = [pair for pair in results if pair is not None and not self.is_detached(pair[1])]
        for _, value in known:
            self.main.add_output(self.local(value))
        graph = Graph(self.main, [result for result, _ in known], dict(initializers or {}))
        graph.complete = len(known) == len(results)
        self._remove_unapplied(self.main)
        return settle_declarations(graph)


def _shapes(values: Sequence[Value]) -> tuple[Shape, ...]:
    return (values[0].shape,) if len(values) == 1 else tuple([value.shape for value in values])
