"""W0117: `bn(momentum = 0.99)`, the share of the old mean, as Keras, TensorFlow, Caffe and papers give it.

Here, as in PyTorch, it is the share of the new batch: running statistics with 0.99 are nearly those of the last batch, and the
network fails in evaluation. No published network has a share above one half.
"""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic, Edit, codes
from archdsl.ir import OpNode
from archdsl.lints.rule import OpRule
from archdsl.ops.normalization import BatchNorm
from archdsl.source import Span
from archdsl.syntax.written_calls import written_call


def _check(node: OpNode) -> Diagnostic | None:
    op = node.op
    if not isinstance(op, BatchNorm) or op.momentum <= 0.5 or node.span is None:
        return None
    return codes.habits.OtherMomentum(op.name, op.momentum, *_rewritten(op, node.span))


def _rewritten(op: BatchNorm, span: Span) -> tuple[str, Edit | None]:
    """Return the weight of the new batch, and the edit that writes it; no edit if the momentum is computed elsewhere."""
    share = f"{round(1 - op.momentum, 10):g}"
    call = written_call(span)
    place = call.value_of("momentum", op) if call is not None else None
    is_number = place is not None and place.text.replace(".", "").replace("_", "").isdecimal()
    return share, Edit(place, share) if place is not None and is_number else None


RULE = OpRule("W0117", frozenset({"bn"}), _check)
