"""W0122: `upsample(224)`, a size where a factor stands, as in PyTorch's `Upsample(size)`. Networks enlarge by 32 at most."""

from __future__ import annotations

from typing import Any, Final

from archdsl.diagnostics import Diagnostic, Edit, codes
from archdsl.ir import OpNode
from archdsl.lints.rule import OpRule
from archdsl.shapes import Shape
from archdsl.source import Span
from archdsl.syntax.written_calls import written_call

_MOST: Final = 32


def _check(node: OpNode) -> Diagnostic | None:
    op: Any = node.op
    if (op.scale if isinstance(op.scale, int) else max(op.scale)) <= _MOST or node.span is None:
        return None
    return _finding(op, node.input_shapes[0], node.output.shape, node.span)


def _finding(op: Any, before: Shape, after: Shape, span: Span) -> Diagnostic:
    """Return the finding, with the factor if the number is a multiple of every size."""
    factors = {op.scale // size for size in before[1:] if isinstance(op.scale, int) and isinstance(size, int)}
    fits = all(isinstance(size, int) and isinstance(op.scale, int) and op.scale % size == 0 for size in before[1:])
    factor = next(iter(factors)) if fits and len(factors) == 1 else None
    call = written_call(span)
    place = call.value_of("scale", op) if call is not None else None
    edit = Edit(place, str(factor)) if place is not None and factor is not None else None
    return codes.habits.SizeAsFactor(op.scale, after, factor, edit)


RULE = OpRule("W0122", frozenset({"upsample"}), _check)
