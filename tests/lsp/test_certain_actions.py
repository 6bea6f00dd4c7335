"""Every certain code action, applied by a client, removes its finding: over the examples of codes, golden texts and the docs."""

from __future__ import annotations

from collections import Counter

import pytest
from lsprotocol import types
from pytest_lsp import LanguageClient

from archdsl.diagnostics import Applicability, Diagnostic
from archdsl.driver import check_text
from archdsl.source import SourceFile
from tests.lsp.test_server import Opened
from tests.syntax.texts import DOCS, EXAMPLES, GOLDEN

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """The texts with certain fixes."""
    return [text for text in [*EXAMPLES, *GOLDEN, *DOCS] if any(_is_certain(found) for found in check_text(text))]


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.exhaustive)])
async def test_they_remove_their_findings(client: LanguageClient, texts: list[str], step: int) -> None:
    for number, example in enumerate(texts[::step]):
        text = f"# 😀→\n{example}"
        opened = Opened(client, f"certain{number}.arch", text)
        found = await opened.found()
        applied = 0
        for one in found:
            for action in await _actions(client, opened, one):
                opened.change(_applied(text, action.edit.changes[opened.uri]))
                after = await opened.found()
                assert _count(after)[one.code] < _count(found)[one.code], (text, one.message, action.title, after)
                opened.change(text)
                assert _count(await opened.found()) == _count(found)
                applied += 1
        assert applied, text
        opened.close()


def _is_certain(found: Diagnostic) -> bool:
    return found.fix is not None and found.fix.applicability is Applicability.CERTAIN


async def _actions(client: LanguageClient, opened: Opened, finding: types.Diagnostic) -> list[types.CodeAction]:
    """Return the certain actions that belong to a finding."""
    context = types.CodeActionContext([finding], only=[types.CodeActionKind.QuickFix])
    actions = await client.text_document_code_action_async(types.CodeActionParams(opened.identifier, finding.range, context))
    return [action for action in actions or [] if action.is_preferred and action.diagnostics]


def _applied(text: str, edits: list[types.TextEdit]) -> str:
    source = SourceFile("edited", text)
    for edit in sorted(edits, key=lambda one: (one.range.start.line, one.range.start.character), reverse=True):
        start, end = (source.offset_at(at.line, at.character) for at in (edit.range.start, edit.range.end))
        text = text[:start] + edit.new_text + text[end:]
    return text


def _count(found: list[types.Diagnostic]) -> Counter[object]:
    return Counter(one.code for one in found)
