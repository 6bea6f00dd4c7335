"""Modules that are declared apart from their applications: who applies them, and whether all apply the same.

A declared module has its weights once. Each application is a node of its own: an op, or a call of a function. Applications
with inputs of other spatial sizes call other functions, which have the same ops, wired in the same way, with the same weights.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from typing import NamedTuple

from archdsl.ir.attributes import Module, Usage, join_path
from archdsl.ir.core import Call, Function, Node, OpNode, Value
from archdsl.ir.graph import Graph
from archdsl.literals import show
from archdsl.shapes import Shape, format_shape

_ORDER = (Usage.NEVER, Usage.TRAINING, Usage.ALWAYS)


class _Foreign(NamedTuple):
    """A node that applies the module of a function further out: how many modules further, the module's key, and the node."""

    levels: int
    key: tuple[str, ...]
    node: Node


class Applications:
    """Finds what applies the modules that functions declare."""

    def __init__(self) -> None:
        self._foreign: dict[Function, tuple[_Foreign, ...]] = {}

    def of(self, function: Function) -> dict[Module, list[Node]]:
        """Return the nodes that apply each module that a function declares, its own first."""
        if not function.declarations:
            return {}
        found: dict[Module, list[Node]] = {d.module: [] for d in function.declarations if d.module is not None}
        by_key = {module.key: module for module in found}
        for node in function.nodes:
            if node.module in found:
                found[node.module].append(node)
        for foreign in self.seen_from(function):
            if foreign.levels == 0 and foreign.key in by_key:
                found[by_key[foreign.key]].append(foreign.node)
        return found

    def foreign(self, function: Function) -> tuple[_Foreign, ...]:
        """Return what a function, and what it calls, applies of functions further out."""
        known = self._foreign.get(function)
        if known is None:
            known = self._foreign[function] = tuple([found for found in self.seen_from(function) if found.levels > 0])
        return known

    def seen_from(self, function: Function) -> list[_Foreign]:
        """Return what a function and what it calls apply of other functions than their own, in terms of the function."""
        found: dict[_Foreign, None] = {}
        for node in function.nodes:
            levels = node.module.levels if node.module is not None else 0
            if node.module is not None and levels:
                found[_Foreign(levels, node.module.key, node)] = None
            if isinstance(node, Call):
                for inner in self.foreign(node.callee):
                    found[inner._replace(levels=levels + inner.levels - 1)] = None
        return list(found)


def applications(graph: Graph) -> dict[Module, list[Node]]:
    """Return the nodes that apply each declared module of a graph."""
    functions = graph.functions()
    if not any(function.declarations for function in functions):
        return {}
    finder = Applications()
    return {module: nodes for function in functions for module, nodes in finder.of(function).items()}


def is_declared(node: Node) -> bool:
    """Return whether a node applies a declared module."""
    module = node.module
    return module is not None and (module.levels > 0 or any(d.module is module for d in node.function.declarations))


def shared_nodes(graph: Graph) -> set[Node]:
    """Return the nodes that apply a declared module which runs more than once."""
    found = applications(graph)
    functions = graph.functions() if found else []
    runs = dict.fromkeys(functions, 0) | {graph.main: 1}
    for function in reversed(functions):  # callers first
        for call in function.calls:
            runs[call.callee] += runs[function]
    owners = {declaration.module: function for function in functions for declaration in function.declarations}
    return {
        node
        for module, nodes in found.items()
        if sum([runs[node.function] for node in nodes]) > runs[owners[module]]
        for node in nodes
    }


def settle_declarations(graph: Graph) -> Graph:
    """Let each declaration refer to the application that runs in most phases; its usage is that of the module. Return the graph.

    A pass that copies functions, or puts others in their place, ends with this.
    """
    found = applications(graph)
    for function in graph.functions() if found else ():
        for declaration in function.declarations:
            assert declaration.module is not None
            nodes = found[declaration.module]
            if nodes:
                declaration.application = max(nodes, key=lambda node: (_ORDER.index(node.usage), _takes_symbolic_sizes(node)))
                declaration.usage = declaration.application.usage
    return graph


def standing_functions(functions: Iterable[Function]) -> dict[Function, Function]:
    """Return for each function that a module runs the one that stands for it, if that is another one; and so for inner ones."""
    finder, found = Applications(), dict[Function, Function]()

    def pair(function: Function, other: Function) -> None:
        function, other = found.get(function, function), found.get(other, other)
        if function is other:
            return
        found[other] = function
        for node, counterpart in zip(function.nodes, other.nodes, strict=True):
            if isinstance(node, Call) and isinstance(counterpart, Call):
                pair(node.callee, counterpart.callee)

    for function in functions:
        applied = finder.of(function)
        for declaration in function.declarations:
            first = declaration.application
            for node in applied[declaration.module] if declaration.module is not None and isinstance(first, Call) else ():
                if isinstance(node, Call) and isinstance(first, Call):
                    pair(first.callee, node.callee)
    return {function: _last(found, function) for function in found}


