"""The server and a client that speak the protocol to each other."""

from __future__ import annotations

from typing import Any

import pytest
from lsprotocol import types
from pytest_lsp import LanguageClient

import archdsl
from archdsl.source import SourceFile
from tests.networks import SMALL

BROKEN_SHORTCUT = """block basic(width, stride = 1) {
  skip { conv(width, 3, stride) -> bn -> relu -> conv(width, 3) -> bn }
  relu
}
network net {
  input image [3, 32, 32]
  conv(16, 3)
  basic(16)
  basic(32, 2)
}
"""

pytestmark = pytest.mark.asyncio(loop_scope="package")


class Opened:
    """A text that is open in a client; the file lies in the client's folder."""

    def __init__(self, client: LanguageClient, name: str, text: str) -> None:
        self.client, self.path, self.version = client, client.folder / name, 1
        self.uri = self.path.as_uri()
        self.path.write_text(text, encoding="utf-8")
        item = types.TextDocumentItem(self.uri, "arch", 1, text)
        client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    @property
    def identifier(self) -> types.TextDocumentIdentifier:
        return types.TextDocumentIdentifier(self.uri)

    def change(self, text: str) -> None:
        """Replace the whole text."""
        self.version += 1
        identifier = types.VersionedTextDocumentIdentifier(self.version, self.uri)
        change = types.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(identifier, [change]))

    async def hints(self) -> list[types.InlayHint]:
        everything = types.Range(types.Position(0, 0), types.Position(10_000, 0))
        parameters = types.InlayHintParams(self.identifier, everything)
        return list(await self.client.text_document_inlay_hint_async(parameters) or [])

    async def found(self) -> list[types.Diagnostic]:
        """Return what was published for the newest text: a request is answered after that."""
        await self.hints()
        return list(self.client.diagnostics.get(self.uri, []))

    def close(self) -> None:
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(self.identifier))


async def test_diagnostics_follow_the_text(client: LanguageClient) -> None:
    opened = Opened(client, "small.arch", BROKEN_SHORTCUT)
    found = await opened.found()
    assert [(one.code, one.severity) for one in found] == [("E0301", types.DiagnosticSeverity.Error)]
    assert found[0].related_information and "errors.md#e0301" in found[0].code_description.href
    opened.change(SMALL)
    assert await opened.found() == []
    opened.close()


async def test_diagnostics_are_those_of_a_fresh_check(client: LanguageClient) -> None:
    opened = Opened(client, "fresh.arch", SMALL)
    for cut in range(20, len(SMALL), 61):
        text = SMALL[:cut] + SMALL[cut + 3 :]
        opened.change(text)
        expected = [(d.code, d.message) for d in archdsl.check(text)]
        assert [(one.code, one.message.partition("\n")[0]) for one in await opened.found()] == expected, text
    opened.close()


async def test_hints_show_the_shape_after_each_line(client: LanguageClient) -> None:
    opened = Opened(client, "hints.arch", "network n {\n  input i [3, 8, 8]\n  conv(4, 3) -> relu  # é→😀\n  gap\n}\n")
    hints = await opened.hints()
    assert [(hint.position.line, hint.position.character, hint.label) for hint in hints] == [
        (2, 20, "[4, 8, 8]"), (3, 5, "[4, 1, 1]"),
    ]  # fmt: skip
    resolved = await client.inlay_hint_resolve_async(hints[0])
    assert "| [4, 8, 8] | [4, 8, 8] | 1 |" in str(resolved.tooltip)
    opened.close()


async def test_columns_are_utf16(client: LanguageClient) -> None:
    opened = Opened(client, "columns.arch", 'network n {\n  input i [3, 8, 8]\n  "😀a": conv(4, 9, stride = 1, bda = 3)\n}\n')
    found = await opened.found()
    assert found[0].range.start.line == 2 and found[0].range.start.character == 32  # 31 characters, one of two units
    opened.close()


async def test_a_file_that_another_imports(client: LanguageClient) -> None:
    library = Opened(client, "library.arch", "block unit(width) { conv(width, 3) -> relu }\n")
    user = Opened(client, "user.arch", 'import "library.arch" as lib\nnetwork user { input i [3, 8, 8]\n  lib.unit(4) }\n')
    assert await user.found() == []
    library.change("block unit(width, more) { conv(width, 3) -> relu }\n")  # is not saved
    assert [one.code for one in await user.found()] == ["E0403"]
    library.change("block unit(width) { conv(width, 3) -> relu }\n")
    assert await user.found() == []
    place = types.Position(2, 7)
    [target] = await client.text_document_definition_async(types.DefinitionParams(user.identifier, place))
    assert (target.uri, target.range.start) == (library.uri, types.Position(0, 6))
    used = types.ReferenceParams(types.ReferenceContext(True), library.identifier, types.Position(0, 8))
    assert [one.uri for one in await client.text_document_references_async(used)] == [library.uri, user.uri]
    library.close()
    user.close()


