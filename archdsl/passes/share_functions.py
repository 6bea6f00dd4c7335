"""Merge equal functions: labelled groups that a loop repeats, and copies that other passes made."""

from __future__ import annotations

from typing import Any

from archdsl.elaborate import argument_identity
from archdsl.ir import Call, Function, Graph, Node, OpNode, Value, settle_declarations


def share_functions(graph: Graph) -> Graph:
    """Let every call go to the first of the functions that are equal to its own."""
    finder, shared = _Finder(), dict[Function, Function]()
    for function in graph.functions():  # callees first
        for call in function.calls:
            call.callee = shared[call.callee]
        shared[function] = function if function is graph.main else finder.first_equal(function)
    return settle_declarations(graph)


class _Finder:
    """Finds equal functions among those that it is asked about. Most differ in what goes in; others are read as a whole."""

    def __init__(self) -> None:
        self._alone: dict[Any, Function | None] = {}
        """By text and inputs, the only function so far; None if there were several, which are among `_first`."""
        self._first: dict[Any, Function] = {}

    def first_equal(self, function: Function) -> Function:
        """Return the first function that is equal to this one."""
        brief = function.name, function.definition, tuple([_typed(value) for value in function.inputs])
        other = self._alone.setdefault(brief, function)
        if other is function:
            return function
        if other is not None:
            self._first[_content(other)] = other
            self._alone[brief] = None
        return self._first.setdefault(_content(function), function)


def _content(function: Function) -> Any:
    """Return a key that equal functions have: the same text and arguments, and the same nodes between the same values."""
    numbers = {value: number for number, value in enumerate(function.values)}
    arguments = tuple([(name, argument_identity(value)) for name, value in function.arguments.items()])
    return (
        function.kind,
        function.name,
        function.definition,
        arguments if all(identity is not None for _, identity in arguments) else function,
        tuple([_typed(value) for value in function.inputs]),
        tuple([_node(node, numbers) for node in function.items]),
        tuple([numbers[value] for value in function.outputs]),
        tuple(
            [
                (*condition[:4], *(numbers[side] for side in condition.sides), condition.stretch)
                for condition in function.conditions
            ]
        ),
        tuple([(id(claim.statement), id(claim.environment)) for claim in function.claims]),
    )


def _node(node: Node, numbers: dict[Value, int]) -> Any:
    what: object = node.callee if isinstance(node, Call) else None
    if isinstance(node, OpNode):
        what = id(node.op)
    module = (node.module.key, node.module.labelled, node.module.levels) if node.module is not None else None
    inputs = tuple([numbers[value] for value in node.inputs])
    return what, module, node.span, inputs, tuple([_typed(value) for value in node.outputs]), node.usage


def _typed(value: Value) -> Any:
    return value.shape, value.dtype  # a name may come from outside of the function, or number the rounds of a loop
