"""W0104: an auxiliary head that the result is made from, so that it runs in evaluation, too.

Heads exist to be left out in evaluation, with their weights. What the result needs as well stands before the head, as a
label.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics import Diagnostic, codes
from archdsl.ir import Call, Graph, OpNode, Usage, Value
from archdsl.lints.rule import GraphRule


def _check(graph: Graph) -> Iterable[Diagnostic]:
    for head, value in graph.heads:
        if head.span is not None and _in_evaluation(value):
            yield codes.warnings.HeadInEvaluation(head.name).at(head.span)


def _in_evaluation(value: Value) -> bool:
    """Whether something that runs in evaluation makes or takes a value."""
    producer = value.producer
    if isinstance(producer, Call):
        inner = producer.callee.outputs[value.position]
        if inner.producer is not None and producer.usage is not Usage.ALWAYS:
            return False  # also if another application of a module runs in evaluation
        return _in_evaluation(inner if inner.producer is not None else producer.inputs[inner.position])
    return producer.usage is Usage.ALWAYS if producer is not None else _is_read(value)


def _is_read(value: Value) -> bool:
    """Whether something that runs in evaluation takes an input."""
    calls = [(use.user, use.position) for use in value.uses if isinstance(use.user, Call)]
    return any(node.usage is Usage.ALWAYS for node in value.users if isinstance(node, OpNode)) or any(
        _is_read(call.callee.inputs[position]) for call, position in calls
    )


RULE = GraphRule("W0104", _check)
