"""Tidying up after nodes were removed."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import TypeAlias

from archdsl.ir.core import Function, Node, Use, Value
from archdsl.ir.graph import Graph
from archdsl.ir.modules import applications

Kept: TypeAlias = "Mapping[Function, Set[int]]"
"""Positions of the inputs or outputs of each function."""


def remove_empty_calls(graph: Graph) -> None:
    """Remove every call of a function without nodes, and let nothing use an output that is only an input of its function.

    Users of such an output take the call's input instead. The claims of a function without nodes go to the
    first of its callers, as claims about a function that does nothing.
    """
    for function in graph.functions():  # callees first, so that a function that only calls empty ones is empty too
        for call in function.calls:
            callee = call.callee
            for value, returned in zip(call.outputs, callee.outputs, strict=True):
                if returned.producer is None:
                    value.replace_all_uses(call.inputs[returned.position])
            if callee.is_empty:
                call.remove()
                function.claims += [claim._replace(empty=True) for claim in callee.claims]
                callee.claims = []


def keep_parts(graph: Graph, nodes: Set[Node], inputs: Kept, outputs: Kept) -> None:
    """Remove every other node, and from each function and its calls the inputs and outputs at other positions.

    What is kept may not use what is removed; of the network itself the inputs stay. Conditions about removed values go with them.
    """
    functions = graph.functions()
    for function in functions:
        for call in function.calls:
            if call in nodes:
                _keep_uses(call, call._inputs, inputs[call.callee])
        _keep_uses(function, function._outputs, outputs[function])
    for function in functions:
        for node in function.nodes_reversed:
            if node not in nodes:
                node.remove()
    for function in functions:
        for call in function.calls:
            _keep_values(call.outputs, outputs[call.callee])
        if function is not graph.main:
            _keep_values(function.inputs, inputs[function])
        left = set(function.values) if function.conditions else set()
        function.conditions = [condition for condition in function.conditions if left.issuperset(condition.sides)]


def _keep_uses(user: Node | Function, used: list[Value], kept: Set[int]) -> None:
    """Let a user take the values at these positions alone."""
    for position, value in enumerate(used):
        value.uses.remove(Use(user, position))
    used[:] = [value for position, value in enumerate(used) if position in kept]
    for position, value in enumerate(used):
        value.uses.append(Use(user, position))


def _keep_values(made: list[Value], kept: Set[int]) -> None:
    """Keep the values at these positions of what a node makes or a function takes. Raise `ValueError` if another is in use."""
    for position, value in enumerate(made):
        if position not in kept and value.uses:
            raise ValueError(f"{value} is in use")
    made[:] = [value for position, value in enumerate(made) if position in kept]
    for position, value in enumerate(made):
        value.position = position


def remove_idle_declarations(graph: Graph) -> None:
    """Remove every declaration of a module that nothing applies any more."""
    found = applications(graph)
    for function in graph.functions():
        for declaration in list(function.declarations):
            assert declaration.module is not None
            if not found[declaration.module]:
                declaration.remove()
