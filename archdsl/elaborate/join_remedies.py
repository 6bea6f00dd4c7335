"""Remedies for a join whose branches have different shapes: other rounding, padding or stride, a projection, another size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.diagnostics.record import Edit, Remedy, guess
from archdsl.elaborate.values import Environment, Family
from archdsl.ir import Call, GraphBuilder, OpNode, Value
from archdsl.literals import show
from archdsl.ops import Op
from archdsl.shapes import Dim, Shape, SizeError
from archdsl.source import Span
from archdsl.syntax import nodes as ast
from archdsl.syntax.written_calls import written_call

_LONGEST: Final = 200
"""The number of ops of a branch that are looked at."""


def with_ways(
    builder: GraphBuilder, found: Diagnostic, branches: Sequence[Value], body: ast.Body, env: Environment
) -> Diagnostic:
    """Return an error at a join with the ways out that the branches show."""
    if not isinstance(found, codes.joins.Branches) or len({len(branch.shape) for branch in branches}) > 1:
        return found
    ways = rounding_ways(builder, branches) or _projected(found.op, branches, body, env)
    return found.with_fields(name=_label(body, env, len(branches)) if found.maps_differ else None, ways=ways)


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
    """Return the change of an op that makes its branch as large as the others, if one suffices: of rounding or of padding."""
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
            for changes in _changes(node.op, _common_factor(branch.shape[1:], wanted)):
                if node.span is None or _shape_after(node.op.replace(**changes), own[place:]) != (branch.shape[0], *wanted):
                    continue
                return (_remedy(node.op, node.span, changes),)
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


def _changes(op: Op, factor: int | None) -> Iterator[dict[str, Any]]:
    """Yield other arguments of an op that change how large its result is, and not what it does: rounding, padding and stride.

    `factor` is the one by which the branch is larger than the others.
    """
    given = dict(op)
    if op.name in ("conv", "depthwise") and factor is not None and factor > 1 and given["stride"] == 1:
        yield {"stride": factor}
    if "ceil" in given:
        yield {"ceil": not given["ceil"]}
    window, stride = given.get("k"), given.get("stride")
    if (
        op.name in ("conv", "depthwise")
        and given["pad"] != "same"
        and (window if isinstance(window, int) else sum(window or ())) % 2
    ):
        yield {"pad": "same"}
    if op.name == "upconv" and isinstance(window, int) and isinstance(stride, int) and window >= stride > 1:
        pad = (window - stride + 1) // 2
        more = 2 * pad + stride - window
        yield {"pad": pad, "output_pad": more} if more or "output_pad" in op.given else {"pad": pad}


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


def _remedy(op: Op, span: Span, changes: Mapping[str, Any]) -> Remedy:
    """Return the remedy that changes the rounding or padding of an op."""
    text = span.text
    why = "one side rounds up, and the other down: " if "ceil" in changes else "one side is padded otherwise: "
    why = "one side has a stride, and the other none: " if "stride" in changes else why
    if changes == {"ceil": False}:
        return guess(f"{why}leave out `ceil = true` of `{text}`")
    call = written_call(span)
    places = {argument.name: argument.value for argument in call.arguments} if call is not None else {}
    added, replaced = list[str](), list[tuple[Span, str]]()
    for name, value in changes.items():
        shown = show(value, op.words(name))
        if name not in op.given:
            added.append(f"{name} = {shown}")
        elif name in places:
            replaced.append((places[name], shown))
        else:
            return guess(f"{why}`{name} = {shown}` in `{text}`")
    written = text
    for place, shown in sorted(replaced, reverse=True, key=lambda one: one[0].start):
        written = written[: place.start - span.start] + shown + written[place.end - span.start :]
    if added:
        arguments = ", ".join(added)
        written = f"{written[:-1]}, {arguments})" if written.endswith(")") else f"{written}({arguments})"
    return guess(f"{why}write `{written}`", Edit(span, written))


def _projected(op: str, branches: Sequence[Value], body: ast.Body, env: Environment) -> tuple[Remedy, ...]:
    """Return what brings a branch that is `x` or a label to the shape of the other one: a convolution, or a pool for `concat`."""
    if len(branches) != 2 or len(body.statements) != 2 or op not in ("add", "concat", "shake") or len(branches[0].shape) < 2:
        return ()
    for at, statement in enumerate(body.statements):
        own, other = branches[at].shape, branches[1 - at].shape
        stage = statement.stages[0] if isinstance(statement, ast.Pipeline) and len(statement.stages) == 1 else None
        called = ast.bare(stage.call) if isinstance(stage, ast.CallStage) else None
        if not isinstance(called, ast.Name) or not isinstance(env.find(called.id), Value):
            continue
        if all(size == 1 for size in other[1:]):
            continue  # a gate, which stretches
        factor = _common_factor(own[1:], other[1:])
        if factor is None or (op == "concat" and factor == 1):
            continue
        name = called.id
        written = f"conv({other[0]}, 1{f', stride = {factor}' if factor > 1 else ''})"
        if op == "concat":
            down = all(mine // factor == wanted for mine, wanted in zip(own[1:], other[1:], strict=True))
            written = f"maxpool({factor}{'' if down else ', ceil = true'})"
        written = written if name == "x" else f"{name} -> {written}"
        return (guess(f"bring `{name}` to the shape of the other branch: `{written}`", Edit(called.span, written)),)
    return ()


def _common_factor(own: Shape, other: Shape) -> int | None:
    """Return the stride that makes one map as large as another one; None if there is none."""
    factors = {_factor(mine, wanted) for mine, wanted in zip(own, other, strict=True)}
    return next(iter(factors)) if len(factors) == 1 else None


def _factor(mine: Dim, wanted: Dim) -> int | None:
    """Return the stride that makes one size of another; None if there is none."""
    if not isinstance(mine, int) or not isinstance(wanted, int) or wanted > mine:
        return None
    factor = -(-mine // wanted)
    return factor if -(-mine // factor) == wanted else None
