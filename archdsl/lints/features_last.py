"""W0128: `linear(64) -> ln` on tokens, whose features are last, where an op reads axis 0 because no axis is written.

Shapes do not tell `[C, L]` from `[L, C]`, but ops do: what `embedding`, `linear`, `mha` and `attend` give has its features
last, and what `rearrange`, `permute` and `transpose` move is followed. Of values that come from elsewhere, such as the input of
a block, nothing is known; but what goes into `mha` are tokens. A written axis is meant, and so is a convolution of one position,
which mixes the positions of tokens in MLP-Mixer.
"""

from __future__ import annotations

from typing import Any, Final

from archdsl.diagnostics import Diagnostic, Edit, codes
from archdsl.ir import OpNode, Value
from archdsl.lints.rule import OpRule
from archdsl.ops import Category, Op
from archdsl.source import Span
from archdsl.syntax.written_calls import written_call

_LAST: Final = frozenset({"embedding", "lookup", "mha", "attend", "unembed", "matmul"})
"""Ops whose results have their features last."""
_WITH_AXIS: Final = frozenset({"ln", "rms_norm", "grn", "softmax", "log_softmax", "split"})
"""Ops that read axis 0 unless another one is written."""
_AVERAGES: Final = frozenset({"gap", "avgpool_to", "maxpool_to"})
_KEEPS: Final = frozenset({"slice", "split", "roll", "pad_to", "pos_embed", "layer_scale", "window_shift", "crop_like", "real"})
"""Ops that leave each axis in its place, besides those of a category that does."""
_ELEMENTWISE: Final = frozenset(
    {Category.ACTIVATION, Category.REGULARIZATION, Category.SCALE, Category.JOIN, Category.NORMALIZATION}
)
_FARTHEST: Final = 40
"""The number of ops that are looked through."""


def _check(node: OpNode) -> Diagnostic | None:
    op: Any = node.op
    shape = node.input_shapes[0] if node.inputs else ()
    if len(shape) < 2 or "axis" in op.given or (op.category is Category.CONVOLUTION and op.k == 1):
        return None
    if _features(node.inputs[0]) != len(shape) - 1 and not _goes_into_attention(node):
        return None
    if op.name in _WITH_AXIS:
        return codes.misread_bodies.FeaturesLast(op.name, shape, *_with_axis(op, node.span))
    instead = "mean(axis = 0)" if op.name in _AVERAGES and len(shape) == 2 else None
    return codes.misread_bodies.FeaturesLast(op.name, shape, instead)


def _with_axis(op: Op, span: Span | None) -> tuple[str, Edit | None]:
    """Return a call with its axis, and the edit if the text has the call there."""
    if span is None or span.text.partition("(")[0] != op.name:
        return f"{op.name}(axis = -1)", None
    call = written_call(span)
    arguments = [argument.text for argument in call.arguments] if call is not None else []
    written = f"{op.name}({', '.join([*arguments, 'axis = -1'])})"
    return written, Edit(span, written)


def _goes_into_attention(node: OpNode) -> bool:
    """Return whether `mha` takes what a normalization makes."""
    users = node.output.users if node.op.category is Category.NORMALIZATION else ()
    return any(isinstance(user, OpNode) and user.op.name == "mha" for user in users)


def _features(value: Value) -> int | None:
    """Return the axis of the features of a value, as far as the ops that make it tell; None if they do not."""
    moves: list[OpNode] = []
    for _ in range(_FARTHEST):
        node = value.producer
        if not isinstance(node, OpNode) or not node.inputs:
            return None
        axis = _made_at(node)
        if axis is not None:
            for move in reversed(moves):
                axis = _moved(move, axis) if axis is not None else None
            return axis
        if not _is_followed(node):
            return None
        moves.append(node)
        value = node.inputs[0]
    return None


def _made_at(node: OpNode) -> int | None:
    """Return the axis of the features that an op makes, whatever its input; None if it makes none."""
    op: Any = node.op
    last = len(node.output.shape) - 1
    if op.name in _LAST or (op.name == "linear" and last > 0 and _features(node.inputs[0]) in (None, last)):
        return last
    if op.category is Category.CONVOLUTION:
        return 0
    return last if op.name in ("ln", "rms_norm", "grn") and op.axis in (-1, last) else None


def _is_followed(node: OpNode) -> bool:
    op = node.op
    return op.category in _ELEMENTWISE or op.name in _KEEPS or op.name in ("transpose", "permute", "rearrange", "reshape")


def _moved(node: OpNode, axis: int) -> int | None:
    """Return where an op puts an axis; None if that cannot be told."""
    op: Any = node.op
    before = node.input_shapes[0]
    if op.name == "transpose":
        a, b = op.attributes(before).values()
        return int({a: b, b: a}.get(axis, axis))
    if op.name == "permute":
        return int(op.attributes(before)["order"].index(axis))
    if op.name == "rearrange":
        axes = op.axes(*node.input_shapes)
        names = {*axes.left[axis].names}
        return next((at for at, group in enumerate(axes.right) if names and names <= {*group.names}), None)
    if op.name == "reshape":
        after = node.output.shape
        return 0 if axis == 0 and after and after[0] == before[0] else None
    return axis


def _reads_channels(op: type[Op]) -> bool:
    return (
        op.name in _WITH_AXIS
        or op.name in _AVERAGES
        or op.category is Category.POOLING
        or op.name in ("bn", "gn", "instance_norm", "lrn", "conv", "depthwise")
    )


RULE = OpRule("W0128", _reads_channels, _check)
