"""The refactoring "extract block": statements become a block of their own, and a call of it takes their place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from archdsl.analysis import layer_table
from archdsl.compiled import Checked
from archdsl.diagnostics import Edit
from archdsl.diagnostics.fixes import edited
from archdsl.driver import check_source
from archdsl.elaborate.symbol import Symbol, SymbolKind
from archdsl.lsp.analysis import Analysis
from archdsl.session import Session
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast

_STAY: Final = (ast.Input, ast.Output, ast.Aux, ast.Init, ast.Skipped, ast.Declaration)
"""Statements that only a network has, and those that are not understood."""
_GIVEN: Final = frozenset({
    SymbolKind.PARAMETER, SymbolKind.LOOP_VARIABLE, SymbolKind.CONSTANT, SymbolKind.LABEL, SymbolKind.INPUT, SymbolKind.MODULE,
})  # fmt: skip
"""What the block takes as a parameter if it stands outside of the statements."""


class Extracted(NamedTuple):
    """The edits that extract a block, its name, and whether they change keys of the `state_dict`."""

    name: str
    edits: Sequence[Edit]
    changes_keys: bool


def extract_block(analysis: Analysis, place: Span, session: Session) -> Extracted | None:
    """Return how the statements in a place become a block; None if they cannot, or if the result would have errors."""
    chosen = _statements_in(analysis, place)
    if not chosen or analysis.symbols is None or any(d.is_error for d in analysis.diagnostics):
        return None
    definition, statements = chosen
    source = analysis.source
    moved = Span(source, statements[0].span.start, statements[-1].span.end)
    parameters = _parameters(analysis.symbols.symbols, moved)
    if parameters is None or any(isinstance(node, _STAY) for one in statements for node in ast.walk(one)):
        return None
    name = _free_name({symbol.name for symbol in analysis.symbols.symbols})
    head = f"{name}({', '.join(parameters)})" if parameters else name
    start = _start_with_comments(analysis.file, definition)
    edits = [
        Edit(Span(source, start, start), f"block {head} {{\n{_indented(moved)}\n}}\n\n"),
        Edit(moved, head),
    ]
    text = SourceFile(source.name, edited(source.text, edits))
    checked = check_source(text, analysis.text.path, session=session)
    if any(diagnostic.is_error for diagnostic in checked.diagnostics):
        return None
    return Extracted(name, edits, _layers(checked) != _layers(analysis.checked))


def _statements_in(analysis: Analysis, place: Span) -> tuple[ast.Definition, list[ast.Statement]] | None:
    """Return the statements of one body that a place covers as a whole, and the definition that they are in."""
    text = place.text
    start, end = place.start + len(text) - len(text.lstrip()), place.end - len(text) + len(text.rstrip())
    definition = analysis.definition_at(start)
    if not isinstance(definition, ast.Block | ast.Network) or start >= end:
        return None
    for body in (node for node in ast.walk(definition) if isinstance(node, ast.Body)):
        covered = [one for one in body.statements if start <= one.span.start and one.span.end <= end]
        touched = [one for one in body.statements if one.span.start < end and start < one.span.end]
        if covered and covered == touched and covered[0].span.start == start:
            in_join = any(body is one for one in _branches(definition))
            return (definition, covered) if not in_join or _is_one_branch(covered) else None
    return None


def _branches(definition: ast.Definition) -> list[ast.Body]:
    """Return the bodies whose statements are branches: those of joins, and of loops and `if` in them."""
    found = [node.body for node in ast.walk(definition) if isinstance(node, ast.Join)]
    for body in found:  # which grows
        found += [inner for one in body.statements if isinstance(one, ast.Pipeline) for inner in _control_bodies(one)]
    return found


def _control_bodies(pipeline: ast.Pipeline) -> list[ast.Body]:
    """Return the bodies of the loop or `if` that a statement is; none for any other."""
    stage = pipeline.stages[0] if len(pipeline.stages) == 1 and pipeline.label is None else None
    if isinstance(stage, ast.Repeat | ast.For):
        return [stage.body]
    return [arm.body for arm in stage.arms] if isinstance(stage, ast.If) else []


def _is_one_branch(statements: Sequence[ast.Statement]) -> bool:
    """Whether statements in a join make a single branch, as the call of a block does."""
    pipelines = [one for one in statements if isinstance(one, ast.Pipeline)]
    return len(pipelines) == 1 and not _control_bodies(pipelines[0])


def _parameters(symbols: list[Symbol], moved: Span) -> list[str] | None:
    """Return the names that the block takes; None if a name is bound inside and read outside, or cannot be handed on."""
    found: list[str] = []
    for symbol in symbols:
        own = any(_inside(span, moved) for span in symbol.definitions)
        read = [_inside(span, moved) for span in symbol.uses]
        if own and (not all(read) or not all(_inside(span, moved) for span in symbol.definitions)):
            return None
        if own or not any(read) or symbol.owner is None or symbol.kind is SymbolKind.FLOW or not symbol.definitions:
            continue
        if symbol.kind not in _GIVEN:
            return None
        found.append(symbol.name)
    return found


def _inside(span: Span, moved: Span) -> bool:
    return span.file is moved.file and moved.start <= span.start and span.end <= moved.end


def _free_name(taken: set[str]) -> str:
    """Return a name for the block that nothing has."""
    number = 1
    while (name := "extracted" if number == 1 else f"extracted_{number}") in taken:
        number += 1
    return name


def _start_with_comments(file: ast.File, definition: ast.Definition) -> int:
    """Return where the comments right above a definition begin, or the definition itself."""
    source = file.source
    line = definition.span.line_column[0]
    alone = {comment.line_column[0]: comment for comment in file.comments}
    while (above := alone.get(line - 1)) is not None and not source.line_text(line - 1)[: above.line_column[1] - 1].strip():
        line -= 1
    return source.line_starts[line - 1]


def _indented(moved: Span) -> str:
    """Return the lines of the statements with the indentation of a body at the top level."""
    column = moved.line_column[1] - 1
    first, *rest = moved.text.split("\n")
    return "\n".join([f"  {first}", *(f"  {line[min(column, len(line) - len(line.lstrip())) :]}" for line in rest)])


def _layers(checked: Checked) -> list[list[str]]:
    """Return the names of all layers, which are the keys of their weights."""
    return [[row.name for row in layer_table(one.graph).rows] for _, one in checked.networks if one.graph is not None]
