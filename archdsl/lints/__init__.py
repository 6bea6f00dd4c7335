"""Rules about specs that work, and may not do what was meant. Each is a file, which describes what it finds and its fix.

What a rule means to a user is said with its code, in `archdsl.diagnostics.codes`, and shown by `archdsl explain`.
"""

from archdsl.lints.allow import is_suppressed, suppressed
from archdsl.lints.levels import Levels, levels_from, only
from archdsl.lints.registry import RULES
from archdsl.lints.rule import GraphRule, OpRule, RecipeRule, Rule, SizesRule, Tree, TreeRule
from archdsl.lints.runner import lint_graph, lint_recipe, lint_sizes, lint_tree

__all__ = [
    "RULES", "GraphRule", "Levels", "OpRule", "RecipeRule", "Rule", "SizesRule", "Tree", "TreeRule", "is_suppressed",
    "levels_from", "lint_graph", "lint_recipe", "lint_sizes", "lint_tree", "only", "suppressed",
]  # fmt: skip
