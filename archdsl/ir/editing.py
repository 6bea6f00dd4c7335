"""Tidying up after nodes were removed."""

from __future__ import annotations

from archdsl.ir.graph import Graph


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
