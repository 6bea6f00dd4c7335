"""W0111: a block that no network of the file reaches.

A file without networks is a library. Where blocks call each other and no network calls them, the first is reported, and
names the others. A block in which an error or a W0107 was found is not reported again, and nothing is in a file with errors:
a misspelled name makes the block that was meant look uncalled. The fix deletes the block; other files may import it, so that
it is only offered.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics import Diagnostic, codes
from archdsl.lints.edits import without_statement
from archdsl.lints.rule import Tree, TreeRule
from archdsl.source import SourceFile
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import parse_expression


def _check(tree: Tree) -> Iterable[Diagnostic]:
    if not tree.networks or not tree.is_sound:
        return
    blocks = [definition for definition in tree.definitions.values() if isinstance(definition, ast.Block)]
    if all(block.name in _named(tree.networks) for block in blocks):
        return
    called = _reached(tree, [*tree.networks, *_given(tree)])
    uncalled = [block for block in blocks if block.name not in called]
    by_others = {name for block in uncalled for name in _reached(tree, [block]) - {block.name}}
    for block in uncalled:
        if block.name in by_others or _is_reported(tree, block):
            continue
        alone = _reached(tree, [block]) - called
        deletion = None if alone else without_statement(block.span)
        marks = tuple((other.name, other.name_span) for other in uncalled if other.name in alone)
        yield codes.source_warnings.UncalledBlock(block.name, marks, deletion).at(block.name_span)


def _reached(tree: Tree, roots: Iterable[ast.Node]) -> set[str]:
    """Return the names of the blocks that definitions or expressions name, directly or through others."""
    pending, found = list(roots), set[str]()
    while pending:
        for name in _named([pending.pop()]):
            block = tree.definitions.get(name)
            if name not in found and block is not None:
                found.add(name)
                pending.append(block)
    return found


def _named(nodes: Iterable[ast.Node]) -> set[str]:
    return {name.id for name in ast.names(*nodes)}


def _given(tree: Tree) -> list[ast.Expr]:
    """Return the values that are given from outside."""
    parsed = [parse_expression(SourceFile("--set", text))[0] for text in tree.settings]
    return [expression for expression in parsed if expression is not None]


def _is_reported(tree: Tree, block: ast.Block) -> bool:
    """Whether something was found in a block because no network calls it."""
    return any(found.block == block.name for found in tree.findings if isinstance(found, codes.source_warnings.MayFail))


RULE = TreeRule("W0111", _check)
