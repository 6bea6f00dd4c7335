"""Code lenses: the counts of each network above its definition, and what can be done with it."""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol import types

from archdsl.analysis import Table, layer_table
from archdsl.compiled import Compiled
from archdsl.elaborate.program import open_parameters
from archdsl.limits import DEFAULT
from archdsl.lsp.analysis import Analysis
from archdsl.lsp.applications import macs_text
from archdsl.lsp.positions import range_of
from archdsl.syntax import nodes as ast

CHECK, DRAW, TRAIN = "archdsl.check", "archdsl.draw", "archdsl.train"
"""The commands of lenses. Each takes the address of the text and the name of the network."""
PICTURE, NETWORK_AT = "archdsl.picture", "archdsl.networkAt"
"""Commands for a preview that follows the cursor: the diagram of a network, and which network a line belongs to."""


def code_lenses(analysis: Analysis) -> list[types.CodeLens]:
    """Return the lenses of all networks that stand alone."""
    return [lens for definition in analysis.file.definitions for lens in _of(analysis, definition)]


def _of(analysis: Analysis, definition: ast.Definition) -> Iterator[types.CodeLens]:
    if not isinstance(definition, ast.Network | ast.Alias) or analysis.module is None:
        return
    if any(parameter.default is None for parameter in open_parameters(analysis.module, definition, DEFAULT)):
        return
    compiled = analysis.network(definition.name)
    place, arguments = range_of(definition.name_span), [analysis.text.uri, definition.name]
    if compiled is not None:
        yield types.CodeLens(place, types.Command(counts_text(compiled), CHECK, arguments=arguments))
    yield types.CodeLens(place, types.Command("draw", DRAW, arguments=arguments))
    if analysis.file.recipes:
        yield types.CodeLens(place, types.Command("train", TRAIN, arguments=arguments))


def counts_text(compiled: Compiled) -> str:
    """Return the parameters and MACs of a network, or how many errors it has."""
    if compiled.graph is None:
        errors = sum(diagnostic.is_error for diagnostic in compiled.diagnostics)
        return f"{errors} error{'s' if errors != 1 else ''}"
    return table_text(layer_table(compiled.graph))


def table_text(table: Table) -> str:
    """Return the totals of a layer table in a line."""
    return f"{table.params:,} params · {macs_text(table.macs)} MACs"
