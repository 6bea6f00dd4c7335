"""What an editor shows of the thing under the pointer: its documentation, its shapes and its costs."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc

from lsprotocol import types

from archdsl.analysis import layer_table
from archdsl.elaborate.symbol import Symbol, SymbolKind
from archdsl.initializers import Initializer
from archdsl.literals import show
from archdsl.lsp.analysis import Analysis
from archdsl.lsp.applications import Application, macs_text
from archdsl.lsp.hints import applications_table
from archdsl.lsp.navigation import symbol_at
from archdsl.lsp.positions import offset_of, range_of
from archdsl.ops import Op
from archdsl.registry import Registered, describe, signature
from archdsl.source import Span
from archdsl.syntax import nodes as ast


def hover(analysis: Analysis, position: types.Position) -> types.Hover | None:
    """Return what to show at a position; None if there is nothing to say."""
    offset = offset_of(analysis.source, position)
    symbol = symbol_at(analysis, position)
    joined = _join_at(analysis, offset)
    parts: list[str] = []
    place: Span | None = None
    if symbol is not None:
        place = next((span for span in (*symbol.uses, *symbol.definitions) if span.start <= offset <= span.end), None)
        parts += symbol_text(analysis, symbol)
    elif joined is not None:
        place, op = joined
        parts += op_text(op)
    applied = _applied_at(analysis, offset)
    if applied:
        parts += [applications_table(applied), _field_text(analysis, offset)]
    if not parts:
        return None
    return types.Hover(_markdown(*parts), range_of(place) if place is not None else None)


def _markdown(*parts: str) -> types.MarkupContent:
    return types.MarkupContent(types.MarkupKind.Markdown, "\n\n".join(part for part in parts if part))


def _code(text: str) -> str:
    return f"```arch\n{text}\n```"


def symbol_text(analysis: Analysis, symbol: Symbol) -> list[str]:
    """Return the documentation of a symbol, as paragraphs in Markdown."""
    match symbol.kind:
        case SymbolKind.OP:
            op = Op.registry.get(symbol.name)
            return op_text(op) if op is not None else []
        case SymbolKind.INITIALIZER:
            rule = Initializer.registry.get(symbol.name)
            return op_text(rule) if rule is not None else []
        case SymbolKind.OP_PARAMETER:
            owner = Op.registry.get(symbol.owner or "") or Initializer.registry.get(symbol.owner or "")
            return parameter_text(owner, symbol.name) if owner is not None else []
        case SymbolKind.PARAMETER:
            return _parameter_of_definition(analysis, symbol)
        case SymbolKind.BLOCK | SymbolKind.NETWORK:
            return list(_definition_text(analysis, symbol))
        case SymbolKind.LABEL:
            return [_code(f"{symbol.name}:"), "label: a value, and a part of the keys of the `state_dict`"]
        case SymbolKind.FLOW:
            return [_code("x"), "the tensor that flows through the pipeline, at this point"]
    text = symbol.node.span.text.partition("\n")[0] if symbol.node is not None else symbol.name
    return [_code(text), str(symbol.kind)]


def op_text(op: type[Registered]) -> list[str]:
    """Return the signature of an op or rule, its documentation, and its parameters."""
    call = f"{signature(op)} {{ ... }}" if getattr(op, "statement", False) else signature(op)
    names = [name for name in op.parameters_in_order() if op.fields[name].description]
    listed = "\n".join(f"- `{name}`: {op.fields[name].description}" for name in names)
    return [_code(call), cleandoc(op.__doc__ or ""), listed]


def parameter_text(op: type[Registered], name: str) -> list[str]:
    """Return what a parameter of an op is, which values it takes, and its default."""
    field = op.fields.get(name)
    if field is None:
        return [_code(f"{op.name}({name})"), getattr(op, "about_operands", {}).get(name, "")]
    default = "" if field.is_required() else f" = {show(field.default, op.words(name))}"
    return [_code(f"{op.name}({name}{default})"), field.description or "", f"takes {describe(field.annotation)}"]


def _parameter_of_definition(analysis: Analysis, symbol: Symbol) -> list[str]:
    node = symbol.node
    text = node.span.text if node is not None else symbol.name
    owner = next((d for d in analysis.file.definitions if d.name == symbol.owner), None)
    given = analysis.applications.arguments.get(owner.span.start, []) if owner is not None else []
    values = list(dict.fromkeys(show(arguments[symbol.name]) for arguments in given if symbol.name in arguments))
    known = [f"values in the checked network: {', '.join(f'`{value}`' for value in values)}"] if values else []
    return [_code(text), f"parameter of `{symbol.owner}`", *known]


def _definition_text(analysis: Analysis, symbol: Symbol) -> Iterator[str]:
    """Yield the head of a definition, its documentation, and what it counts."""
    node = symbol.node
    if not isinstance(node, ast.Definition):
        return
    head = node.span.text
    if isinstance(node, ast.Block | ast.Network):
        head = head[: node.body.span.start - node.span.start]
    yield _code(head.strip())
    yield node.doc or node.group_doc
    compiled = analysis.network(symbol.name) if analysis.of_this_file(node.span) else None
    if compiled is not None and compiled.graph is not None:
        table = layer_table(compiled.graph)
        yield f"{table.params:,} parameters, {macs_text(table.macs)} MACs, depth {table.depth}"
    times = analysis.applications.calls.get(node.span.start, 0) if isinstance(node, ast.Block) else 0
    if times and analysis.of_this_file(node.span):
        yield f"called {times} times in the checked network" if times > 1 else "called once in the checked network"


def _join_at(analysis: Analysis, offset: int) -> tuple[Span, type[Op]] | None:
    """Return the keyword of the `skip` or join at an offset, with the op that adds or joins."""
    for node in reversed(ast.node_at(analysis.file, offset)):
        if isinstance(node, ast.Skip | ast.Join) and node.keyword.start <= offset <= node.keyword.end:
            op = Op.registry.get("skip" if isinstance(node, ast.Skip) else node.kind) or Op.registry.get("add")
            return (node.keyword, op) if op is not None else None
    return None


def _innermost(analysis: Analysis, offset: int) -> Span | None:
    """Return the place of the innermost stage whose op or keyword is at an offset."""
    found = [span for span in analysis.applications.stages if span.start <= offset <= span.end]
    return min(found, key=lambda span: span.end - span.start, default=None)


def _applied_at(analysis: Analysis, offset: int) -> list[Application]:
    """Return the applications of the stage at an offset."""
    span = _innermost(analysis, offset)
    return [] if span is None else analysis.applications.stages[span]


def _field_text(analysis: Analysis, offset: int) -> str:
    """Return the receptive field behind the stage at an offset, from its first application to its last."""
    span = _innermost(analysis, offset)
    fields = analysis.receptive_fields.get(span, []) if span is not None else []
    if not fields:
        return ""
    return f"receptive field: {fields[0] if len(fields) == 1 else f'{fields[0]} to {fields[-1]}'}"
