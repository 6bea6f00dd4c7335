"""W0102: a parameter or constant that nothing in its body reads, and a constant of the file that nothing uses.

Often a fixed number stands where the name was meant. In a body with an error, the name may be what is misspelled, so that
nothing is reported there. The fix deletes it. It is certain for a constant, and for the parameter of a block that every call
leaves out.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics import Diagnostic, Edit, codes
from archdsl.elaborate.parameters import WithParameters
from archdsl.lints.edits import without_statement
from archdsl.lints.rule import Tree, TreeRule
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import parse_expression


def _check(tree: Tree) -> Iterable[Diagnostic]:
    for definition in tree.definitions.values():
        if isinstance(definition, ast.Block | ast.Network | ast.Constant) and tree.is_sound_in(definition):
            yield from _unread_in(tree, definition)
    if tree.networks and tree.is_sound:
        yield from _unused_constants(tree)


def _unread_in(tree: Tree, definition: WithParameters) -> Iterable[Diagnostic]:
    """Yield the parameters of a definition that it does not read, and the constants in its body."""
    body = definition.body if isinstance(definition, ast.Block | ast.Network) else definition.value
    condition = definition.condition if isinstance(definition, ast.Network) else None
    nodes = list(ast.walk(body, condition, *(parameter.default for parameter in definition.parameters or ())))
    read = {node.id for node in nodes if isinstance(node, ast.Name)}
    for parameter in definition.parameters or ():
        if parameter.name not in read:
            yield _unread_parameter(tree, definition, parameter)
    for node in nodes if not isinstance(definition, ast.Let) else ():
        if isinstance(node, ast.Body):
            constants = [statement for statement in node.statements if isinstance(statement, ast.Let)]
            lone = len(node.statements) == len(constants) == 1
            for constant in constants:
                yield from _unread_in(tree, constant)
                if constant.name not in read or _is_replaced(constant, node):
                    deletion = None if lone else without_statement(constant.span)
                    finding = codes.source_warnings.NeverRead(
                        definition.name, _what(constant), constant.name, deletion, deletion is not None
                    )
                    yield finding.at(constant.span)


def _is_replaced(constant: ast.Let, body: ast.Body) -> bool:
    """Return whether another constant of the same name follows in a body before anything reads this one."""
    behind = body.statements[body.statements.index(constant) + 1 :]
    for statement in behind:
        if any(name.id == constant.name for name in ast.names(statement)):
            return False
        if isinstance(statement, ast.Let) and statement.name == constant.name:
            return True
    return False


def _what(constant: ast.Let | ast.Constant) -> str:
    return "constant" if constant.parameters is None else "function"


def _unused_constants(tree: Tree) -> Iterable[Diagnostic]:
    """Yield the constants of the file that nothing uses. Other files may import them, so that deleting is only offered."""
    given = [parse_expression(SourceFile("--set", text))[0] for text in tree.settings]
    places = [*tree.file.items, *given]
    for constant in tree.definitions.values():
        if isinstance(constant, ast.Constant):
            used = {name.id for name in ast.names(*(place for place in places if place is not constant))}
            if constant.name not in used:
                finding = codes.source_warnings.NeverUsed(_what(constant), constant.name, without_statement(constant.span))
                yield finding.at(constant.name_span)


def _unread_parameter(tree: Tree, definition: WithParameters, parameter: ast.Parameter) -> Diagnostic:
    if not isinstance(definition, ast.Block | ast.Network):
        return codes.source_warnings.NeverRead(definition.name, "parameter", parameter.name).at(parameter.span)
    deletion = _without_parameter(tree.file, definition, parameter)
    safe = deletion is not None and isinstance(definition, ast.Block) and bool(tree.networks) and tree.is_sound
    if safe and not _every_call_leaves_out(tree.file, definition, parameter):
        safe, deletion = False, None
    return codes.source_warnings.NeverRead(definition.name, "parameter", parameter.name, deletion, safe).at(parameter.span)


def _every_call_leaves_out(file: ast.File, definition: ast.Definition, parameter: ast.Parameter) -> bool:
    """Whether no call gives the parameter a value; false if the block is also passed on as a value, or to a template."""
    assert isinstance(definition, ast.Block)
    place = definition.parameters.index(parameter)
    calls: set[int] = set()
    for node in ast.walk(*file.items):
        if isinstance(node, ast.CallExpr) and isinstance(callee := ast.bare(node.callee), ast.Name):
            if callee.id != definition.name:
                continue
            positional = sum(argument.name is None for argument in node.arguments)
            if positional > place or any(argument.name == parameter.name for argument in node.arguments):
                return False
            calls.add(id(callee))
        elif isinstance(node, ast.CallStage) and isinstance(callee := ast.bare(node.call), ast.Name):
            calls.add(id(callee))
    return all(id(name) in calls for name in ast.names(*file.items) if name.id == definition.name)


def _without_parameter(file: ast.File, definition: ast.Block | ast.Network, parameter: ast.Parameter) -> Edit | None:
    """Return the edit that deletes a parameter with its comma; None if a comment stands beside it."""
    parameters = definition.parameters
    at = parameters.index(parameter)
    if len(parameters) == 1:
        span = Span(file.source, definition.name_span.end, definition.body.span.start)
        text = " "
    elif at + 1 < len(parameters):
        span, text = Span(file.source, parameter.span.start, parameters[at + 1].span.start), ""
    else:
        span, text = Span(file.source, parameters[at - 1].span.end, parameter.span.end), ""
    return None if any(span.start <= comment.start < span.end for comment in file.comments) else Edit(span, text)


RULE = TreeRule("W0102", _check)
