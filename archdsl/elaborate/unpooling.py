"""Positions that a pool gave belong to the sizes of its input: `max_unpool` must give the same, or values land elsewhere."""

from __future__ import annotations

from archdsl.diagnostics import Mark, SpecError, codes
from archdsl.ir import Call, OpNode, Value
from archdsl.ir.builder import GraphBuilder
from archdsl.ops.pooling import MaxPool
from archdsl.shapes import Shape
from archdsl.source import Span


def pooled_shape(value: Value) -> Shape | None:
    """Return the shape in which positions count: that of the input of the pool that gave them. None if it is not known."""
    while isinstance(value.owner, Call):
        value = value.owner.callee.outputs[value.position]
    node = value.owner
    pooled = isinstance(node, OpNode) and isinstance(node.op, MaxPool) and value.position == 1
    return node.input_shapes[0] if isinstance(node, OpNode) and pooled else None


def check_pooled(builder: GraphBuilder, inputs: tuple[Value, ...], made: Shape, span: Span) -> None:
    """Raise `SpecError` E0319 if `max_unpool` gives other sizes than its pool took; symbolic ones must be equal."""
    pooled = pooled_shape(inputs[1])
    if pooled is None:
        return
    pairs = list(zip(made[1:], pooled[1:], strict=True))
    if any(size != other for size, other in pairs if isinstance(size, int) and isinstance(other, int)):
        found = codes.shapes.OtherPooledSizes(made, pooled, len(inputs) > 2).at(span)
        raise SpecError(found.with_marks([Mark(inputs[1].span, "gives the positions")] if inputs[1].span else []))
    for size, other in pairs:
        if size != other:
            builder.condition(size, other, span, "max_unpool", (inputs[0], inputs[1]))
