"""Why the two sides of a skip differ: where each side's shape changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.diagnostics import SpecError, codes
from archdsl.diagnostics.record import Remedy
from archdsl.elaborate.join_remedies import rounding_ways
from archdsl.ir import Call, GraphBuilder, Node, Value
from archdsl.source import Span

if TYPE_CHECKING:
    from archdsl.diagnostics.codes.joins import ShapeChange


def skip_differs(
    builder: GraphBuilder, start: Value, body: Value, shortcut: Value, keyword: Span, projection: Remedy | None
) -> SpecError:
    """Return the error for a skip whose body and shortcut have different shapes."""
    later = set(nodes_after(builder, start))
    along_body, along_shortcut = (_changes(builder, start, side, later) for side in (body, shortcut))
    ways = rounding_ways(builder, (body, shortcut))
    mismatch = codes.joins.SkipMismatch(body.shape, shortcut.shape, along_body, along_shortcut, projection, ways)
    return SpecError(mismatch.at(keyword))


def nodes_after(builder: GraphBuilder, start: Value) -> list[Node]:
    """Return the nodes of the innermost function that were made after a value, the last one first."""
    found = []
    for node in builder.function.nodes_reversed:
        if node is start.producer:
            break
        found.append(node)
    return found


def _changes(builder: GraphBuilder, start: Value, end: Value, later: set[Node]) -> list[ShapeChange]:
    """Return the changes of the shape between the start of a skip and the end of one of its sides."""
    found: list[ShapeChange] = []
    calls: list[Call] = []
    value = end
    while value is not start:
        node = value.producer
        if node is None:
            value = calls.pop().inputs[value.position] if calls else builder.outside(value)
            if not calls and value.producer is None:
                break
        elif not calls and node not in later:
            break
        elif isinstance(node, Call):
            calls.append(node)
            value = node.callee.outputs[value.position]
        elif node.inputs:
            before = node.inputs[0]
            if before.shape != value.shape and value.span is not None:
                found.append(codes.joins.ShapeChange(value.span, before.shape, value.shape))
            value = before
        else:
            break
    return found[::-1]
