"""W0108: `lppool` after an op that can give negative numbers.

The root of a negative sum is NaN, which training does not recover from. Each op says whether its result is never negative,
given whether that holds for its inputs; the answer is kept for each function and each combination of inputs.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics import Diagnostic, codes
from archdsl.ir import Call, Function, Graph, OpNode
from archdsl.lints.rule import GraphRule
from archdsl.ops.pooling import LpPool
from archdsl.source import Span


def _check(graph: Graph) -> Iterable[Diagnostic]:
    if not any(isinstance(node.op, LpPool) for function in graph.functions() for node in function.ops):
        return []
    found: dict[Span, Diagnostic] = {}
    known: dict[tuple[Function, tuple[bool, ...]], list[bool]] = {}

    def visit(function: Function, inputs: tuple[bool, ...]) -> list[bool]:
        """Return whether each output is never negative, given that of the inputs."""
        if (function, inputs) in known:
            return known[function, inputs]
        never = dict(zip(function.inputs, inputs, strict=True))
        for node in function.nodes:
            taken = tuple([never[value] for value in node.inputs])
            if isinstance(node, Call):
                never.update(zip(node.outputs, visit(node.callee, taken), strict=True))
                continue
            assert isinstance(node, OpNode)
            positive = all(taken)
            never.update(dict.fromkeys(node.outputs, node.op.never_negative(positive)))
            if not positive and node.span is not None and isinstance(node.op, LpPool) and _has_no_root(node.op.p):
                found.setdefault(node.span, codes.warnings.RootOfNegatives(node.op.p).at(node.span))
        return known.setdefault((function, inputs), [never[value] for value in function.outputs])

    visit(graph.main, (False,) * len(graph.inputs))
    return found.values()


def _has_no_root(p: float) -> bool:
    """Whether a negative sum of `p`-th powers may come about, and has no real root."""
    return p % 2 != 0 and p != 1


RULE = GraphRule("W0108", _check)
