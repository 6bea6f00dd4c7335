"""What stands at the cursor of an unfinished text: the call around it, and the names that could be written there."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from archdsl.elaborate import Program
from archdsl.elaborate.symbol import Scope, Symbol
from archdsl.elaborate.symbol_targets import called
from archdsl.elaborate.symbols import SymbolTable
from archdsl.elaborate.values import Module
from archdsl.lsp.analysis import Text
from archdsl.ops import Op
from archdsl.ops.join import joins
from archdsl.registry import Registered, family_of
from archdsl.session import Session
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast

PLACEHOLDER: Final = "name_at_the_cursor"
"""The name that is put in for the word at the cursor, so that the parser says what a name would be there."""


class Word(NamedTuple):
    """The word at the cursor, from its first letter to its last, and the text that has a placeholder in its place."""

    span: Span
    text: str

    @property
    def end(self) -> int:
        """Where the placeholder ends."""
        return self.span.start + len(PLACEHOLDER)


def word_at(source: SourceFile, offset: int) -> Word:
    """Return the word around an offset; an empty one if there is none."""
    text = source.text
    start, end = offset, offset
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    return Word(Span(source, start, end), text[:start] + PLACEHOLDER + text[end:])


class Cursor:
    """A text with a placeholder at the cursor, resolved."""

    def __init__(self, text: Text, word: Word, session: Session) -> None:
        program = Program(text.path.parent if text.path is not None else None, session)
        self.module: Module = program.module(text._replace(content=word.text).source, text.path)
        self.symbols = SymbolTable(self.module)
        self.start = word.span.start
        self.nodes = ast.node_at(self.module.file, word.end)
        """The nodes around the cursor, from the file to the innermost."""

    @property
    def node(self) -> ast.Node:
        """The innermost node at the cursor."""
        return self.nodes[-1]

    def around(self, kind: type[ast.Node]) -> Any:
        """Return the innermost node of a kind around the cursor; None if there is none."""
        return next((node for node in reversed(self.nodes) if isinstance(node, kind)), None)

    def visible(self) -> dict[str, Symbol]:
        """Return the names that mean something at the cursor, without those of the whole file."""
        for span, names in self.symbols.visible.items():
            if span.start == self.start and span.file is self.module.file.source:
                return names
        return {}


def call_at(nodes: list[ast.Node], offset: int) -> ast.CallExpr | ast.Join | ast.Skip | ast.Aux | None:
    """Return the innermost call between whose parentheses an offset is."""
    for node in reversed(nodes):
        if isinstance(node, ast.CallExpr) and node.callee.span.end < offset and _is_within(node.callee.span.end, node, offset):
            return node
        if isinstance(node, ast.Join | ast.Skip) and node.keyword.end < offset <= node.body.span.start:
            return node
    return None


def _is_within(opened: int, call: ast.CallExpr, offset: int) -> bool:
    closed = call.span.text.endswith(")")
    return opened < offset and (offset < call.span.end or not closed)


def target_of(call: ast.Node, module: Module, setting: ast.Setting | None) -> Any:
    """Return the op, rule, block or function that a call names; in the value of a setting, an optimizer or the like first."""
    if isinstance(call, ast.Join):
        return joins().get(call.kind)
    if isinstance(call, ast.Skip):
        return Op.registry.get("add")
    assert isinstance(call, ast.CallExpr)
    callee = ast.bare(call.callee)
    family = family_of_setting(setting.name) if setting is not None else None
    entry = family.registry.get(callee.id) if family is not None and isinstance(callee, ast.Name) else None
    return entry or called(call.callee, Scope(None), module)


def family_of_setting(name: str) -> type[Registered] | None:
    """Return the base of the optimizers, losses, ... that the value of a key of a recipe may be; None for other keys."""
    from archdsl.recipe import Recipe  # here: most texts have no recipe, and its models take time to define

    field = Recipe.fields.get(name)
    return family_of(field.annotation) if field is not None else None