async def test_renaming_reaches_files_that_are_not_open(client: LanguageClient) -> None:
    library = Opened(client, "library2.arch", "block unit(width) { conv(width, 3) -> relu }\n")
    other = client.folder / "closed.arch"
    other.write_text('import "library2.arch" as lib\nnetwork closed { input i [3, 8, 8]\n  lib.unit(4) }\n')
    parameters = types.RenameParams(library.identifier, types.Position(0, 8), "stage")
    edit = await client.text_document_rename_async(parameters)
    assert edit is not None and set(edit.changes) == {library.uri, other.as_uri()}
    library.close()


async def test_renaming_a_label_asks(client: LanguageClient) -> None:
    opened = Opened(client, "label.arch", "network n { input i [3, 8, 8]\n  stem: conv(4, 3)\n  concat { stem; relu } }\n")
    parameters = types.RenameParams(opened.identifier, types.Position(1, 3), "first")
    edit: Any = await client.text_document_rename_async(parameters)
    assert edit.change_annotations["key"].needs_confirmation
    assert len(edit.document_changes[0].edits) == 2
    opened.close()


async def test_a_refused_name_says_why(client: LanguageClient) -> None:
    opened = Opened(client, "refused.arch", SMALL)
    place = types.Position(2, 7)
    with pytest.raises(Exception, match="`conv` is an op"):
        await client.text_document_rename_async(types.RenameParams(opened.identifier, place, "conv"))
    opened.close()


async def test_every_certain_action_removes_its_finding(client: LanguageClient) -> None:
    opened = Opened(client, "fix.arch", BROKEN_SHORTCUT)
    [finding] = await opened.found()
    context = types.CodeActionContext([finding])
    actions = await client.text_document_code_action_async(types.CodeActionParams(opened.identifier, finding.range, context))
    [preferred] = [action for action in actions or [] if action.is_preferred]
    text = opened.path.read_text()
    source = SourceFile("fix", text)
    for edit in sorted(preferred.edit.changes[opened.uri], key=lambda e: (e.range.start.line, e.range.start.character))[::-1]:
        start, end = (source.offset_at(at.line, at.character) for at in (edit.range.start, edit.range.end))
        text = text[:start] + edit.new_text + text[end:]
    opened.change(text)
    assert await opened.found() == []
    opened.close()


async def test_lenses_and_their_commands(client: LanguageClient) -> None:
    opened = Opened(client, "lens.arch", SMALL)
    lenses = await client.text_document_code_lens_async(types.CodeLensParams(opened.identifier))
    assert [lens.command.command for lens in lenses] == ["archdsl.check", "archdsl.draw", "archdsl.train"]
    results = {}
    for lens in lenses:
        parameters = types.ExecuteCommandParams(lens.command.command, lens.command.arguments)
        results[lens.command.command] = await client.workspace_execute_command_async(parameters)
    for name, arguments in {"archdsl.networkAt": [opened.uri, 5], "archdsl.picture": [opened.uri, "small"]}.items():
        results[name] = await client.workspace_execute_command_async(types.ExecuteCommandParams(name, arguments))
    assert results["archdsl.networkAt"] == "small" and 'data-lines="3"' in results["archdsl.picture"]
    assert "params" in results["archdsl.check"] and results["archdsl.draw"].startswith("<")
    assert results["archdsl.train"].startswith("archdsl train ")
    opened.close()


async def test_formatting(client: LanguageClient) -> None:
    opened = Opened(client, "format.arch", "network n {\n  input i [3,8,8]\n  conv(4,3)->relu\n  gap\n}\n")
    options = types.FormattingOptions(2, True)
    [edit] = await client.text_document_formatting_async(types.DocumentFormattingParams(opened.identifier, options)) or []
    assert (edit.range.start, edit.new_text) == (types.Position(1, 13), " 8, 8]\n  conv(4, 3) -> ")
    line = types.Range(types.Position(1, 0), types.Position(2, 0))
    parameters = types.DocumentRangeFormattingParams(opened.identifier, line, options)
    [edit] = await client.text_document_range_formatting_async(parameters) or []
    assert edit.range.start.line == edit.range.end.line == 1
    opened.change("network n { conv( }")
    assert not await client.text_document_formatting_async(types.DocumentFormattingParams(opened.identifier, options))
    opened.close()


async def test_what_closes_leaves_no_findings(client: LanguageClient) -> None:
    opened = Opened(client, "closed2.arch", "network n {\n  conv(\n}\n")
    assert await opened.found()
    opened.close()
    other = Opened(client, "other.arch", SMALL)
    await other.found()
    assert not client.diagnostics[opened.uri]
    other.close()


async def test_a_text_that_is_not_open_is_refused(client: LanguageClient) -> None:
    parameters = types.HoverParams(types.TextDocumentIdentifier("file:///nowhere.arch"), types.Position(0, 0))
    with pytest.raises(Exception, match="is not open"):
        await client.text_document_hover_async(parameters)
