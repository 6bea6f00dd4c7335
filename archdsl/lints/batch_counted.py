"""W0118: `softmax(1)`, `concat(axis = 1)`, `reshape([-1, 128, 7, 7])`: numbers of axes that count the batch.

The channels are axis 0 here and axis 1 in PyTorch, Keras and Caffe. A negative number means the same axis everywhere, so that
it is never reported, and who means the axis after the channels can write it. `slice` often takes a part of that axis.
"""

from __future__ import annotations

from math import prod
from typing import Any, Final

from archdsl.diagnostics import Diagnostic, Edit, codes
from archdsl.ir import OpNode
from archdsl.lints.following_tokens import following_tokens
from archdsl.lints.rule import OpRule
from archdsl.ops import Op
from archdsl.ops.dense import Reshape
from archdsl.ops.join import Join
from archdsl.shapes import format_shape
from archdsl.source import Span
from archdsl.syntax.written_calls import written_call

_AXIS_ALONE: Final = ["LPAR", "NAME", "EQUAL", "INT", "RPAR"]
_OFTEN_MEANT: Final = frozenset({"slice"})
"""Ops that often take the axis behind the channels."""


def _check(node: OpNode) -> Diagnostic | None:
    return _reshaped(node) if isinstance(node.op, Reshape) else _axis(node)


def _axis(node: OpNode) -> Diagnostic | None:
    op: Any = node.op
    rank = len(node.input_shapes[0]) if node.inputs else 0
    if "axis" not in op.given or op.axis != 1 or rank < 2:
        return None
    place = _place_of_axis(op, node.span)
    statement = (
        f"{op.name}(axis = {{}}) {{{{ ... }}}}" if isinstance(op, Join) and op.joins_branches else f"{op.name}(axis = {{}})"
    )
    channels, meant = statement.format(0), statement.format(1 - rank)
    edit = Edit(place, "0") if place is not None and place.text == "1" else None
    return codes.habits.AxisWithBatch(op.name, node.input_shapes[0], channels, meant, edit)


def _place_of_axis(op: Any, span: Span | None) -> Span | None:
    """Return the place of the axis in a call, or in the options of a join, which follow its keyword."""
    if span is None:
        return None
    if isinstance(op, Join) and op.joins_branches:
        options = following_tokens(span)[: len(_AXIS_ALONE)]
        if [token.type for token in options] != _AXIS_ALONE or options[1] != "axis":
            return None
        return Span(span.file, span.end + options[3].start_pos, span.end + options[3].end_pos)
    call = written_call(span)
    return call.value_of("axis", op) if call is not None else None


def _reshaped(node: OpNode) -> Diagnostic | None:
    """Return the finding about a shape whose first size is computed, and is 1, as that of a batch in PyTorch."""
    op: Any = node.op
    shape = node.output.shape
    rest = op.sizes[1:]
    if op.sizes[0] != -1 or shape[0] != 1 or not rest or prod(rest) == 1:
        return None
    written = f"reshape({format_shape(rest)})" if len(rest) > 1 else "flatten"
    exact = node.span is not None and written_call(node.span) is not None
    return codes.habits.ReshapedBatch(shape, written, Edit(node.span, written) if exact and node.span is not None else None)


def _has_axes(op: type[Op]) -> bool:
    return (op.name == "reshape" or "axis" in op.fields) and op.name not in _OFTEN_MEANT


RULE = OpRule("W0118", _has_axes, _check)
