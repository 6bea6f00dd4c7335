"""Remedies for claims about shapes as other frameworks have them: with a batch, or with channels last."""

from __future__ import annotations

from typing import Any

from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.values import Environment
from archdsl.ir import Value
from archdsl.shapes import format_shape
from archdsl.syntax import nodes as ast


def remedy_of_claim(evaluator: Evaluator, claim: ast.Expr, env: Environment) -> str | None:
    """Return what a false claim may be about instead; None if that is unknown."""
    chain = ast.bare(claim)
    if not isinstance(chain, ast.Chain) or chain.operators[0] != "==" or len(chain.operands) != 2:
        return None
    left, right = (evaluator.evaluate(operand, env) for operand in chain.operands)
    text, claimed = (operand.span.text for operand in chain.operands)
    if isinstance(left, Value) and isinstance(right, tuple):
        return f"a value is no list of sizes: `{text}.shape == {claimed}`"
    if not _is_shape(left) or not _is_shape(right) or not text.endswith("shape"):
        return None
    if len(right) == len(left) + 1 and right[1:] == left:
        return f"the batch is not written: `{text} == {format_shape(left)}`"
    if len(left) > 2 and right == (*left[1:], left[0]):
        return f"the channels come first: `{text} == {format_shape(left)}`"
    return None


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(size, int) for size in value)
