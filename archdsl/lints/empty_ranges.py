"""W0112: a range of two literals that holds no number, such as `3..0`.

A range cannot count down, so that a loop over it never runs. A range of computed numbers may well be empty, as in the first
of several stages, and is not reported, nor is an empty part of a list, as `widths[2..2]`, nor one whose step is an error. The
fix is the range that counts down, or the one that includes its end.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics import Diagnostic, codes
from archdsl.lints.rule import Tree, TreeRule
from archdsl.syntax import nodes as ast


def _check(tree: Tree) -> Iterable[Diagnostic]:
    nodes = list(ast.walk(tree.file))
    parts = {id(ast.bare(node.index)) for node in nodes if isinstance(node, ast.Index)}
    for node in nodes:
        if isinstance(node, ast.RangeExpr) and id(node) not in parts:
            start, stop, step = _literal(node.start), _literal(node.stop), 1 if node.step is None else _literal(node.step)
            if start is not None and stop is not None and start >= stop and (step is None or step > 0):
                yield codes.source_warnings.EmptyRange(start, stop, step).at(node.span)


def _literal(expression: ast.Expr) -> int | None:
    """Return the number that an expression spells, with or without a sign; None if it is none, or computed."""
    expression = ast.bare(expression)
    if isinstance(expression, ast.Unary) and expression.operator in "+-":
        unsigned = _literal(expression.operand)
        return unsigned if unsigned is None or expression.operator == "+" else -unsigned
    value = expression.value if isinstance(expression, ast.Literal) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


RULE = TreeRule("W0112", _check)
