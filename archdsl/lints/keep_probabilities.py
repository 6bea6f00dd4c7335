"""W0119: `dropout(0.8)`, the share that TensorFlow 1 and papers on stochastic depth keep, where the share to drop stands.

More than three quarters are hardly ever dropped: auxiliary heads drop 0.7, and nothing in the zoo more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from archdsl.diagnostics import Diagnostic, Edit, codes
from archdsl.ir import Graph, OpNode
from archdsl.lints.calls import written_call
from archdsl.lints.rule import GraphRule
from archdsl.source import Span

_MOST: Final = 0.75
_OPS: Final = frozenset({"dropout", "dropout2d", "droppath"})


def _check(graph: Graph) -> Iterable[Diagnostic]:
    found: dict[Span, Diagnostic] = {}
    for function in graph.functions():
        for node in function.ops:
            op: Any = node.op
            if op.name in _OPS and op.p >= _MOST and node.span is not None and node.span not in found:
                found[node.span] = _finding(op, node, node.span)
    return found.values()


def _finding(op: Any, node: OpNode, span: Span) -> Diagnostic:
    """Return the finding at the op, or at the option of a skip, which makes the op."""
    share = f"{round(1 - op.p, 10):g}"
    if span.text == "skip":
        return codes.habits.DropsMost("skip", "drop", op.p, f"skip(drop = {share}) {{ ... }}").at(span)
    call = written_call(span)
    place = call.value_of("p", op) if call is not None else None
    is_number = place is not None and place.text.replace(".", "").isdecimal()
    edit = Edit(place, share) if place is not None and is_number else None
    return codes.habits.DropsMost(op.name, "p", op.p, f"{op.name}({share})", edit).at(span)


RULE = GraphRule("W0119", _check, local=True)
