"""Signature help: the parameters of the call around the cursor, and which of them the argument there is for."""

from __future__ import annotations

from inspect import cleandoc

from lsprotocol import types

from archdsl.elaborate.values import Module
from archdsl.literals import show
from archdsl.lsp.analysis import Analysis
from archdsl.lsp.cursor import call_at, target_of
from archdsl.lsp.positions import offset_of
from archdsl.registry import Registered
from archdsl.syntax import nodes as ast


def signature_help(analysis: Analysis, position: types.Position) -> types.SignatureHelp | None:
    """Return the signature of the call around a position; None outside of calls."""
    if analysis.module is None:
        return None
    offset = offset_of(analysis.source, position)
    nodes = ast.node_at(analysis.file, offset)
    call = call_at(nodes, offset)
    if call is None:
        return None
    setting = next((node for node in reversed(nodes) if isinstance(node, ast.Setting)), None)
    found = _signature(call, analysis.module, setting)
    if found is None:
        return None
    label, names, parameters, documentation = found
    information = types.SignatureInformation(label, _markdown(documentation), parameters)
    return types.SignatureHelp([information], active_signature=0, active_parameter=_active(call, names, offset))


def _markdown(text: str) -> types.MarkupContent:
    return types.MarkupContent(types.MarkupKind.Markdown, text)


def _signature(
    call: ast.Node, module: Module, setting: ast.Setting | None
) -> tuple[str, list[str], list[types.ParameterInformation], str] | None:
    """Return the text of a signature, the names of its parameters, what is known of each, and the documentation."""
    target = target_of(call, module, setting)
    if isinstance(target, type) and issubclass(target, Registered):
        names = target.call_order()
        texts = [_text(target, name) for name in names]
        about = [target.fields[name].description or "" if name in target.fields else _operand(target, name) for name in names]
        documentation = cleandoc(target.__doc__ or "").partition("\n\n")[0]
    elif isinstance(target, ast.Block | ast.Network | ast.Constant | ast.Let):
        parameters = target.parameters or ()
        names = [parameter.name for parameter in parameters]
        texts = [parameter.span.text for parameter in parameters]
        about = ["" for _ in parameters]
        documentation = target.doc if isinstance(target, ast.Definition) else ""
    else:
        return None
    label, ranges, start = f"{target.name}(", [], 0
    for number, text in enumerate(texts):
        label += ", " if number else ""
        start = len(label.encode("utf-16-le")) // 2
        label += text
        ranges.append((start, len(label.encode("utf-16-le")) // 2))
    informations = [
        types.ParameterInformation(range_, _markdown(words)) for range_, words in zip(ranges, about, strict=True)
    ]  # fmt: skip
    return f"{label})", names, informations, documentation


def _text(target: type[Registered], name: str) -> str:
    field = target.fields.get(name)
    if field is None or field.is_required():
        return name
    return f"{name} = {show(field.default, target.words(name))}"


def _operand(target: type[Registered], name: str) -> str:
    return str(getattr(target, "about_operands", {}).get(name, "a value of the network"))


def _active(call: ast.CallExpr | ast.Join | ast.Skip | ast.Aux, names: list[str], offset: int) -> int | None:
    """Return the position of the parameter that the argument at an offset is for."""
    argument, position = None, 0
    for number, one in enumerate(call.arguments):
        if one.span.start <= offset:
            argument, position = one, number
    if argument is None:
        return 0 if names else None
    between = argument.span.file.text[argument.span.end : offset]
    if "," in between:  # behind the argument, where the next one begins
        argument, position = None, position + 1
    if argument is not None and argument.name is not None:
        return names.index(argument.name) if argument.name in names else None
    return position if position < len(names) else None
