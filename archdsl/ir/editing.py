"""Tidying up after nodes were removed."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.ir.core import Call, Function
from archdsl.ir.graph import Graph
from archdsl.ir.modules import applications


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


def remove_output(function: Function, position: int, calls: Sequence[Call]) -> None:
    """Let a function, and every call of it, return one value less. Raise `ValueError` if something uses that of a call."""
    if any(call.outputs[position].uses for call in calls):
        raise ValueError(f"output {position} of {function!r} is in use")
    for following in range(position + 1, len(function.outputs)):
        function.replace_output(following - 1, function.outputs[following])
    function.drop_last_output()
    for call in calls:
        del call.outputs[position]
        for value in call.outputs[position:]:
            value.position -= 1


def remove_idle_declarations(graph: Graph) -> None:
    """Remove every declaration of a module that nothing applies any more."""
    found = applications(graph)
    for function in graph.functions():
        for declaration in list(function.declarations):
            assert declaration.module is not None
            if not found[declaration.module]:
                declaration.remove()
