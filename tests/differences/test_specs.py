"""Refactored texts of all shipped specs: other labels and extracted blocks are no difference in any of their networks."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from archdsl.diagnostics import Edit
from archdsl.diagnostics.fixes import edited
from archdsl.differences import Difference
from archdsl.elaborate.symbol import Symbol, SymbolKind
from archdsl.lsp.analysis import Analysis, Text, analyze
from archdsl.lsp.extract_block import extract_block
from archdsl.resources import resource_folder
from archdsl.session import Session
from archdsl.source import Span
from archdsl.syntax import nodes as ast

FILES = sorted(path.name for path in resource_folder("specs").glob("*.arch"))
IN_SUITE = ("lenet.arch", "unet.arch")
ALL = [name if name in IN_SUITE else pytest.param(name, marks=pytest.mark.exhaustive) for name in FILES]
BLOCKS = 3
"""Blocks that are extracted from each file, one after another."""


def analysis_of(name: str, text: str | None = None) -> Analysis:
    """Return the analysis of a shipped file, or of another text in its place."""
    path = Path(str(resource_folder("specs") / name))
    content = path.read_text(encoding="utf-8") if text is None else text
    found = analyze(Text(path.as_uri(), None, content, path), Session())
    assert not found.has_errors, [str(one) for one in found.diagnostics if one.is_error]
    return found


def assert_no_difference(before: Analysis, after: Analysis) -> None:
    """Assert that the graphs of all networks are equal, and that each weight loads, if perhaps under another key."""
    others = dict(after.checked.networks)
    for name, compiled in before.checked.networks:
        found = Difference(compiled.require(), others[name].require())
        assert found.is_empty, str(found)
        assert len(found.keys.renamed) + found.keys.loads >= found.keys.wanted, str(found)


def edits_of_label(symbol: Symbol, name: str) -> list[Edit]:
    """Return the edits that give a label another name."""
    return [Edit(place, name) for place in dict.fromkeys([*symbol.definitions, *symbol.uses])]


@pytest.mark.parametrize("name", ALL)
def test_other_labels(name: str) -> None:
    before = analysis_of(name)
    assert before.symbols is not None
    ends = [node.pipeline for node in ast.walk(before.file) if isinstance(node, ast.Aux | ast.Output)]
    public = [id(label) for one in ends if one.label for label in one.label.each or (one.label,)]  # what the results are called
    edits: list[Edit] = []
    for number, symbol in enumerate(before.symbols.symbols):
        places = [*symbol.definitions, *symbol.uses]
        if (
            symbol.kind is SymbolKind.LABEL
            and id(symbol.node) not in public
            and all(before.of_this_file(one) and one.text == symbol.name for one in places)
        ):
            edits += edits_of_label(symbol, f"renamed_{number}")
    assert_no_difference(before, analysis_of(name, edited(before.source.text, edits)))


def statements_of(analysis: Analysis, random: Random) -> list[Span]:
    """Return places of statements that follow one another in one body, in a random order."""
    found = []
    for definition in analysis.file.definitions:
        if isinstance(definition, ast.Block | ast.Network):
            for body in (node for node in ast.walk(definition) if isinstance(node, ast.Body) and node.statements):
                start = random.randrange(len(body.statements))
                end = random.randrange(start, len(body.statements))
                found.append(Span(analysis.source, body.statements[start].span.start, body.statements[end].span.end))
    random.shuffle(found)
    return found


@pytest.mark.parametrize("name", ALL)
def test_extracted_blocks(name: str) -> None:
    random, before = Random(name), analysis_of(name)
    after, extracted = before, 0
    for _ in range(BLOCKS):
        made = (extract_block(after, place, Session()) for place in statements_of(after, random))
        found = next((one for one in made if one is not None), None)
        if found is not None:
            after, extracted = analysis_of(name, edited(after.source.text, list(found.edits))), extracted + 1
    assert extracted
    assert_no_difference(before, after)
