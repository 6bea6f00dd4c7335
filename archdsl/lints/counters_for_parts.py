"""W0130: two names after `for` that look like the parts of each element, as in `for wide, depth in [[16, 1], [32, 2]]`.

Every element must be written as a list of two, in the loop or in the constant or default that it names. The second name must be
used as a number alone, or not at all, while the first is read: an element that is taken apart, or handed on as a whole, is
meant as one. The fix gives the parts the names.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics import Diagnostic, codes
from archdsl.lints.rule import Tree, TreeRule
from archdsl.source import Span
from archdsl.syntax import nodes as ast
from archdsl.syntax.uses import counter_and_element, parents_of

_OF_LISTS = frozenset({"+", "==", "!=", "and", "or"})
"""Operators that lists may stand beside."""


def _check(tree: Tree) -> Iterable[Diagnostic]:
    for definition in tree.definitions.values():
        for loop in ast.walk(definition):
            if not isinstance(loop, ast.For | ast.Comprehension):
                continue
            names = counter_and_element(loop.targets)
            if names is None or not tree.is_sound_in(loop) or not _holds_pairs(loop.iterable, definition, tree):
                continue
            inside = (loop.body,) if isinstance(loop, ast.For) else (loop.element, loop.condition)
            is_read = any(True for _ in parents_of(names[0], *inside)) or isinstance(inside[0], ast.Name)
            if is_read and all(map(_takes_number, parents_of(names[1], *inside))) and not _is(inside[0], names[1]):
                first, second = loop.targets
                place = Span(first.span.file, first.span.start, second.span.end)
                yield codes.reuse.CounterForPart(*names, place).at(place)


def _is(node: ast.Node, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _takes_number(node: ast.Node) -> bool:
    """Return whether only a number can stand below a node."""
    if isinstance(node, ast.Chain):
        return not _OF_LISTS.intersection(node.operators)
    return isinstance(node, ast.Unary | ast.RangeExpr | ast.Repeat)


def _holds_pairs(iterable: ast.Expr, definition: ast.Definition, tree: Tree) -> bool:
    """Return whether an expression is a list of lists of two, or names one."""
    iterable = ast.bare(iterable)
    if isinstance(iterable, ast.Name):
        values = _values(iterable.id, definition, tree)
        return len(values) == 1 and not isinstance(values[0], ast.Name) and _holds_pairs(values[0], definition, tree)
    items = [ast.bare(item) for item in iterable.items] if isinstance(iterable, ast.ListExpr) else []
    return bool(items) and all(isinstance(item, ast.ListExpr) and len(item.items) == 2 for item in items)


def _values(name: str, definition: ast.Definition, tree: Tree) -> list[ast.Expr]:
    """Return what a name may stand for: constants and defaults of the definition, or else a constant of the file."""
    nodes = list(ast.walk(definition))
    found = [node.value for node in nodes if isinstance(node, ast.Let) and node.name == name]
    parameters = [node for node in nodes if isinstance(node, ast.Parameter) and node.name == name]
    found += [parameter.default for parameter in parameters if parameter.default is not None]
    constant = tree.definitions.get(name)
    return found or ([constant.value] if isinstance(constant, ast.Constant) else [])


RULE = TreeRule("W0130", _check)
