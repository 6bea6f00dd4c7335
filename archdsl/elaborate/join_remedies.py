"""Remedies for a join whose branches are maps of different sizes: a pool that rounds the other way, and a label to resize to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.diagnostics.record import Edit, Remedy, guess
from archdsl.elaborate.values import Environment, Family
from archdsl.ir import Call, GraphBuilder, OpNode, Value
from archdsl.ops import Op
from archdsl.shapes import Shape, SizeError
from archdsl.source import Span
from archdsl.syntax import nodes as ast

_LONGEST: Final = 200
"""The number of ops of a branch that are looked at."""


def with_ways(
    builder: GraphBuilder, found: Diagnostic, branches: Sequence[Value], body: ast.Body, env: Environment
) -> Diagnostic:
    """Return an error at a join with the ways out that the branches show."""
    if not isinstance(found, codes.joins.Branches) or not found.maps_differ:
        return found
    return found.with_fields(name=_label(body, env, len(branches)), ways=rounding_ways(builder, branches))


def _label(body: ast.Body, env: Environment, branches: int) -> str | None:
    """Return the first branch that is the label of a value, as the text writes it; None if there is none."""
    if len(body.statements) != branches:
        return None
    for statement in body.statements:
        stage = statement.stages[0] if isinstance(statement, ast.Pipeline) and len(statement.stages) == 1 else None
        call = ast.bare(stage.call) if isinstance(stage, ast.CallStage) else None
        base = ast.bare(call.base) if isinstance(call, ast.Index) else call
        named = isinstance(base, ast.Name) and base.id != "x" and isinstance(env.find(base.id), Value | Family)
        if call is not None and named:
            return call.span.text
    return None


def rounding_ways(builder: GraphBuilder, branches: Sequence[Value]) -> tuple[Remedy, ...]:
    """Return the change of a pool that rounds down where another branch rounds up, or the other way around, if one suffices."""
    maps = sorted({branch.shape[1:] for branch in branches}, key=str)
    if not codes.joins.maps_differ([branch.shape for branch in branches]) or len(maps) != 2:
        return ()
    chains = {branch: _chain(branch) for branch in branches}
    for branch in branches:
        others = {node for other in branches if other is not branch for node in chains[other]}
        own = [node for node in chains[branch] if node not in others]
        wanted = maps[0] if branch.shape[1:] == maps[1] else maps[1]
        if sum(other.shape[1:] == branch.shape[1:] for other in branches) > 1:
            continue  # the others would differ then
        for place, node in enumerate(own):
            turned = _turned(node.op)
            if turned is not None and node.span is not None and _shape_after(turned, own[place:]) == (branch.shape[0], *wanted):
                return (_remedy(node.op, node.span, ceil=dict(turned)["ceil"]),)
    return ()


def _chain(value: Value) -> list[OpNode]:
    """Return the ops that make a value, each from one other value, in order; calls are followed into what they run."""
    found: list[OpNode] = []
    calls: list[Call] = []
    while len(found) < _LONGEST:
        node = value.producer
        if node is None:
            if not calls:
                break
            value = calls.pop().inputs[value.position]
        elif isinstance(node, Call):
            calls.append(node)
            value = node.callee.outputs[value.position]
        elif isinstance(node, OpNode) and len(node.inputs) == 1:
            found.append(node)
            value = node.inputs[0]
        else:
            break
    return found[::-1]


def _turned(op: Op) -> Op | None:
    """Return a pool that rounds the other way; None for another op."""
    ceil = dict(op).get("ceil")
    return None if ceil is None else op.replace(ceil=not ceil)


def _shape_after(first: Op, nodes: Sequence[OpNode]) -> Shape | None:
    """Return the shape behind a chain of ops with another first one; None if it fails, or an op has several outputs."""
    shape = nodes[0].input_shapes[0]
    try:
        for op in (first, *(node.op for node in nodes[1:])):
            shape, *others = op.outputs(shape)
            if others:
                return None
    except (SpecError, SizeError):
        return None
    return shape


def _remedy(op: Op, span: Span, *, ceil: bool) -> Remedy:
    """Return the remedy that turns the rounding of a pool."""
    text = span.text
    if not ceil:
        return guess(f"one side rounds up, and the other down: leave out `ceil = true` of `{text}`")
    written = f"{text[:-1]}, ceil = true)" if text.endswith(")") else f"{text}(ceil = true)"
    return guess(f"one side rounds up, and the other down: write `{written}`", Edit(span, written))
