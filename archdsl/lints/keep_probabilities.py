"""W0119: `dropout(0.8)`, the share that TensorFlow 1 and papers on stochastic depth keep, where the share to drop stands.

More than three quarters are hardly ever dropped: auxiliary heads drop 0.7, and nothing in the zoo more.
"""

from __future__ import annotations

from typing import Any, Final

from archdsl.diagnostics import Diagnostic, Edit, codes
from archdsl.ir import OpNode
from archdsl.lints.rule import OpRule
from archdsl.source import Span
from archdsl.syntax.written_calls import written_call

_MOST: Final = 0.75


def _check(node: OpNode) -> Diagnostic | None:
    op: Any = node.op
    return _finding(op, node.span) if op.p >= _MOST and node.span is not None else None


def _finding(op: Any, span: Span) -> Diagnostic:
    """Return the finding at the op, or at the option of a skip, which makes the op."""
    share = f"{round(1 - op.p, 10):g}"
    if span.text == "skip":
        return codes.habits.DropsMost("skip", "drop", op.p, f"skip(drop = {share}) {{ ... }}")
    call = written_call(span)
    place = call.value_of("p", op) if call is not None else None
    is_number = place is not None and place.text.replace(".", "").isdecimal()
    edit = Edit(place, share) if place is not None and is_number else None
    return codes.habits.DropsMost(op.name, "p", op.p, f"{op.name}({share})", edit)


RULE = OpRule("W0119", frozenset({"dropout", "dropout2d", "droppath"}), _check)
