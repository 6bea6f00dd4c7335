"""Completions: the names and words that can follow at the cursor.

The word at the cursor is replaced by a placeholder. Where the parser puts it tells what a name means there: a stage, an
argument, a key of a recipe. The parser also tells which keywords can follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from lsprotocol import types

from archdsl.elaborate.declarations import METRICS
from archdsl.elaborate.parameters import KINDS
from archdsl.elaborate.symbol import Symbol, SymbolKind
from archdsl.elaborate.values import FUNCTIONS, SIZE_ATTRIBUTES, Module
from archdsl.initializers import Initializer
from archdsl.literals import show
from archdsl.lsp.analysis import Analysis
from archdsl.lsp.cursor import PLACEHOLDER, Cursor, Word, call_at, family_of_setting, target_of, word_at
from archdsl.lsp.hover import op_text, parameter_text, symbol_text
from archdsl.lsp.positions import offset_of, range_of
from archdsl.ops import Op
from archdsl.ops.base import WeightedOp
from archdsl.ops.join import joins
from archdsl.registry import Registered, family_of, signature
from archdsl.session import Session
from archdsl.syntax import nodes as ast
from archdsl.syntax.error_context import KEYWORDS
from archdsl.syntax.parser import accepted_kinds

_Kind = types.CompletionItemKind
_KINDS: Final = {
    SymbolKind.PARAMETER: _Kind.Variable,
    SymbolKind.CONSTANT: _Kind.Constant,
    SymbolKind.LABEL: _Kind.Field,
    SymbolKind.MODULE: _Kind.Module,
    SymbolKind.LOOP_VARIABLE: _Kind.Variable,
    SymbolKind.INPUT: _Kind.Variable,
    SymbolKind.SIZE: _Kind.TypeParameter,
    SymbolKind.FLOW: _Kind.Variable,
    SymbolKind.FUNCTION: _Kind.Function,
}
_STAGES: Final = frozenset({
    SymbolKind.LABEL, SymbolKind.MODULE, SymbolKind.INPUT, SymbolKind.PARAMETER, SymbolKind.CONSTANT, SymbolKind.FLOW,
    SymbolKind.LOOP_VARIABLE,
})  # fmt: skip
"""What can stand in the place of a stage."""


def completions(
    analysis: Analysis, position: types.Position, session: Session, *, snippets: bool = False
) -> list[types.CompletionItem]:
    """Return what can be written at a position, the nearest things first. `snippets`: the client knows them."""
    source = analysis.source
    offset = offset_of(source, position)
    if any(comment.start < offset <= comment.end for comment in analysis.file.comments):
        return []
    word = word_at(source, offset)
    cursor = Cursor(analysis.text, word, session)
    if isinstance(cursor.node, ast.Literal) and isinstance(cursor.node.value, str):
        return []  # inside of a string
    kinds = accepted_kinds(source.text[: word.span.start], session.limits)
    found = _Completer(analysis, cursor, word, kinds).items()
    return [_at(item, word, rank, snippets=snippets) for rank, item in enumerate(_once(found))]


def _at(item: types.CompletionItem, word: Word, rank: int, *, snippets: bool) -> types.CompletionItem:
    text = item.insert_text or item.label
    if snippets and text.endswith(" "):  # Neovim takes other texts up to a blank alone
        text, item.insert_text_format = f"{text}$0", types.InsertTextFormat.Snippet
    item.text_edit, item.insert_text = types.TextEdit(range_of(word.span), text), None
    item.sort_text = f"{rank:04}"
    item.filter_text = item.filter_text or item.label  # without it, Neovim shows all items, whatever is typed
    return item


def _once(items: Iterable[types.CompletionItem]) -> list[types.CompletionItem]:
    found: dict[str, types.CompletionItem] = {}
    for item in items:
        found.setdefault(item.label, item)
    return list(found.values())


class _Completer:
    """The completions at one cursor."""

    def __init__(self, analysis: Analysis, cursor: Cursor, word: Word, kinds: frozenset[str]) -> None:
        self._analysis = analysis
        self._cursor = cursor
        self._word = word
        self._kinds = kinds
        self._nodes = cursor.nodes
        self._module = cursor.module

    def items(self) -> Iterator[types.CompletionItem]:
        """Yield everything that fits, in the order in which it is shown."""
        node, above = self._nodes[-1], self._nodes[-2] if len(self._nodes) > 1 else None
        if isinstance(node, ast.Attribute):
            yield from self._attribute(node)
            return
        setting = self._cursor.around(ast.Setting)
        if self._in_settings and (setting is None or setting.name == PLACEHOLDER):
            yield from self._setting_names()
            return
        if isinstance(node, ast.Parameter) and node.kind is not None and "EQUAL" not in self._kinds:
            yield from self._parameter_types()
            return
        if "NAME" in self._kinds:
            yield from self._names(node, above)
        yield from self._keywords()

    @property
    def _in_settings(self) -> bool:
        """Whether the cursor is in the braces of a recipe or of `init`."""
        return self._cursor.around(ast.Init) is not None or self._cursor.around(ast.Train) is not None

    def _names(self, node: ast.Node, above: ast.Node | None) -> Iterator[types.CompletionItem]:
        call = call_at(self._nodes, self._word.end)
        setting = self._cursor.around(ast.Setting)
        stage = self._cursor.around(ast.CallStage)
        if isinstance(above, ast.Argument) or (call is not None and isinstance(node, ast.Argument)):
            yield from self._arguments(call, above if isinstance(above, ast.Argument) else node)
            yield from self._values()
        elif setting is not None and call is None:
            yield from self._setting_values(setting)
        elif (stage is not None and ast.bare(stage.call) is node) or isinstance(node, ast.Body | ast.Pipeline | ast.Missing):
            yield from self._stages()
        elif isinstance(node, ast.Label) or isinstance(above, ast.Label):
            return
        elif isinstance(node, ast.Expr):
            yield from self._values()

    # -- places --

    def _attribute(self, node: ast.Attribute) -> Iterator[types.CompletionItem]:
        """Yield what can follow a dot: definitions of an import, or sizes and labels of a value."""
        base = ast.bare(node.base)
        imported = self._module.imports.get(base.id) if isinstance(base, ast.Name) else None
        if imported is not None:
            yield from self._definitions(imported)
            return
        for name in self._labels_of(base):
            yield types.CompletionItem(name, kind=_Kind.Field)
        for name in SIZE_ATTRIBUTES:
            yield types.CompletionItem(name, kind=_Kind.Property, detail="a size of this value")

    def _labels_of(self, base: ast.Expr) -> Iterator[str]:
        """Yield the labels below a label, for a path such as `backbone.layer3`."""
        symbol = self._cursor.symbols.at(self._module.file.source, base.span.end)
        if symbol is not None and symbol.kind is SymbolKind.LABEL:
            yield from self._cursor.symbols.paths.below(symbol)

    def _stages(self) -> Iterator[types.CompletionItem]:
        for symbol in self._cursor.visible().values():
            if symbol.kind in _STAGES:
                yield self._symbol(symbol)
        yield from (item for item in self._definitions(self._module) if item.kind is not _Kind.Class)
        for name in self._module.imports:
            yield types.CompletionItem(name, kind=_Kind.Module, detail="import")
        for op in Op.registry:
            if op.called and op.name != "input":
                yield _registered(op, _Kind.Method)

    def _values(self) -> Iterator[types.CompletionItem]:
        """Yield what an expression can name."""
        for symbol in self._cursor.visible().values():
            yield self._symbol(symbol)
        if self._cursor.around(ast.Expect) is not None:
            for name in METRICS:
                yield types.CompletionItem(name, kind=_Kind.Variable, detail="a count of this network or block")
        yield from self._definitions(self._module)
        for name in FUNCTIONS:
            yield types.CompletionItem(name, kind=_Kind.Function, detail="function of expressions")

    def _arguments(self, call: Any, argument: ast.Node) -> Iterator[types.CompletionItem]:
        """Yield the values that the argument at the cursor accepts, and the parameters that can still be given."""
        target = target_of(call, self._module, self._cursor.around(ast.Setting))
        if target is None:
            return
        given = [other.name for other in call.arguments if other is not argument]
        position = next((i for i, other in enumerate(call.arguments) if other is argument), 0)
        named = argument.name if isinstance(argument, ast.Argument) else None
        if isinstance(target, type) and issubclass(target, Registered):
            order = target.call_order()
            name = named or (order[position] if position < len(order) else None)
            if name in target.fields:
                yield from _values_of(target, str(name))
            positional = set(order[:position]) if named is None else set()
            if named is None:
                for name in order:
                    if name not in given and name not in positional and name in target.fields:
                        yield _keyword(name, target.fields[name].description, "\n\n".join(parameter_text(target, name)))
        elif named is None and isinstance(target, ast.Block | ast.Network | ast.Let | ast.Constant):
            for number, parameter in enumerate(target.parameters or ()):
                if parameter.name not in given and number >= position:
                    yield _keyword(parameter.name, parameter.span.text, f"parameter of `{target.name}`")

    # -- recipes and `init` --

    def _setting_names(self) -> Iterator[types.CompletionItem]:
        if self._cursor.around(ast.Init) is not None:
            for op in Op.registry:
                if issubclass(op, WeightedOp):
                    yield _keyword(op.name, _first_line(op), "\n\n".join(op_text(op)))
            return
        from archdsl.recipe import Recipe  # here: most texts have no recipe, and its models take time to define

        known = {setting.name for train in self._module.file.recipes for setting in train.settings}
        for name in Recipe.parameters_in_order():
            if name not in known:
                yield _keyword(name, Recipe.fields[name].description, "\n\n".join(parameter_text(Recipe, name)))

    def _family(self, setting: ast.Setting) -> type[Registered] | None:
        """Return the base of the rules, optimizers, ... that the value of a setting may be."""
        if self._cursor.around(ast.Init) is not None:
            return Initializer
        return family_of_setting(setting.name)

    def _setting_values(self, setting: ast.Setting) -> Iterator[types.CompletionItem]:
        family = self._family(setting)
        for entry in family.registry if family is not None else ():
            yield _registered(entry, _Kind.Class)
        if self._cursor.around(ast.Init) is None:
            from archdsl.recipe import Recipe  # here, as above

            if setting.name in Recipe.fields:
                yield from _values_of(Recipe, setting.name)

    @staticmethod
    def _parameter_types() -> Iterator[types.CompletionItem]:
        for name, (words, _) in KINDS.items():
            yield types.CompletionItem(name, kind=_Kind.Keyword, detail=words)

    # -- names --

    def _definitions(self, module: Module) -> Iterator[types.CompletionItem]:
        for definition in module.definitions.values():
            symbol = self._cursor.symbols.global_(module, definition.name)
            if symbol is not None and not isinstance(definition, ast.Alias):
                item = self._symbol(symbol)
                item.kind = _Kind.Class if isinstance(definition, ast.Network) else _Kind.Function
                yield item

    def _symbol(self, symbol: Symbol) -> types.CompletionItem:
        documentation = types.MarkupContent(types.MarkupKind.Markdown, "\n\n".join(symbol_text(self._analysis, symbol)))
        return types.CompletionItem(
            symbol.name, kind=_KINDS.get(symbol.kind, _Kind.Function), detail=str(symbol.kind), documentation=documentation
        )

    def _keywords(self) -> Iterator[types.CompletionItem]:
        """Yield the keywords that the grammar accepts at the cursor."""
        for word in sorted(KEYWORDS):
            if word.upper() in self._kinds:
                yield types.CompletionItem(word, kind=_Kind.Keyword)
        if "BY" in self._kinds:
            yield types.CompletionItem("by", kind=_Kind.Keyword)
        if "MODULE" in self._kinds:
            yield types.CompletionItem("module", kind=_Kind.Keyword)
        for name, op in joins().items() if "JOIN" in self._kinds else ():
            yield types.CompletionItem(name, kind=_Kind.Keyword, detail=_first_line(op))


def _registered(entry: type[Registered], kind: types.CompletionItemKind) -> types.CompletionItem:
    documentation = types.MarkupContent(types.MarkupKind.Markdown, "\n\n".join(op_text(entry)))
    return types.CompletionItem(entry.name, kind=kind, detail=signature(entry), documentation=documentation)


def _keyword(name: str, detail: str | None, documentation: str) -> types.CompletionItem:
    """Return the completion of a name that takes a value."""
    text = types.MarkupContent(types.MarkupKind.Markdown, documentation)
    return types.CompletionItem(
        f"{name} =", kind=_Kind.Property, detail=detail, documentation=text, insert_text=f"{name} = ", filter_text=name
    )


def _values_of(target: type[Registered], name: str) -> Iterator[types.CompletionItem]:
    """Yield the words that a parameter accepts, and its default."""
    field = target.fields[name]
    default = None if field.is_required() else show(field.default, target.words(name))
    for word in sorted(target.words(name)):
        yield types.CompletionItem(word, kind=_Kind.EnumMember, detail="default" if word == default else None)
    family = family_of(field.annotation)
    for entry in family.registry if family is not None and family is not Op else ():
        yield _registered(entry, _Kind.Class)


def _first_line(entry: type[Registered]) -> str:
    return (entry.__doc__ or "").strip().partition("\n")[0]
