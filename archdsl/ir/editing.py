"""Tidying up after nodes were removed."""

from __future__ import annotations

from archdsl.ir.graph import Graph


def remove_empty_calls(graph: Graph) -> None:
    """Remove every call of a function without nodes: what uses its result takes its input instead.

    The claims of such a function go to the first of its callers, as claims about a function that does nothing.
    """
    for function in graph.functions():  # callees first, so that a function that only calls empty ones is empty too
        for call in function.calls:
            callee = call.callee
            if callee.is_empty:
                for value, returned in zip(call.outputs, callee.outputs, strict=True):
                    value.replace_all_uses(call.inputs[returned.position])
                call.remove()
                function.claims += [claim._replace(empty=True) for claim in callee.claims]
                callee.claims = []
