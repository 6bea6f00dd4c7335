"""The projection that a skip lacks, written so that it fits every call of the block, not only the one that failed.

The body's stride and channels are taken from the source, `conv(width, 1, stride)`, where they are the same expressions in
every call. The shortcut is then projected exactly when a call needs it: `if stride != 1 or x.c != width { ... }`. This is certain
if all that changes shapes in the body are convolutions that keep the size but for their stride, each of which runs in every
call: such a body and a 1x1 convolution of the same stride give the same size whatever the input.
"""

from __future__ import annotations

from typing import NamedTuple

from archdsl.diagnostics.record import Edit, Remedy, certain, guess
from archdsl.elaborate.expression_text import names_in
from archdsl.elaborate.join_errors import nodes_after
from archdsl.elaborate.values import Environment, Unknown
from archdsl.ir import Call, GraphBuilder, Node, OpNode, Value
from archdsl.ops import Category
from archdsl.shapes import Shape
from archdsl.source import Span
from archdsl.syntax import nodes as ast

_KEEPS_SHAPE = frozenset({Category.NORMALIZATION, Category.ACTIVATION, Category.REGULARIZATION, Category.SCALE})


class _Argument(NamedTuple):
    """How the source writes a number of an op: its text, and its value if that is the same in every call."""

    text: str
    constant: int | None


def projection(builder: GraphBuilder, skip: ast.Skip, env: Environment, start: Value, body: Value, *, once: bool) -> Remedy:
    """Return the remedy for a skip without `via` whose body changes the shape: one for every call, else one for these shapes.

    `once` says that the skip runs once, so that its shortcut needs no condition.
    """
    return _for_every_call(builder, skip, env, start, body, once) or _for_these_shapes(builder, skip, start, body)


def _for_these_shapes(builder: GraphBuilder, skip: ast.Skip, start: Value, body: Value) -> Remedy:
    """Return a guess: a 1x1 convolution with a stride, if one gives the shape of the body."""
    stride = _stride(start.shape, body.shape)
    if len(body.shape) > 1 and all(size == 1 for size in body.shape[1:]) and any(size != 1 for size in start.shape[1:]):
        inside = skip.body.span.text.strip("{} \n").replace("\n", ";")
        gate = f"mul {{ x; {{ {'...' if len(inside) > 60 or '#' in inside else inside} }} }}"
        return guess(f"one number for each channel is a gate, `{gate}`, or added by `add(broadcast = true) {{ x; {{ ... }} }}`")
    if stride is None:
        return guess("a shortcut that gives the body's shape goes after it: `skip { ... } via { ... }`")
    normalized = any(_has_norm(node) for node in nodes_after(builder, start))
    step = f", stride = {stride}" if stride != 1 else ""
    text = f"via {{ conv({body.shape[0]}, 1{step}){' -> bn' if normalized else ''} }}"
    return guess(f"for these sizes, project the shortcut: `{text}`", Edit(_end(skip), f" {text}"))


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


def _end(skip: ast.Skip) -> Span:
    return Span(skip.span.file, skip.span.end, skip.span.end)


def _for_every_call(
    builder: GraphBuilder, skip: ast.Skip, env: Environment, start: Value, body: Value, once: bool
) -> Remedy | None:
    """Return a remedy that fits every call of the block; None if none is certain."""
    calls = _calls_in(skip.body)
    path = _path(builder, start, body)
    if calls is None or path is None:
        return None
    strides: list[_Argument] = []
    channels: _Argument | None = None
    normalization = ""
    for node in path:
        call = calls.get(node.span)
        if call is None:
            return None
        if node.op.category in _KEEPS_SHAPE:
            if node.op.category is Category.NORMALIZATION and _is_visible(call, env):
                normalization = call.span.text
            continue
        if not _keeps_size_but_for_stride(node):
            return None
        stride, channels, normalization = _argument(call, node, "stride", env), _argument(call, node, "out", env), ""
        if stride is None or channels is None:
            return None
        strides.append(stride)
    if channels is None:
        return None
    product, fixed = _product(strides)
    text = _shortcut(product, fixed, channels, normalization, once)
    help = f"project the shortcut: `via {{ {text} }}`"
    if text.startswith("if "):
        keeps = f"{product} == 1 and " if product else ""
        help += f"; or have none where the shape changes: `skip(when = {keeps}x.c == {channels.text}) {{ ... }}`"
    return certain(help, Edit(_end(skip), f" via {{ {text} }}"))


