"""Run the rules: those on a network as soon as its graph is known, those on the text of a file at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from archdsl.analysis import SymbolicSizes
from archdsl.diagnostics import Diagnostic
from archdsl.ir import Graph
from archdsl.lints.registry import RULES
from archdsl.lints.rule import GraphRule, OpRule, RecipeRule, SizesRule, Tree, TreeRule
from archdsl.source import Span

if TYPE_CHECKING:
    from archdsl.recipe import Recipe


def lint_graph(graph: Graph, *, partial: bool = False) -> list[Diagnostic]:
    """Return what the rules on graphs find; of a graph that lacks what an error hides, what the local ones do."""
    found = [one for rule in RULES if isinstance(rule, GraphRule) and (rule.local or not partial) for one in rule.check(graph)]
    return [*found, *_lint_ops(graph)]


def _lint_ops(graph: Graph) -> Iterator[Diagnostic]:
    """Yield what the rules on single ops find, in one pass over the graph; of calls of one block, at the first."""
    rules, reported = dict[str, list[OpRule]](), set[tuple[str, Span]]()
    for function in graph.functions():
        for node in function.ops:
            if node.op.name not in rules:
                rules[node.op.name] = [rule for rule in RULES if isinstance(rule, OpRule) and rule.is_about(node.op.__class__)]
            for rule in rules[node.op.name]:
                span = node.span
                if span is None or (rule.code, span) in reported:
                    continue
                finding = rule.check(node)
                if finding is not None:
                    reported.add((rule.code, span))
                    yield finding.at(span)


def lint_sizes(graph: Graph, sizes: SymbolicSizes) -> list[Diagnostic]:
    """Return what the rules on symbolic sizes find. Without any, or if no size works, there is nothing to look at."""
    if not sizes.needed:
        return []
    return [found for rule in RULES if isinstance(rule, SizesRule) for found in rule.check(graph, sizes)]


def lint_recipe(graph: Graph, recipe: Recipe, places: Mapping[str, Span]) -> list[Diagnostic]:
    """Return what the rules on recipes find."""
    return [found for rule in RULES if isinstance(rule, RecipeRule) for found in rule.check(graph, recipe, places)]


def lint_tree(tree: Tree) -> list[Diagnostic]:
    """Return what the rules on the text of a file find. Its errors have to be known: what may follow from them is left out."""
    return [found for rule in RULES if isinstance(rule, TreeRule) for found in rule.check(tree)]