def _last(found: dict[Function, Function], function: Function) -> Function:
    while function in found:
        function = found[function]
    return function


def _takes_symbolic_sizes(node: Node) -> bool:
    """Return whether a node takes symbolic sizes: what is constructed for them is right for fixed ones as well."""
    return any(not isinstance(size, int) for shape in node.input_shapes for size in shape)


class Difference(NamedTuple):
    """In what two applications of a module differ: the shape of the tensor at `key`, or what stands there."""

    key: str
    sides: tuple[str | Shape | None, str | Shape | None]
    """The shapes, or texts that say what is there; None on the side that has nothing."""
    nodes: tuple[Node | None, Node | None]

    @property
    def of_weights(self) -> bool:
        """Whether tensors differ."""
        return any(isinstance(side, tuple) for side in self.sides)


def difference(first: Node, second: Node) -> Difference | None:
    """Return in what two applications differ that need one module; None if one does. Sizes other than of weights may differ."""
    return _Comparison().of_nodes(first, second, "")


class _Comparison:
    def __init__(self) -> None:
        self._equal: set[tuple[Function, Function]] = set()

    def of_nodes(self, first: Node, second: Node, path: str) -> Difference | None:
        if isinstance(first, Call) and isinstance(second, Call):
            return self.of_functions(first.callee, second.callee, path)
        if not isinstance(first, OpNode) or not isinstance(second, OpNode):
            return Difference(path, (_name(first), _name(second)), (first, second))
        if first.op is second.op and first.input_shapes == second.input_shapes:
            return None
        one, other = _tensors(first), _tensors(second)
        tied = first.op.tied or second.op.tied
        for key in dict.fromkeys((*one, *other)):
            if (tied or first.op.name == second.op.name) and one.get(key) != other.get(key):
                return Difference(join_path(path, key), (one.get(key), other.get(key)), (first, second))
        if tied or (type(first.op) is type(second.op) and _settings(first) == _settings(second)):
            return None
        return Difference(path, (_described(first, second), _described(second, first)), (first, second))

    def of_functions(self, first: Function, second: Function, path: str) -> Difference | None:
        if first is second or (first, second) in self._equal:
            return None
        numbers = _numbers(first), _numbers(second)
        for one, other in zip_longest(first.nodes, second.nodes):
            key = next((node.module.key for node in (one, other) if node is not None and node.module is not None), ())
            below = join_path(path, *key)
            if one is None or other is None or not _same_place(one, other):
                return Difference(below, (_name(one), _name(other)), (one, other))
            found = self.of_nodes(one, other, below)
            if found is not None:
                return found
            wiring = [[known[value] for value in node.inputs] for node, known in zip((one, other), numbers, strict=True)]
            if wiring[0] != wiring[1]:
                return Difference(below, (_name(one), _name(other)), (one, other))
        returned = [
            [known[value] for value in function.outputs] for function, known in zip((first, second), numbers, strict=True)
        ]
        if returned[0] != returned[1]:
            return Difference(path, (_name(None), _name(None)), (None, None))
        self._equal.add((first, second))
        return None


def _numbers(function: Function) -> dict[Value, int]:
    return {value: number for number, value in enumerate(function.values)}


def _same_place(one: Node, other: Node) -> bool:
    places = [(node.module.key, node.module.levels) if node.module is not None else None for node in (one, other)]
    return places[0] == places[1] and len(one.outputs) == len(other.outputs)


def _tensors(node: OpNode) -> dict[str, tuple[int, ...]]:
    shapes = node.input_shapes
    return node.op.parameters(*shapes) | node.op.buffers(*shapes) if node.module is not None else {}


def _settings(node: OpNode) -> object:
    """Return what of an op must not differ: its parameters as numbers, and the ranks of what it takes."""
    shapes = node.input_shapes
    return node.op, [len(shape) for shape in shapes], dict(node.op.attributes(*shapes))


def _described(node: OpNode, other: OpNode) -> str:
    """Return an op with the parameters that differ from those of another one."""
    ranks = [len(one.input_shapes[0]) if one.inputs else 0 for one in (node, other)]
    if type(node.op) is type(other.op) and ranks[0] != ranks[1]:
        return f"{node.op.name} of {format_shape(node.input_shapes[0])}"
    given, others = (dict(one.op.attributes(*one.input_shapes)) for one in (node, other))
    differing = [f"{name} = {show(value)}" for name, value in given.items() if others.get(name, value) != value]
    return f"{node.op.name}({', '.join(differing)})" if type(node.op) is type(other.op) and differing else node.op.name


def _name(node: Node | None) -> str | None:
    if isinstance(node, Call):
        return node.callee.name
    return node.op.name if isinstance(node, OpNode) else None
