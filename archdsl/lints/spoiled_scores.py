"""W0106: a network that ends in an op that a loss for classes applies by itself, or that cuts its scores off.

Applied twice, `softmax` leaves small gradients, and training is slow, without any error. The fix removes the op; the network
gives other numbers then, so that it is only offered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from archdsl.diagnostics import Diagnostic, codes
from archdsl.ir import Call, Graph, OpNode, Value
from archdsl.lints.edits import without_stage
from archdsl.lints.rule import RecipeRule
from archdsl.source import Span

if TYPE_CHECKING:
    from archdsl.recipe import Recipe

_KEEPS_NUMBERS: Final = {"flatten", "reshape", "permute", "transpose", "slice", "crop_like"}
"""Ops after which scores are the same numbers."""
_SPOILS: Final = {
    **dict.fromkeys(("relu", "softplus"), "gives no negative ones"),
    **dict.fromkeys(("relu6",), "gives none below 0 or above 6"),
    **dict.fromkeys(("sigmoid", "hardsigmoid", "softmax"), "gives none below 0 or above 1"),
    "tanh": "gives none below -1 or above 1",
    **dict.fromkeys(("elu", "selu", "gelu", "silu", "mish", "hardswish"), "gives hardly any below zero"),
    **dict.fromkeys(("dropout", "dropout2d", "droppath"), "sets some to zero at random"),
}
"""Ops that a loss for classes cannot have behind the last layer, and what they do to scores."""


def _check(graph: Graph, recipe: Recipe, places: Mapping[str, Span]) -> Iterable[Diagnostic]:
    loss = recipe.loss
    if loss.wants == "values":
        return
    ends = [value for result, value in zip(graph.results, graph.main.outputs, strict=True) if result.kind != "output"]
    for node in dict.fromkeys(_last_op(value) for value in ends):
        if node is None:
            continue
        name, deletion = node.op.name, without_stage(node.span) if node.span is not None else None
        if name == loss.applies:
            yield codes.warnings.AppliedTwice(loss.name, name, deletion).at(node.span)
        elif name in _SPOILS:
            yield codes.warnings.ScoresCutOff(loss.name, name, _SPOILS[name], deletion).at(node.span)


def _last_op(value: Value) -> OpNode | None:
    """Return the op that makes the numbers of a value; None if they are those of an input."""
    callers: list[Call] = []
    while True:
        node = value.producer
        if node is None:
            if not callers:
                return None
            value = callers.pop().inputs[value.position]
        elif isinstance(node, Call):
            callers.append(node)
            value = node.callee.outputs[value.position]
        else:
            assert isinstance(node, OpNode)
            if node.op.name not in _KEEPS_NUMBERS:
                return node
            value = node.inputs[0]


RULE = RecipeRule("W0106", _check)
