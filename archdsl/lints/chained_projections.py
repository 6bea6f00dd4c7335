"""W0126: `q: linear(64); k: linear(64); attend(q, k, ...)`, where the keys are a projection of the queries.

Each stage takes what flows, and a label does not restart it: the second `linear` takes what the first gives. Between a projection
and `attend`, ops that only rearrange are looked through. Keys that are computed from queries by more than one layer may be meant.
"""

from __future__ import annotations

from typing import Final

from archdsl.diagnostics import Diagnostic, codes
from archdsl.ir import OpNode, Value
from archdsl.lints.rule import OpRule
from archdsl.ops import Category

_PROJECTIONS: Final = frozenset({"linear", "conv", "bottleneck"})


def _check(node: OpNode) -> Diagnostic | None:
    query, key, value = map(_rearranged, node.inputs[:3])
    for what, projected, source in (("keys", key, query), ("values", value, key), ("values", value, query)):
        layer = projected.producer
        if projected is not source and isinstance(layer, OpNode) and _is_projection(source) and _is_projection(projected):
            if layer.inputs[0] is source and source.span is not None:
                of = "queries" if source is query else "keys"
                return codes.misread_bodies.ChainedProjection(what, of, layer.op.name, source.span)
    return None


def _rearranged(value: Value) -> Value:
    """Return the value that one only rearranges."""
    maker = value.producer
    while isinstance(maker, OpNode) and (maker.op.category is Category.SHAPE or maker.op.name == "reshape"):
        value = maker.inputs[0]
        maker = value.producer
    return value


def _is_projection(value: Value) -> bool:
    return isinstance(value.producer, OpNode) and value.producer.op.name in _PROJECTIONS


RULE = OpRule("W0126", frozenset({"attend"}), _check)
