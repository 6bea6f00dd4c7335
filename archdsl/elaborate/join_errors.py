"""Why two sides of a join differ: where each side's shape came from, and what to write."""

from __future__ import annotations

from archdsl.diagnostics import Mark, SpecError
from archdsl.diagnostics.record import Remedy
from archdsl.diagnostics.untyped import untyped
from archdsl.ir import Call, GraphBuilder, Node, OpNode, Value
from archdsl.ops import Category
from archdsl.shapes import Shape, format_shape
from archdsl.source import Span


def skip_differs(
    builder: GraphBuilder, start: Value, body: Value, shortcut: Value, keyword: Span, remedy: Remedy | None
) -> SpecError:
    """Return the error for a skip whose body and shortcut have different shapes."""
    later = _later(builder, start)
    sides = [body] if shortcut is start else [body, shortcut]
    related = [Mark(value.span, said) for side in sides for value, said in _changes(builder, start, side, later) if value.span]
    message = (
        f"the two sides of this skip differ: the body gives {format_shape(body.shape)}, "
        f"the shortcut {format_shape(shortcut.shape)}"
    )
    help = _projection(later, start, body) if shortcut is start else f"the shortcut must give {format_shape(body.shape)}, too"
    found = untyped("E0301", message, Mark(keyword, "added here"), tuple(related[:6]), help=help)
    return SpecError(found if remedy is None else found.with_remedy(remedy))


def _later(builder: GraphBuilder, start: Value) -> list[Node]:
    """Return the nodes of the innermost function that were made after a value, the last one first."""
    found = []
    for node in builder.function.nodes_reversed:
        if node is start.producer:
            break
        found.append(node)
    return found


def _changes(builder: GraphBuilder, start: Value, end: Value, later: list[Node]) -> list[tuple[Value, str]]:
    """Return the values between a join's start and one of its sides where the shape changes, with the change."""
    found: list[tuple[Value, str]] = []
    calls: list[Call] = []
    value, here = end, set(later)
    while value is not start:
        node = value.producer
        if node is None:
            value = calls.pop().inputs[value.position] if calls else builder.outside(value)
            if not calls and value.producer is None:
                break
        elif not calls and node not in here:
            break
        elif isinstance(node, Call):
            calls.append(node)
            value = node.callee.outputs[value.position]
        elif node.inputs:
            before = node.inputs[0]
            if before.shape != value.shape:
                found.append((value, _difference(before.shape, value.shape)))
            value = before
        else:
            break
    return found[::-1]


def _difference(before: Shape, after: Shape) -> str:
    if len(before) != len(after):
        return f"{format_shape(before)} -> {format_shape(after)} here"
    parts = []
    if before[0] != after[0]:
        parts.append(f"channels {before[0]} -> {after[0]}")
    if before[1:] != after[1:]:
        parts.append(f"{'x'.join(map(str, before[1:]))} -> {'x'.join(map(str, after[1:]))}")
    return " and ".join(parts) + " here"


def _projection(later: list[Node], start: Value, body: Value) -> str:
    """Return the remedy: a 1x1 convolution with a stride, if one gives the shape of the body."""
    stride = _stride(start.shape, body.shape)
    if stride is None:
        return "a shortcut that gives the body's shape goes after it: `skip { ... } via { ... }`"
    normalized = any(_has_norm(node) for node in later)
    channels = body.shape[0]
    step = f", stride = {stride}" if stride != 1 else ""
    return f"for these sizes, project the shortcut: `via {{ conv({channels}, 1{step}){' -> bn' if normalized else ''} }}`"


def _has_norm(node: Node) -> bool:
    """Return whether a node is, or calls, a normalization."""
    if isinstance(node, Call):
        return any(_has_norm(inner) for inner in node.callee.nodes)
    return isinstance(node, OpNode) and node.op.category is Category.NORMALIZATION


def _stride(before: Shape, after: Shape) -> int | None:
    """Return the stride of a 1x1 convolution from one shape to the other; None if there is no single one."""
    if len(before) != len(after) or len(before) < 2:
        return None
    for stride in range(1, 65):
        if all((n - 1) // stride + 1 == m for n, m in zip(before[1:], after[1:], strict=True)):
            return stride
    return None
