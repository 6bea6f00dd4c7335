"""W0114: a module that never runs.

A use is its name in the body around it, outside of its own. In a body with an error, the name may be what is misspelled, so
that nothing is reported there. Keys that are numbers count the declaration, so that the deletion is only offered.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics import Diagnostic, codes
from archdsl.lints.edits import without_statement
from archdsl.lints.rule import Tree, TreeRule
from archdsl.syntax import nodes as ast


def _check(tree: Tree) -> Iterable[Diagnostic]:
    for definition in tree.definitions.values():
        if not isinstance(definition, ast.Block | ast.Network):
            continue
        declared = [node for node in ast.walk(definition.body) if isinstance(node, ast.Declaration)]
        if not declared or not tree.is_sound_in(definition):
            continue
        names = list(ast.names(definition.body))
        for declaration in declared:
            label, span = declaration.pipeline.label, declaration.span
            if label is None or not label.name:
                continue
            if not any(name.id == label.name and not span.start <= name.span.start < span.end for name in names):
                yield codes.source_warnings.UnusedModule(label.name, without_statement(span)).at(label.span)


RULE = TreeRule("W0114", _check)
