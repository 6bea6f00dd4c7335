"""W0108: a root or logarithm of what can be negative: `lppool`, `sqrt`, `log`, `pow`.

It is NaN, which training does not recover from. Each op says whether its result is never negative,
given whether that holds for its inputs; the answer is kept for each function and each combination of inputs.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics import Diagnostic, codes
from archdsl.ir import Call, Function, Graph, OpNode
from archdsl.lints.rule import GraphRule
from archdsl.ops import Op
from archdsl.ops.pooling import LpPool
from archdsl.source import Span


def _check(graph: Graph) -> Iterable[Diagnostic]:
    if not any(node.op.nan_below_zero for function in graph.functions() for node in function.ops):
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
            if not positive and node.span is not None and node.op.nan_below_zero:
                found.setdefault(node.span, _finding(node.op).at(node.span))
        return known.setdefault((function, inputs), [never[value] for value in function.outputs])

    visit(graph.main, (False,) * len(graph.inputs))
    return found.values()


def _finding(op: Op) -> Diagnostic:
    if isinstance(op, LpPool):
        return codes.warnings.RootOfNegatives(op.p)
    return codes.warnings.NegativeInput(op.name)


RULE = GraphRule("W0108", _check)
