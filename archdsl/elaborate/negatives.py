"""Negative numbers where an op gives NaN for them."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic, Mark, Severity
from archdsl.diagnostics.untyped import untyped
from archdsl.ir.unrolled import Graph
from archdsl.ops.pooling import LpPool
from archdsl.source import Span


def roots_of_negatives(graph: Graph) -> list[Diagnostic]:
    """A warning for each `lppool` that may take a root of a negative number."""
    if not any(isinstance(node.op, LpPool) for node in graph.nodes):
        return []
    found: dict[Span, Diagnostic] = {}
    never: list[bool] = []
    for node in graph.nodes:
        op, positive = node.op, all(never[i] for i in node.inputs)
        never.append(op.never_negative(positive))
        if not isinstance(op, LpPool) or op.p % 2 == 0 or op.p == 1 or positive:
            continue
        which = "windows whose sum is negative" if op.p % 2 == 1 else "negative numbers"
        message = f"`lppool` with `p = {op.p:g}` gives NaN for {which}"
        help = "an even `p` takes any numbers; or write `relu` before it"
        found.setdefault(node.span, untyped("W0108", message, Mark(node.span), help=help, severity=Severity.WARNING))
    return list(found.values())