def _product(strides: list[_Argument]) -> tuple[str, int]:
    """Return the product of the strides as a text, empty if it is 1 in every call, and that of those that are constant."""
    varying = [stride.text for stride in strides if stride.constant is None]
    fixed = 1
    for stride in strides:
        fixed *= stride.constant or 1
    factors = [*([str(fixed)] if fixed != 1 else []), *varying]
    return " * ".join(factors if len(factors) == 1 else [_as_factor(factor) for factor in factors]), fixed


def _shortcut(product: str, fixed: int, channels: _Argument, normalization: str, once: bool) -> str:
    varying = product not in ("", str(fixed))
    step = f", {product}" if varying else f", stride = {product}" if product else ""
    convolution = f"conv({channels.text}, 1{step})"
    stages = f"{convolution} -> {normalization}" if normalization else convolution
    if once or fixed != 1:
        return stages
    return f"if {f'{product} != 1 or ' if varying else ''}x.c != {channels.text} {{ {stages} }}"


def _as_factor(text: str) -> str:
    return text if text.replace("_", "").replace(".", "").isalnum() else f"({text})"


def _calls_in(body: ast.Body) -> dict[Span | None, ast.Expr] | None:
    """Return the ops and blocks that a body calls, by their places; None if not all of them run in every call."""
    found: dict[Span | None, ast.Expr] = {}
    for statement in body.statements:
        if isinstance(statement, ast.Expect):
            continue
        if not isinstance(statement, ast.Pipeline) or (statement.label is not None and statement.label.indices):
            return None
        for stage in statement.stages:
            if not isinstance(stage, ast.CallStage):
                return None
            found[stage.call.span] = stage.call
    return found


def _path(builder: GraphBuilder, start: Value, body: Value) -> list[OpNode] | None:
    """Return the ops from the start of a skip to the end of its body, in order; None if it is no plain chain of ops."""
    found: list[OpNode] = []
    groups: list[Call] = []
    value = body
    while value is not start:
        node = value.producer
        if node is None:
            if not groups:
                return found[::-1] if builder.outside(value) is builder.outside(start) else None
            value = groups.pop().inputs[value.position]
        elif isinstance(node, Call):
            if node.callee.kind != "group":
                return None
            groups.append(node)
            value = node.callee.outputs[value.position]
        else:
            assert isinstance(node, OpNode)
            if len(node.inputs) != 1:
                return None
            found.append(node)
            value = node.inputs[0]
    return found[::-1]


def _keeps_size_but_for_stride(node: OpNode) -> bool:
    """Return whether a convolution gives as many windows as a 1x1 convolution of its stride, whatever the size."""
    if node.op.name != "conv":
        return False
    resolved = node.op.attributes(*node.input_shapes)
    windows = zip(resolved["k"], resolved["pad"], resolved["dilation"], strict=True)
    return all(2 * pad == dilation * (k - 1) for k, pad, dilation in windows) and len(set(resolved["stride"])) == 1


def _argument(call: ast.Expr, node: OpNode, name: str, env: Environment) -> _Argument | None:
    """Return an argument of an op as its call writes it; None if the shortcut could not write it."""
    given = _given(call, node, name)
    resolved = node.op.attributes(*node.input_shapes)[name]
    value = resolved[0] if isinstance(resolved, tuple) else resolved
    if given is None:
        return _Argument(str(value), value)
    names = names_in(given)
    if names is None or any(env.find(used) is Unknown for used in names):
        return None
    if any(isinstance(part, ast.Attribute) for part in ast.walk(given)):
        return None  # `x.c` is another number in the shortcut
    return _Argument(given.span.text, None if names else value)


def _given(call: ast.Expr, node: OpNode, name: str) -> ast.Expr | None:
    """Return the expression that a call gives for a parameter; None if it leaves it to the default."""
    order = node.op.parameters_in_order()
    position = 0
    for argument in call.arguments if isinstance(call, ast.CallExpr) else ():
        if argument.name == name:
            return argument.value
        if argument.name is None:
            if position < len(order) and order[position] == name:
                return argument.value
            position += 1
    return None


def _is_visible(call: ast.Expr, env: Environment) -> bool:
    """Return whether the shortcut can make the same call as the body."""
    callee = call.callee if isinstance(call, ast.CallExpr) else call
    if not isinstance(callee, ast.Name):
        return False
    arguments = call.arguments if isinstance(call, ast.CallExpr) else ()
    names = [names_in(argument.value) for argument in arguments]
    return all(used is not None and all(env.find(name) is not Unknown for name in used) for used in names)
